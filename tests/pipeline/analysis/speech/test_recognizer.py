"""The speech step as a whole: what is said, when, in which language; and nothing where nobody speaks."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.analysis.speech import SpeechRecognizer
from pipeline.analysis.speech.engines import Alignment, Decoded, Encoded, Span
from pipeline.analysis.speech.recognizer import SpeechSession
from pipeline.analysis.speech.transcription import Transcriber
from pipeline.analysis.speech.voice_activity import VoiceActivityDetector
from schemas.config import SpeechConfig
from schemas.errors import ConfigurationError
from schemas.media import AudioBlock
from schemas.records import Transcript
from tests.material import speak

RATE = 16_000
GARDEN = "Good morning. The museum opens at nine o'clock, and the garden is free for everybody."
PAINTINGS = "Please do not touch the paintings."
GREEDY = SpeechConfig(beam_size=1, min_greedy_logprob=-5.0)
"""Decodes a short window once, also if it is unsure, as it is of synthetic speech."""
Audio = NDArray[np.float32]


def silence(seconds: float) -> Audio:
    return np.zeros(round(seconds * RATE), np.float32)


@pytest.fixture(scope="module")
def recognizer(kept_whisper: None) -> SpeechRecognizer:
    return SpeechRecognizer(SpeechConfig(), device="cpu", threads=1)


@pytest.fixture(scope="module")
def tour() -> Audio:
    """Speech from 1 s, a pause of 4 s, and speech again."""
    return np.concatenate([silence(1), speak(GARDEN), silence(4), speak(PAINTINGS), silence(0.5)])


def hear(session: SpeechSession, audio: Audio, sizes: list[int], start_s: float = 0.0) -> Transcript:
    done, turn = 0, 0
    while done < len(audio):
        size = sizes[turn % len(sizes)]
        session.add(AudioBlock(start_s + done / RATE, audio[done : done + size]))
        done, turn = done + size, turn + 1
    return session.finish()


def session_of(recognizer: SpeechRecognizer, config: SpeechConfig) -> SpeechSession:
    """Start a session with other settings and the same loaded models."""
    return SpeechSession(Transcriber(recognizer._engine, config), recognizer._detector, None)


@pytest.fixture(scope="module")
def heard(recognizer: SpeechRecognizer, tour: Audio) -> Transcript:
    return hear(recognizer.session(), tour, [5 * RATE])


def says(transcript: Transcript) -> str:
    return " ".join(utterance.text for utterance in transcript.utterances).lower()


def same(one: Transcript, other: Transcript) -> bool:
    facts = ("start_s", "end_s", "text", "language", "words", "avg_logprob", "no_speech_prob", "flags")
    pairs = zip(one.utterances, other.utterances, strict=True)
    return (one.language, one.speech_s) == (other.language, other.speech_s) and all(
        getattr(a, fact) == getattr(b, fact) for a, b in pairs for fact in facts
    )


@pytest.mark.models
def test_speech_becomes_sentences_with_language_and_times(heard: Transcript, tour: Audio) -> None:
    transcript = heard
    assert transcript.language == "en"
    assert transcript.language_probability > 0.5
    assert "the museum opens at" in says(transcript)
    assert "the garden is free for everybody" in says(transcript)
    last = transcript.utterances[-1]
    assert last.text.rstrip(".").lower() == "please do not touch the paintings"
    begins = 1 + len(speak(GARDEN)) / RATE + 4
    assert abs(last.start_s - begins) < 0.3
    assert last.end_s <= len(tour) / RATE


@pytest.mark.models
def test_words_follow_each_other_within_their_utterance(heard: Transcript) -> None:
    transcript = heard
    words = [word for utterance in transcript.utterances for word in utterance.words]
    edges = [edge for word in words for edge in (word.start_s, word.end_s)]
    assert edges == sorted(edges)
    assert all(word.start_s < word.end_s and 0 < word.probability <= 1 and word.word for word in words)
    for index, utterance in enumerate(transcript.utterances):
        assert utterance.index == index
        assert (utterance.start_s, utterance.end_s) == (utterance.words[0].start_s, utterance.words[-1].end_s)
        assert utterance.text.split() == [word.word for word in utterance.words]


@pytest.fixture(scope="module")
def heard_greedily(recognizer: SpeechRecognizer, tour: Audio) -> Transcript:
    return hear(session_of(recognizer, GREEDY), tour, [5 * RATE])


@pytest.mark.models
@pytest.mark.parametrize("sizes", [[160, 5113, 513, 7], [10**9]])
def test_the_transcript_is_the_same_whatever_the_block_sizes(
    recognizer: SpeechRecognizer, tour: Audio, heard_greedily: Transcript, sizes: list[int]
) -> None:
    assert heard_greedily.utterances
    assert same(hear(session_of(recognizer, GREEDY), tour, sizes), heard_greedily)


@pytest.mark.models
def test_times_count_from_the_start_of_the_video_and_gaps_in_the_audio_are_silence(
    recognizer: SpeechRecognizer,
) -> None:
    spoken = np.concatenate([np.zeros(RATE, np.float32), speak(PAINTINGS)])
    session = session_of(recognizer, GREEDY)
    session.add(AudioBlock(10.0, spoken))
    session.add(AudioBlock(60.0, spoken))
    first, second = session.finish().utterances
    assert 10.8 <= first.start_s < 11.2
    # Whisper places the first word of the same audio up to a quarter of a second elsewhere after another silence.
    assert abs(second.start_s - first.start_s - 50.0) < 0.3


@pytest.mark.models
@pytest.mark.parametrize("kind", ["nothing", "silence", "noise", "tone"])
def test_there_are_no_words_where_nobody_speaks(recognizer: SpeechRecognizer, kind: str) -> None:
    time_s = np.arange(40 * RATE) / RATE
    audio = {
        "nothing": silence(0),
        "silence": silence(40),
        "noise": np.random.default_rng(0).normal(0, 0.2, len(time_s)).astype(np.float32),
        "tone": (0.5 * np.sin(2 * np.pi * 440 * time_s)).astype(np.float32),
    }[kind]
    transcript = hear(recognizer.session(), audio, [RATE])
    assert transcript.utterances == ()
    assert (transcript.language, transcript.language_probability, transcript.speech_s) == (None, 0.0, 0.0)


@pytest.mark.models
def test_a_detector_that_hears_speech_everywhere_still_yields_no_words_in_noise_and_tones(
    recognizer: SpeechRecognizer,
) -> None:
    # With such a threshold nearly all of it reaches Whisper: the other guards have to hold.
    noise = np.random.default_rng(0).normal(0, 0.2, 4 * RATE).astype(np.float32)
    tone = (0.5 * np.sin(2 * np.pi * 440 * np.arange(4 * RATE) / RATE)).astype(np.float32)
    for audio in (noise, tone):
        transcript = hear(session_of(recognizer, SpeechConfig(vad_threshold=0.001)), audio, [RATE])
        assert transcript.speech_s > 0
        assert transcript.utterances == ()


@pytest.mark.models
@pytest.mark.parametrize(
    ("voice", "text"),
    [
        ("de", "Das ist ein schöner Tag, und die Sonne scheint."),
        ("es", "Buenos días. El museo abre a las nueve de la mañana."),
    ],
)
def test_the_language_is_detected(recognizer: SpeechRecognizer, voice: str, text: str) -> None:
    transcript = hear(session_of(recognizer, GREEDY), speak(text, voice), [RATE])
    assert transcript.language == voice
    assert all(utterance.language == voice for utterance in transcript.utterances)


@pytest.mark.models
@pytest.mark.usefixtures("kept_whisper")
def test_a_forced_language_is_used_and_an_unknown_one_refused_with_those_there_are() -> None:
    config = GREEDY.model_copy(update={"language": "de"})
    transcript = hear(SpeechRecognizer(config, device="cpu", threads=1).session(), speak(PAINTINGS), [RATE])
    assert {transcript.language, *(u.language for u in transcript.utterances)} == {"de"}
    with pytest.raises(ConfigurationError, match=r"'tlh'.*\bde, .*\bzh\b"):
        SpeechRecognizer(SpeechConfig(language="tlh"), device="cpu", threads=1)


@pytest.mark.models
def test_without_word_times_utterances_keep_theirs(recognizer: SpeechRecognizer) -> None:
    session = session_of(recognizer, GREEDY.model_copy(update={"word_times": False}))
    transcript = hear(session, speak(PAINTINGS), [RATE])
    assert transcript.utterances
    assert all(u.words == () and u.start_s < u.end_s for u in transcript.utterances)


@pytest.mark.models
def test_both_engines_hear_the_same_words_at_the_same_times() -> None:
    heard, spoken = {}, np.concatenate([speak(PAINTINGS), silence(1), speak("The garden is free.")])
    for engine in ("faster-whisper", "openai-whisper"):
        config = GREEDY.model_copy(update={"engine": engine, "compute_type": "float32"})
        heard[engine] = hear(SpeechRecognizer(config, device="cpu", threads=1).session(), spoken, [RATE])
        assert heard[engine].engine == engine
    faster, openai = ([w for u in t.utterances for w in u.words] for t in heard.values())
    assert [word.word for word in faster] == [word.word for word in openai]
    assert max(abs(a.start_s - b.start_s) for a, b in zip(faster, openai, strict=True)) < 0.1
    assert max(abs(a.probability - b.probability) for a, b in zip(faster, openai, strict=True)) < 0.1


class Deaf:
    """An engine that hears nothing, for looking at what surrounds it."""

    name, n_mels, multilingual, num_languages = "deaf", 80, False, 99

    def encode(self, mel: NDArray[np.float32]) -> Encoded:
        return Encoded(None, len(mel))

    def detect(self, encoded: Encoded, spans: list[Span]) -> list[dict[str, float]]:
        return [{"en": 1.0}] * len(spans)

    def generate(
        self,
        encoded: Encoded,
        language: str,
        *,
        beam_size: int,
        break_loops: bool,
        task: str = "transcribe",
        max_tokens: int = 224,
    ) -> list[Decoded]:
        return [Decoded((), 0.0, 0.0)] * encoded.windows

    def align(
        self,
        encoded: Encoded,
        language: str,
        tokens: list[tuple[int, ...]],
        frames: list[int],
        *,
        task: str = "transcribe",
    ) -> list[Alignment]:
        return [Alignment(np.zeros(len(text) + 1), np.ones(len(text))) for text in tokens]


@pytest.mark.models
def test_memory_does_not_grow_with_the_length_of_the_audio() -> None:
    spoken = np.concatenate([speak(GARDEN), silence(0.7)])
    config = SpeechConfig(batch_size=2)
    session = SpeechSession(Transcriber(Deaf(), config), VoiceActivityDetector(), "en")
    held = []
    for minute in range(10):
        now_s = minute * 60.0
        # Dense speech in the first half, then silence with a word now and then.
        audio = np.resize(spoken, 60 * RATE) if minute < 5 else np.concatenate([spoken[:RATE], silence(59)])
        session.add(AudioBlock(now_s, audio))
        held.append(session.held_samples)
    assert max(held) <= 5 * 30 * RATE
    assert session.finish().speech_s > 125


class Forgetful:
    """A real engine that loses the second half of every longer window, as batched decoding sometimes does."""

    def __init__(self, engine: object) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> object:
        return getattr(self._engine, name)

    def generate(self, *args: object, **options: object) -> list[Decoded]:
        decoded = self._engine.generate(*args, **options)  # type: ignore[attr-defined]
        return [replace(d, tokens=d.tokens[: len(d.tokens) // 2]) if len(d.tokens) > 16 else d for d in decoded]


class Stuck(Forgetful):
    """A real engine that repeats itself over every longer window."""

    def generate(self, *args: object, **options: object) -> list[Decoded]:
        decoded = self._engine.generate(*args, **options)  # type: ignore[attr-defined]
        return [replace(d, tokens=d.tokens[:4] * 40) if len(d.tokens) > 20 else d for d in decoded]


@pytest.mark.models
@pytest.mark.parametrize("fault", [Forgetful, Stuck])
def test_what_the_decoder_drops_or_loops_over_is_decoded_again(
    recognizer: SpeechRecognizer, tour: Audio, heard: Transcript, fault: type[Forgetful]
) -> None:
    whole = says(heard)
    faulty = Transcriber(fault(recognizer._engine), GREEDY)
    mended = says(hear(SpeechSession(faulty, recognizer._detector, "en"), tour, [RATE]))
    missing = set(whole.replace(",", "").replace(".", "").split()) - set(
        mended.replace(",", "").replace(".", "").split()
    )
    assert len(missing) <= 1
