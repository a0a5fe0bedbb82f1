from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from pipeline.analysis.fusion import unit
from pipeline.analysis.fusion.attention import Batch, CrossAttention
from pipeline.analysis.fusion.methods import FusionMethod, fusion_method
from pipeline.analysis.fusion.parts import SceneParts, Track
from schemas.config import FusionConfig
from schemas.errors import ModelError
from schemas.tables import NO_ENCODER

D, TEXT, VISION = 6, 5, 4
METHODS = ("early", "projected", "hybrid")


def method(name: str, weight: float = 0.5) -> FusionMethod:
    config = FusionConfig(method=name, text_weight=weight)
    return fusion_method(config, text=("t", TEXT), vision=("v", VISION), coordinated=("conse:t+v", D))


def track(rng: np.random.Generator, count: int) -> Track:
    vectors = unit(rng.standard_normal((count, D)))
    return Track.of(vectors, rng.uniform(0, 60, count), rng.uniform(0.1, 5, count))


def scene(seed: int, texts: int, frames: int) -> SceneParts:
    rng = np.random.default_rng(seed)
    spoken, shown = track(rng, texts), track(rng, frames)
    text = unit(rng.standard_normal(TEXT)) if texts else np.zeros(TEXT, np.float32)
    vision = unit(rng.standard_normal(VISION)) if frames else np.zeros(VISION, np.float32)
    return SceneParts(text, vision, unit(shown.weights @ shown.vectors), spoken, shown)


scenes = st.builds(scene, st.integers(0, 2**32 - 1), st.integers(0, 5), st.integers(0, 5))


@given(st.sampled_from(METHODS), st.lists(scenes, max_size=5), st.floats(0, 1))
def test_fused_vectors_are_of_unit_length_or_zeros_and_weights_say_what_is_there(
    name: str, parts: list[SceneParts], weight: float
) -> None:
    made = method(name, weight)
    for part, (vector, text_weight, vision_weight) in zip(parts, made.fuse(parts), strict=True):
        assert vector.shape == (made.space[1],)
        length = float(np.linalg.norm(vector))
        assert length == pytest.approx(1.0, abs=1e-4) or not vector.any()
        assert bool(vector.any()) == bool(len(part.texts) or len(part.frames))
        there = (bool(len(part.texts)), bool(len(part.frames)))
        expected = (weight, 1 - weight) if all(there) else tuple(map(float, there))
        assert (text_weight, vision_weight) == pytest.approx(expected, abs=1e-3)


@given(st.lists(scenes, min_size=2, max_size=5), st.sampled_from(METHODS))
def test_scenes_do_not_depend_on_each_other(parts: list[SceneParts], name: str) -> None:
    made = method(name)
    for part, (together, *_) in zip(parts, made.fuse(parts), strict=True):
        assert together == pytest.approx(made.fuse([part])[0][0], abs=1e-5)


@given(st.integers(0, 999), st.integers(1, 5), st.floats(0, 1))
def test_a_silent_scene_is_its_images_and_a_black_one_its_words(seed: int, count: int, weight: float) -> None:
    silent, black = scene(seed, 0, count), scene(seed, count, 0)
    words = unit(black.texts.weights @ black.texts.vectors)
    for name in ("projected", "hybrid"):
        assert method(name, weight).fuse([silent])[0][0] == pytest.approx(silent.image, abs=1e-4)
        assert method(name, weight).fuse([black])[0][0] == pytest.approx(words, abs=1e-4)


@given(st.integers(0, 999), st.integers(1, 5), st.integers(1, 5), st.floats(-500, 500))
def test_the_hybrid_sees_times_apart_and_neither_order_nor_the_clock(
    seed: int, texts: int, frames: int, shift_s: float
) -> None:
    part = scene(seed, texts, frames)

    def turned(track: Track) -> Track:
        return Track(track.vectors[::-1], track.times_s[::-1] + shift_s, track.weights[::-1])

    other = SceneParts(part.text, part.vision, part.image, turned(part.texts), turned(part.frames))
    one, again = (method("hybrid").fuse([each])[0][0] for each in (part, other))
    assert one == pytest.approx(again, abs=1e-3)


