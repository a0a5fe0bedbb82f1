"""English beside what was said in other languages, and Chinese speech as words."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.analysis.speech import SpeechRecognizer
from pipeline.analysis.speech.translation import clauses, with_translations
from pipeline.analysis.speech.words import SpokenWord
from schemas.config import SpeechConfig
from schemas.media import AudioBlock
from schemas.records import Transcript
from tests.material import speak
from tests.pipeline.analysis.speakers.test_turns import utterance

SPANISH = "Buenos días. El museo está cerrado."
GREEDY = SpeechConfig(beam_size=1, min_greedy_logprob=-5.0)
"""Decodes a short window once, also if it is unsure, as it is of synthetic speech."""


def spoken(text: str, start_s: float, *, word_s: float = 0.4) -> list[SpokenWord]:
    return [
        SpokenWord(f" {word}", start_s + n * word_s, start_s + (n + 1) * word_s - 0.05, -0.1, 1, 0.0)
        for n, word in enumerate(text.split())
    ]


def hear(config: SpeechConfig, audio: np.ndarray) -> Transcript:
    session = SpeechRecognizer(config, device="cpu", threads=1).session()
    session.add(AudioBlock(0.0, audio))
    return session.finish()


def test_a_clause_of_the_translation_goes_to_the_utterance_that_it_overlaps_most() -> None:
    said = [utterance("guten Morgen zusammen heute", 10.0), utterance("bitte nichts berühren", 12.0, index=1)]
    words = [*spoken("Good morning, everyone.", 0.1), *spoken("Please touch nothing.", 1.9)]
    translated = with_translations(said, list(clauses(words)), offset_s=10.0)
    assert [each.translation for each in translated] == ["Good morning, everyone.", "Please touch nothing."]


def test_a_translation_far_from_all_that_was_said_is_left_out() -> None:
    said = [utterance("guten Morgen", 10.0)]
    assert with_translations(said, [spoken("Thanks for watching.", 60.0)], offset_s=0.0)[0].translation is None
    assert with_translations([], [spoken("Thanks.", 1.0)], offset_s=0.0) == ()


@given(
    st.lists(st.tuples(st.floats(0, 3), st.integers(1, 6)), max_size=8),
    st.lists(st.tuples(st.floats(0, 3), st.sampled_from(["one", "two, three", "four."])), max_size=8),
)
def test_each_clause_is_given_once_and_in_order(said: list[tuple[float, int]], parts: list[tuple[float, str]]) -> None:
    utterances, now = [], 0.0
    for pause_s, count in said:
        utterances.append(utterance("a " * count, now + pause_s, index=len(utterances)))
        now = utterances[-1].end_s
    words: list[SpokenWord] = []
    for pause_s, text in parts:
        words += spoken(text, (words[-1].end_s if words else 0.0) + pause_s)
    found = with_translations(utterances, list(clauses(words)), offset_s=0.0)
    given_words = " ".join(each.translation for each in found if each.translation).split()
    rest = iter(word.text.strip() for word in words)
    assert all(word in rest for word in given_words)
    assert [each.text for each in found] == [each.text for each in utterances]


@pytest.mark.models
@pytest.mark.usefixtures("kept_whisper")
@pytest.mark.parametrize("engine", ["faster-whisper", "openai-whisper"])
def test_spanish_speech_has_an_english_translation_with_either_engine(engine: str) -> None:
    config = GREEDY.model_copy(update={"engine": engine, "translate": True})
    transcript = hear(config, speak(SPANISH, "es-419", 150))
    assert transcript.language == "es"
    translation = " ".join(each.translation or "" for each in transcript.utterances).lower()
    assert "museum" in translation
    assert "morning" in translation
    assert "museo" in " ".join(each.text for each in transcript.utterances).lower()


@pytest.mark.models
@pytest.mark.usefixtures("kept_whisper")
def test_english_is_not_translated_nor_is_anything_unless_asked() -> None:
    translating = GREEDY.model_copy(update={"translate": True})
    english = hear(translating, speak("Good morning. The museum opens at nine o'clock."))
    spanish = hear(GREEDY, speak(SPANISH, "es-419", 150))
    assert english.utterances
    assert spanish.utterances
    assert {each.translation for each in (*english.utterances, *spanish.utterances)} == {None}


@pytest.mark.models
@pytest.mark.usefixtures("kept_whisper")
def test_chinese_speech_becomes_words_of_the_dictionary() -> None:
    # The synthesizer's Mandarin is poor: Whisper base understands some words, and takes it for Chinese only when told.
    transcript = hear(SpeechConfig(language="zh"), speak("地球的大部分被海洋覆盖。", "cmn+f3", 110))
    words = [word for each in transcript.utterances for word in each.words]
    assert {"大部分", "海洋"} <= {word.word.rstrip("。，") for word in words}
    assert "".join(word.word for word in words) == "".join(each.text for each in transcript.utterances)
