"""Utterances: sentences and clauses, losing no word."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pipeline.analysis.speech.utterances import CLOSE_S, MAX_S, split_utterances
from pipeline.analysis.speech.words import SpokenWord


def spoken(text: str, start_s: float, length_s: float = 0.3) -> SpokenWord:
    return SpokenWord(text, start_s, start_s + length_s, logprob=-0.1, tokens=1, no_speech_prob=0.0)


def say(text: str, pauses: dict[str, float] | None = None, length_s: float = 0.3) -> list[SpokenWord]:
    """Speak words one after another; `pauses` names the seconds of silence after a word."""
    words, now = [], 0.0
    for part in text.split():
        words.append(spoken(f" {part}", now, length_s))
        now += length_s + 0.02 + (pauses or {}).get(part, 0.0)
    return words


def texts(words: list[SpokenWord]) -> list[str]:
    return ["".join(word.text for word in group).strip() for group in split_utterances(words)]


@st.composite
def streams(draw: st.DrawFn) -> list[SpokenWord]:
    marks = st.sampled_from(["", "", "", "", ",", ".", "?", "。", "..."])
    pauses = st.sampled_from([0.0, 0.0, 0.05, 0.3, 0.9, 2.0])
    parts = draw(st.lists(st.tuples(st.sampled_from("aBcD"), marks, pauses, st.floats(0.02, 2.0)), max_size=120))
    words, now = [], 0.0
    for letter, mark, pause, length in parts:
        words.append(spoken(f" {letter * 3}{mark}", now, length))
        now += length + pause
    return words


@given(streams())
def test_no_word_is_lost_doubled_or_moved(words: list[SpokenWord]) -> None:
    assert [word for group in split_utterances(words) for word in group] == words


@given(streams())
def test_no_utterance_is_empty_or_too_long(words: list[SpokenWord]) -> None:
    for group in split_utterances(words):
        assert group
        assert len(group) == 1 or group[-1].end_s - group[0].start_s <= MAX_S


@given(streams())
def test_a_silence_of_two_seconds_always_ends_an_utterance(words: list[SpokenWord]) -> None:
    for group in split_utterances(words):
        assert all(b.start_s - a.end_s < 1.9 for a, b in pairwise(group))


def test_sentences_end_at_their_marks() -> None:
    words = say("This is the first one. Is this the second? Yes, it surely is!")
    assert texts(words) == ["This is the first one.", "Is this the second?", "Yes, it surely is!"]


def test_abbreviations_initials_and_decimals_end_no_sentence() -> None:
    text = "Then Dr. Smith met J. R. Miller at 3.5 metres and wondered... about nothing."
    assert texts(say(text)) == [text]


def test_a_pause_ends_a_clause_after_a_comma_but_not_in_mid_clause() -> None:
    words = say("And so my fellow Americans, ask not what your country can do", {"Americans,": 1.0, "ask": 1.0})
    assert texts(words) == ["And so my fellow Americans,", "ask not what your country can do"]


def test_a_word_alone_joins_the_sentence_beside_it_only_if_that_is_close() -> None:
    assert texts(say("That is right. Yes. And so we go on.")) == ["That is right. Yes.", "And so we go on."]
    assert texts(say("That is right. Yes.", {"right.": CLOSE_S + 0.1})) == ["That is right.", "Yes."]


def test_an_endless_sentence_is_cut_where_it_breathes() -> None:
    half = " ".join(["word"] * 40)
    assert texts(say(f"{half} breath, {half}", {"breath,": 0.4})) == [f"{half} breath,", half]


def test_chinese_and_japanese_sentences_end_at_their_marks_and_are_joined_without_spaces() -> None:
    characters = [
        "今",
        "天",
        "天",
        "气",
        "很",
        "好。",
        "我",
        "们",
        "去",
        "公",
        "园",
        "吧！",
        "好",
        "的",
        "呀",
        "再",
        "见。",
    ]
    words = [spoken(character, 0.3 * n) for n, character in enumerate(characters)]
    assert texts(words) == ["今天天气很好。", "我们去公园吧！", "好的呀再见。"]


def test_no_words_make_no_utterances() -> None:
    assert split_utterances([]) == []
