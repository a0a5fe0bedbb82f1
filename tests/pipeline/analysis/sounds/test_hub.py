"""Sound models of transformers, on tiny random ones in the layout of the Hub: AST, wav2vec 2.0 and CLAP."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.analysis.sounds import SoundClassifier
from pipeline.analysis.sounds.hub import OVERLAP, WINDOW_S, Tagger
from pipeline.analysis.sounds.names import SOUND_NAMES
from schemas.config import SoundsConfig
from schemas.errors import ModelError
from schemas.media import SAMPLE_RATE_HZ as RATE
from schemas.media import AudioBlock
from tests.pipeline.analysis.sounds.tiny_models import tiny_ast, tiny_clap, tiny_wav2vec2

STEP = int(WINDOW_S * RATE) // OVERLAP


def loaded(folder: Path, **options: object) -> SoundClassifier:
    config = SoundsConfig.model_validate({"model": str(folder), **options})
    return SoundClassifier(config, device="cpu", threads=1)


def rows(model: Tagger, audio: NDArray[np.float32], sizes: list[int]) -> NDArray[np.float32]:
    stream, found, start = model.stream(), [], 0
    for size in sizes:
        found.append(stream.add(audio[start : start + size]))
        start += size
    return np.concatenate([*found, stream.add(audio[start:]), stream.finish()])


class Loudness:
    """Scores a window by its first sample and by its mean, to see which windows are made."""

    labels = ("first", "mean")

    def score(self, windows):
        assert all(len(window) == OVERLAP * STEP for window in windows)
        return np.array([(window[0], window.mean()) for window in windows], np.float32)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 40), st.integers(0, STEP - 1), st.lists(st.integers(1, 5 * STEP), max_size=8), st.integers(1, 5))
def test_each_quarter_of_a_window_gets_the_mean_of_the_windows_that_hear_it(
    steps: int, rest: int, sizes: list[int], batch: int
) -> None:
    audio = np.repeat(np.arange(steps + 1, dtype=np.float32), STEP)[: steps * STEP + rest]
    model = Tagger(Loudness(), batch, "cpu")
    found = rows(model, audio, sizes)
    assert len(found) == -(-len(audio) // STEP)
    np.testing.assert_array_equal(found, rows(Tagger(Loudness(), 3, "cpu"), audio, []))
    for row in range(OVERLAP, len(found) - OVERLAP):
        assert found[row, 0] == pytest.approx(row - (OVERLAP - 1) / 2), "windows that start 3 rows before, to here"


@pytest.mark.models
@pytest.mark.parametrize("make", [tiny_ast, tiny_wav2vec2])
def test_tiny_random_classifiers_score_their_own_classes(make, tmp_path: Path) -> None:
    classifier = loaded(make(tmp_path / "model"), min_score=0.01)
    assert classifier.labels == ("speech", "applause", "laughter", "siren", "male speech")
    noise = np.random.default_rng(0).normal(0, 0.1, 16 * RATE).astype(np.float32)
    session = classifier.session()
    for start in range(0, len(noise), RATE):
        session.add(AudioBlock(start / RATE, noise[start : start + RATE]))
    sounds = session.finish()
    assert {each.label for each in sounds} <= set(classifier.labels)
    assert sounds
    assert all(0 <= each.start_s < each.end_s <= 16 and 0 <= each.score <= 1 for each in sounds)


@pytest.mark.models
def test_classes_of_a_tiny_random_ast_may_be_heard_together_and_those_of_a_single_label_model_may_not(
    tmp_path: Path,
) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 10 * RATE).astype(np.float32)
    sums = [
        rows(loaded(make(tmp_path / make.__name__))._model, noise, []).sum(axis=1)  # type: ignore[arg-type]
        for make in (tiny_ast, tiny_wav2vec2)
    ]
    assert (sums[0] > 1.5).all()
    assert (sums[1] <= 1.0).all()


@pytest.mark.models
@pytest.mark.parametrize("fusion", [False, True])
def test_a_tiny_random_clap_listens_for_the_names_of_the_configuration(fusion: bool, tmp_path: Path) -> None:
    folder = tiny_clap(tmp_path / "clap", fusion=fusion)
    classifier = loaded(folder, names=["a dog", "rain", "a siren"])
    assert classifier.labels == ("a dog", "rain", "a siren")
    noise = np.random.default_rng(0).normal(0, 0.1, 12 * RATE).astype(np.float32)
    once, again = (rows(classifier._model, noise, sizes) for sizes in ([], [RATE] * 12))  # type: ignore[arg-type]
    np.testing.assert_allclose(once.sum(axis=1), 1.0, atol=1e-5)
    np.testing.assert_allclose(once, again, atol=1e-5), "no window is treated at random"
    assert loaded(folder).labels == SOUND_NAMES


@pytest.mark.models
def test_a_folder_of_another_model_is_refused(tmp_path: Path) -> None:
    folder = tiny_ast(tmp_path / "model")
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(ModelError, match=r"sounds\.model: .* cannot be loaded as a sound model"):
        loaded(folder)
