"""Which of several audio tracks is transcribed, without a model: here, everything loud is speech."""

from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from av.stream import Disposition

from pipeline.analysis.media import probe
from pipeline.analysis.sounds import SoundSession
from pipeline.analysis.speech import SpeechRecognizer
from pipeline.analysis.video.audio_track import AudioTrack, Heard
from pipeline.analysis.video.clock import StepClock, Turns
from pipeline.analysis.video.isolation import StageErrors
from pipeline.analysis.video.models import Models
from pipeline.analysis.video.perception import Perception
from schemas.config import Config
from schemas.media import SAMPLE_RATE_HZ, AudioBlock, AudioStream
from schemas.records import Sound, Transcript, Utterance
from schemas.stages import STAGES
from tests.material import audio_tracks

WORD = Utterance(0, 0.0, 1.0, "Yes.", "en", None, (), 0.0, 0.0, 1.0, ())


class Meter:
    speech_s = 0.0

    def add(self, samples: np.ndarray) -> None:
        self.speech_s += float((np.abs(samples) > 0.01).sum() / SAMPLE_RATE_HZ)

    def finish(self) -> None:
        pass


class Session(Meter):
    """Hears one word in anything loud, unless it is only music."""

    def __init__(self, *, music: bool) -> None:
        self._music = music

    def add(self, block: AudioBlock) -> None:  # type: ignore[override]
        super().add(block.samples)

    def finish(self) -> Transcript:  # type: ignore[override]
        words = () if self._music or not self.speech_s else (WORD,)
        return Transcript("en", 1.0, self.speech_s, words, "fake")


class Recognizer:
    def __init__(self, *, music: bool = False) -> None:
        self._music = music

    def session(self, listener: object) -> Session:
        del listener
        return Session(music=self._music)

    def meter(self) -> Meter:
        return Meter()


def stream(index: int, *, secondary: bool = False) -> AudioStream:
    return AudioStream(index, "aac", 1, 48_000, None, default=index == 1, track=index - 1, secondary=secondary)


def spoken(*loud_s: float, secondary: int = 0, music: bool = False) -> tuple[int | None, set[int]]:
    """Return the index of the stream that is transcribed instead of the first, 1, and those found unneeded."""
    streams = [stream(index, secondary=index == secondary) for index in range(1, len(loud_s) + 1)]
    recognizer = cast("SpeechRecognizer", Recognizer(music=music))
    with closing(AudioTrack(recognizer, StepClock(Turns(1)), streams)) as audio:
        for index, seconds in enumerate(loud_s, 1):
            samples = np.zeros(30 * SAMPLE_RATE_HZ, np.float32)
            samples[: round(seconds * SAMPLE_RATE_HZ)] = 0.1
            audio.add(AudioBlock(0.0, samples, index))
        found = audio.spoken(audio.finish().transcript)
        return found and found.index, audio.unneeded


@pytest.mark.parametrize(
    ("loud_s", "secondary", "index"),
    [
        ((5, 5), 0, None),
        ((0, 5), 0, 2),
        ((0, 0), 0, None),
        ((0, 0.2), 0, None),
        ((0, 5, 5), 2, 3),
        ((0, 5, 0), 2, 2),
        ((0, 1, 20), 0, 3),
        ((0, 15, 20), 0, 2),
        ((0, 0, 20), 0, 3),
    ],
)
def test_if_nobody_speaks_in_the_default_track_the_first_with_speech_is_used_and_a_commentary_last(
    loud_s: tuple[float, ...], secondary: int, index: int | None
) -> None:
    assert spoken(*loud_s, secondary=secondary)[0] == index


def test_what_is_taken_for_speech_but_has_no_words_is_no_speech() -> None:
    assert spoken(2, 20, music=True)[0] == 2


def test_once_somebody_speaks_in_the_default_track_the_others_are_not_decoded() -> None:
    assert spoken(20, 20) == (None, {2})


def test_without_speech_recognition_only_the_first_track_is_decoded() -> None:
    with closing(AudioTrack(None, StepClock(Turns(1)), [stream(1), stream(2)])) as audio:
        assert audio.unneeded == {2}


def test_channels_that_are_separated_are_recognised_each_by_itself() -> None:
    with closing(AudioTrack(cast("SpeechRecognizer", Recognizer()), StepClock(Turns(1)), [stream(1)])) as audio:
        for start_s, lane, level in ((0.0, 0, 0.1), (5.0, 0, 0.0), (5.0, 1, 0.1), (10.0, 0, 0.1)):
            audio.add(AudioBlock(start_s, np.full(5 * SAMPLE_RATE_HZ, level, np.float32), 1, lane))
        transcript = audio.finish().transcript
    assert [each.speaker for each in transcript.utterances] == ["S1", "S2"]
    assert transcript.speech_s == 15.0


def test_a_file_is_read_again_for_the_track_in_which_somebody_speaks(tmp_path: Path) -> None:
    film = audio_tracks(tmp_path / "film.mka", ("eng", Disposition.default, 0.0), ("ger", 0, 0.3), seconds=3)
    config = Config()
    models = SimpleNamespace(speech=Recognizer(), speakers=None, sounds=None)
    perception = Perception(
        config,
        cast("Models", models),
        threads=1,
        clock=StepClock(Turns(1)),
        errors=StageErrors(),
        progress=lambda _: None,
    )
    found = perception.run(str(film), probe(str(film), config.media, config.limits), STAGES, None)
    assert found.info.audio
    assert found.info.audio.language == "ger"
    assert found.transcript.speech_s == pytest.approx(3.0, abs=0.1)
    assert found.duration_s == pytest.approx(3.0, abs=0.1)
    [(warning, part)] = found.warnings.items()
    assert warning.startswith("Nobody speaks in audio track 0 (eng), so track 1 (ger) was transcribed.")
    assert part == "audio"


class Sounds:
    """Hears singing as long as blocks of the first stream last."""

    def __init__(self) -> None:
        self.blocks: list[AudioBlock] = []

    def add(self, block: AudioBlock) -> None:
        self.blocks.append(block)

    def finish(self) -> tuple[Sound, ...]:
        return (Sound(0, 0.0, float(len(self.blocks)), "singing", 0.9),)


def heard(recognizer: Recognizer | None) -> Heard:
    sounds = Sounds()
    known, session = cast("SpeechRecognizer | None", recognizer), cast("SoundSession", sounds)
    with closing(AudioTrack(known, StepClock(Turns(1)), [stream(1), stream(2)], None, session)) as audio:
        for start_s in range(3):
            for index in (1, 2) if recognizer else (1,):
                audio.add(AudioBlock(float(start_s), np.full(SAMPLE_RATE_HZ, 0.1, np.float32), index))
        return audio.finish()


def test_sounds_are_those_of_the_first_track_and_mark_what_is_sung() -> None:
    found = heard(Recognizer())
    assert [each.end_s for each in found.sounds] == [3.0]
    assert [each.sung for each in found.transcript.utterances] == [True]


def test_sounds_need_no_speech_recognition() -> None:
    found = heard(None)
    assert [each.label for each in found.sounds] == ["singing"]
    assert found.transcript.utterances == ()