def test_long_scenes_are_not_padded_into_a_batch_of_short_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [scene(1, 2, 1), scene(2, 300, 200), scene(3, 1, 2), scene(4, 150, 100), scene(5, 3, 2)]
    together = method("hybrid").fuse(parts)
    padded: list[tuple[int, int]] = []
    whole = CrossAttention.forward

    def forward(self: CrossAttention, batch: Batch) -> Tensor:
        padded.append((batch.texts.shape[0], batch.texts.shape[1]))
        return whole(self, batch)

    monkeypatch.setattr(CrossAttention, "forward", forward)
    monkeypatch.setattr("pipeline.analysis.fusion.hybrid._MAX_NUMBERS", 20_000)
    apart = method("hybrid").fuse(parts)
    assert padded == [(3, 3), (1, 150), (1, 300)]
    for one, other in zip(together, apart, strict=True):
        assert one[0] == pytest.approx(other[0], abs=1e-5)


def test_in_the_hybrid_words_and_images_that_agree_at_a_time_count_more_than_those_that_do_not() -> None:
    axes = np.eye(D, dtype=np.float32)
    times = np.array([5.0, 50.0])
    texts = Track(axes[[0, 1]], times, np.ones(2))
    agreeing = unit(axes[0] + 0.5 * axes[2])
    frames = Track(np.stack([agreeing, axes[3]]), times, np.ones(2))
    part = SceneParts(np.ones(TEXT, np.float32), np.ones(VISION, np.float32), axes[2], texts, frames)
    vector = method("hybrid").fuse([part])[0][0]
    assert vector[0] > 1.5 * vector[1]
    assert vector[0] > 1.5 * vector[3]


def test_what_has_no_weight_or_no_vector_is_left_out_of_a_track() -> None:
    vectors = np.array([[1, 0], [0, 0], [0, 1]], np.float32)
    assert len(Track.of(vectors, np.arange(3.0), np.array([1.0, 1.0, 0.0]))) == 1


def test_a_method_that_needs_a_shared_space_says_so_where_there_is_none() -> None:
    for name in ("projected", "hybrid"):
        with pytest.raises(ModelError, match=rf"fusion.method: {name} .* dinov2 has none"):
            fusion_method(FusionConfig(method=name), text=("t", 5), vision=("dinov2", 4), coordinated=NO_ENCODER)


def test_the_space_names_method_and_models() -> None:
    assert method("early").space == ("t + v", TEXT + VISION)
    assert method("projected").space == ("projected:conse:t+v", D)
    assert method("hybrid").space == ("hybrid:closed-form:conse:t+v", D)


class Longest:
    """A fusion of one's own that keeps one modality."""

    def __init__(self, *, text_dimensions: int, vision_dimensions: int) -> None:
        self.dimensions = text_dimensions

    def fuse(self, text: np.ndarray, vision: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return 3 * text, np.tile([1.0, 0.0], (len(text), 1))


class Wrong(Longest):
    """One that returns what it should not."""

    def fuse(self, text: np.ndarray, vision: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return text[:, :2], np.zeros((len(text), 2))


def test_a_fusion_of_a_users_own_package_is_a_method(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_fusions.py").write_text(f"from {__name__} import Longest, Wrong\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    parts = [scene(1, 2, 2), scene(2, 0, 1)]
    made = method("python:my_fusions:Longest")
    assert made.space[1] == TEXT
    (first, *_), (second, *_) = made.fuse(parts)
    assert first == pytest.approx(parts[0].text, abs=1e-5)
    assert not second.any()
    with pytest.raises(ModelError, match=r"python:my_fusions:Wrong returned .* \(2, 5\)"):
        method("python:my_fusions:Wrong").fuse(parts)
