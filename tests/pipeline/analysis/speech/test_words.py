"""Words: joined from tokens, moved to the audio track, always in order."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.analysis.speech.engines import Alignment
from pipeline.analysis.speech.engines.interface import alignment
from pipeline.analysis.speech.voice_activity import SpeechSegment
from pipeline.analysis.speech.windows import plan_window
from pipeline.analysis.speech.words import SpokenWord, dictionary_words, in_order, map_to_track, words_in_window


def spoken(text: str, start_s: float, end_s: float) -> SpokenWord:
    return SpokenWord(text, start_s, end_s, logprob=-0.1, tokens=1, no_speech_prob=0.0)


def words_of(text: str, language: str) -> list[SpokenWord]:
    from whisper.tokenizer import get_tokenizer

    tokenizer = get_tokenizer(multilingual=True, language=language, task="transcribe")
    tokens = tokenizer.encode(text)
    aligned = Alignment(np.arange(len(tokens) + 1) * 0.1, np.full(len(tokens), 0.5))
    return words_in_window(tokenizer, tokens, aligned, 0.0)


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", " Well, it's 3.5 metres.", [" Well,", " it's", " 3.5", " metres."]),
        ("en", ' He said "no" (twice).', [" He", " said", ' "no"', " (twice)."]),
        ("fr", " et c'est la dictée.", [" et", " c'est", " la", " dictée."]),
        ("en", " a cold-hearted man - no", [" a", " cold-hearted", " man", " - no"]),
    ],
)
def test_words_carry_their_punctuation(language: str, text: str, expected: list[str]) -> None:
    assert [word.text for word in words_of(text, language)] == expected


def test_languages_without_spaces_are_cut_at_characters_and_join_without_spaces() -> None:
    words = words_of("今天天气很好。我们去公园吧！", "zh")
    assert "".join(word.text for word in words) == "今天天气很好。我们去公园吧！"
    assert all(1 <= len(word.text) <= 3 for word in words)


def test_characters_join_to_the_words_of_the_dictionary_with_their_times() -> None:
    # Whisper has one token for 很好: a word ends where its tokens do.
    words = dictionary_words(words_of("今天天气很好。我们去公园吧！", "zh"))
    assert [word.text for word in words] == ["今天天气", "很好。", "我们", "去", "公园", "吧！"]
    assert all(before.end_s <= after.start_s + 1e-9 for before, after in pairwise(words))
    assert dictionary_words(words_of(" Well, it's fine.", "en")) == words_of(" Well, it's fine.", "en")


@given(st.lists(st.tuples(st.sampled_from("海洋天气。公园ab "), st.floats(0.0, 1.0)), max_size=30))
def test_joining_characters_loses_none_and_keeps_the_order(parts: list[tuple[str, float]]) -> None:
    words, end_s = [], 0.0
    for text, pause_s in parts:
        words.append(replace(spoken(text, end_s + pause_s, end_s + pause_s + 0.2), language="zh"))
        end_s = words[-1].end_s
    whole = dictionary_words(words)
    assert "".join(word.text for word in whole) == "".join(word.text for word in words)
    assert sum(word.tokens for word in whole) == len(words)
    assert all(before.end_s <= after.start_s for before, after in pairwise(whole))


def test_a_words_probability_is_the_mean_of_its_tokens() -> None:
    assert all(math.isclose(word.probability, 0.5) for word in words_of(" Antidisestablishmentarianism.", "en"))


def test_alignment_reads_the_start_of_each_token_off_the_path() -> None:
    path = np.array([[0, 0], [0, 1], [1, 2], [2, 2], [2, 3], [2, 4]])
    assert alignment(path, np.array([0.9, 0.8])).start_s.tolist() == [0.0, 0.04, 0.04]


def test_a_word_that_reaches_into_silence_is_cut_to_its_segment() -> None:
    plan = plan_window([SpeechSegment(32_000, 48_000, 1.0), SpeechSegment(56_000, 80_000, 1.0)])
    # The window starts 0.4 s before the first segment, at 1.6 s.
    words = map_to_track([spoken(" one", 0.0, 0.9), spoken(" two", 1.6, 2.4)], plan)
    assert [(round(w.start_s, 2), round(w.end_s, 2)) for w in words] == [(1.9, 2.5), (3.4, 4.0)]


def test_words_after_a_shortened_pause_get_their_real_times() -> None:
    plan = plan_window([SpeechSegment(16_000, 32_000, 1.0), SpeechSegment(1_600_000, 1_616_000, 1.0)])
    first, second = map_to_track([spoken(" one", 0.5, 1.3), spoken(" two", 2.3, 3.2)], plan)
    assert (first.start_s, round(first.end_s, 2)) == (1.1, 1.9)
    assert 100.0 <= second.start_s < second.end_s <= 101.1


@given(
    st.lists(st.tuples(st.floats(-5, 50), st.floats(-5, 50)), min_size=1, max_size=60),
    st.floats(0.05, 40, allow_nan=False),
)
def test_ordered_words_never_overlap_vanish_or_leave_the_audio(
    spans: list[tuple[float, float]], limit_s: float
) -> None:
    words = in_order([spoken(f" {n}", *span) for n, span in enumerate(spans)], limit_s)
    assert [word.text for word in words] == [f" {n}" for n in range(len(spans))]
    assert words[0].start_s >= -1e-9
    assert words[-1].end_s <= limit_s
    assert all(word.start_s < word.end_s for word in words)
    assert all(a.end_s <= b.start_s for a, b in pairwise(words))


def test_a_word_stretched_over_speech_that_was_left_out_is_cut_short() -> None:
    plan = plan_window([SpeechSegment(0, 320_000, 1.0)])
    words = [
        spoken(" Here", 0.0, 0.4),
        spoken(" now.", 0.4, 9.0),
        spoken(" There", 9.0, 17.0),
        spoken(" it is.", 17, 18),
    ]
    here, now, there, _ = map_to_track(words, plan)
    assert (now.start_s, there.end_s) == (0.4, 17.0)
    assert now.end_s < 2.0
    assert there.start_s > 15.0
    assert here.end_s == 0.4


def test_words_already_in_order_keep_their_times() -> None:
    words = [spoken(" a", 0.5, 0.9), spoken(" b", 0.9, 1.4), spoken(" c", 3.0, 3.5)]
    assert in_order(words, 10.0) == words
