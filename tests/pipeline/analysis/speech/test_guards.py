"""Guards: text that nobody can have said is dropped, doubtful text is flagged, plain speech is left alone."""

import pytest

from pipeline.analysis.speech.guards import check_utterance, compression_ratio, loops
from pipeline.analysis.speech.voice_activity import SpeechSegment
from pipeline.analysis.speech.words import SpokenWord
from schemas.config import SpeechConfig

CONFIG = SpeechConfig()


def said(text: str, length_s: float, *, logprob: float = -0.2, no_speech_prob: float = 0.05) -> list[SpokenWord]:
    parts = text.split() if " " in text else list(text)
    step = length_s / len(parts)
    space = " " if " " in text else ""
    return [
        SpokenWord(f"{space}{part}", n * step, (n + 1) * step, logprob, 1, no_speech_prob)
        for n, part in enumerate(parts)
    ]


def heard(length_s: float, probability: float = 0.95) -> list[SpeechSegment]:
    return [SpeechSegment(0, round(length_s * 16_000), probability)]


SENTENCE = "He might even have been made amiable himself."


def test_plain_speech_is_kept_without_flags() -> None:
    result = check_utterance(said(SENTENCE, 2.5), heard(2.5), CONFIG)
    assert (result.flags, result.hallucination) == ((), None)


def test_a_fast_talker_is_kept_without_flags() -> None:
    assert check_utterance(said(SENTENCE, 1.6), heard(1.6), CONFIG).flags == ()


@pytest.mark.parametrize(
    ("words", "segments", "reason"),
    [
        (said(SENTENCE, 2.5, logprob=-1.4, no_speech_prob=0.8), heard(2.5), "silence"),
        (said("Thank you.", 1.0, no_speech_prob=0.9), heard(1.0, 0.55), "silence"),
        (said(SENTENCE, 2.5), [], "unsupported"),
        (said(SENTENCE, 5.0), heard(0.3), "unsupported"),
        (said(SENTENCE, 0.4), heard(0.4), "impossible"),
        (said("今天天气很好我们去公园吧好的呀再见" * 2, 1.0), heard(1.0), "impossible"),
        (said("one two three four " * 60, 25.0), heard(25.0), "loop"),
        (said("― “ ― … ― ― “", 3.0), heard(3.0), "symbols"),
    ],
)
def test_what_nobody_can_have_said_is_dropped(
    words: list[SpokenWord],
    segments: list[SpeechSegment],
    reason: str,
) -> None:
    assert check_utterance(words, segments, CONFIG).hallucination == reason


@pytest.mark.parametrize(
    ("words", "flag"),
    [
        (said(SENTENCE, 2.5, logprob=-1.2), "low_logprob"),
        (said(SENTENCE, 2.5, no_speech_prob=0.8), "no_speech"),
        (said("no no no no no no", 3.0), "repetitive"),
        (said(SENTENCE, 1.1), "too_fast"),
        (said("Thanks for watching!", 1.5), "stock_phrase"),
        (said("Sous-titres réalisés para la communauté d'Amara.org", 4.0), "stock_phrase"),
        (said("ご視聴ありがとうございました", 2.5), "stock_phrase"),
    ],
)
def test_doubtful_text_is_kept_with_the_reason(words: list[SpokenWord], flag: str) -> None:
    result = check_utterance(words, heard(words[-1].end_s), CONFIG)
    assert result.hallucination is None
    assert flag in result.flags


def test_speech_that_the_detector_is_sure_of_outvotes_whispers_doubt() -> None:
    words = said(SENTENCE, 2.5, no_speech_prob=0.9)
    assert check_utterance(words, heard(2.5, 0.95), CONFIG).hallucination is None


@pytest.mark.parametrize("text", ["ha ha ha ha ha ha", "I am here. I am here. I am here. I am here."])
def test_a_phrase_that_follows_itself_again_and_again_is_a_loop(text: str) -> None:
    assert loops(text)


@pytest.mark.parametrize(
    "text",
    [
        "Never, never, never give up.",
        "ask not what your country can do for you, ask what you can do for your country",
        "He had had enough; that that is, is; that that is not, is not.",
        "",
    ],
)
def test_what_people_say_twice_or_thrice_is_no_loop(text: str) -> None:
    assert not loops(text)


def test_compression_ratio_is_whispers() -> None:
    from whisper.utils import compression_ratio as theirs

    for text in (SENTENCE, "la " * 50, "今天天气很好"):
        assert compression_ratio(text) == theirs(text)
    assert compression_ratio("") == 0.0
