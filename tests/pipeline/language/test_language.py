"""Text by the rules of its language: words, sentences, joining."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.language import (
    ends_sentence,
    format_duration,
    joined,
    sentences,
    shortened,
    word_count,
    word_spans,
    words,
)


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("zh", "地球的大部分被海洋覆盖。", ["地球", "的", "大部分", "被", "海洋", "覆盖"]),
        ("zh", "繁體中文的斷詞也要正確", ["繁體", "中文", "的", "斷", "詞", "也", "要", "正確"]),
        ("zh", "他用iPhone拍了3.5小时", ["他", "用", "iPhone", "拍", "了", "3.5", "小时"]),
        (None, "我爱北京天安门", ["我", "爱", "北京", "天安门"]),
        ("ja", "今日は天気がとても良い。", ["今日", "は", "天気", "が", "とても", "良い"]),
        (None, "友達と公園へ", ["友達", "と", "公園", "へ"]),
        ("th", "วันนี้อากาศดีมาก", ["วัน", "นี้", "อากาศ", "ดี", "มาก"]),
        ("en", "Don't stop—say “well-known” 3.5 times…", ["Don't", "stop", "say", "well-known", "3.5", "times"]),
        ("hi", "यह पहला वाक्य है।", ["यह", "पहला", "वाक्य", "है"]),
        ("ko", "안녕하세요 여러분.", ["안녕하세요", "여러분"]),
        ("en", " — ?! ", []),
    ],
)  # fmt: skip
def test_words_are_those_of_the_language(language: str | None, text: str, expected: list[str]) -> None:
    assert words(text, language) == expected
    assert word_count(text, language) == len(expected)


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "Dr. Who came. He left!  Why?", ["Dr. Who came.", "He left!", "Why?"]),
        ("en", "It cost $3.50 at 5 p.m. today. J. F. Kennedy paid, e.g. twice.",
         ["It cost $3.50 at 5 p.m. today.", "J. F. Kennedy paid, e.g. twice."]),
        ("en", "He waited... then left. See Fig. 3.", ["He waited... then left.", "See Fig. 3."]),
        ("de", "Am 3. Mai kam z. B. Dr. Müller. Er ging.", ["Am 3. Mai kam z. B. Dr. Müller.", "Er ging."]),
        ("zh", "今天天气很好。你去哪儿？我不知道！", ["今天天气很好。", "你去哪儿？", "我不知道！"]),
        ("yue", "你好。再見。", ["你好。", "再見。"]),
        ("ja", "天気が良い。iPhoneで撮った。本当？", ["天気が良い。", "iPhoneで撮った。", "本当？"]),
        (None, "你好。今天天气很好！", ["你好。", "今天天气很好！"]),
        ("hi", "यह पहला है। यह दूसरा है।", ["यह पहला है।", "यह दूसरा है।"]),
        ("en", " ", []),
    ],
)  # fmt: skip
def test_sentences_end_where_the_language_ends_them(language: str | None, text: str, expected: list[str]) -> None:
    assert sentences(text, language) == expected


def test_a_sentence_has_ended_also_before_a_closing_quote() -> None:
    assert ends_sentence("Done.”")
    assert ends_sentence("他说“你好。”")
    assert not ends_sentence("and then")


def test_pieces_join_with_spaces_only_where_the_script_has_them() -> None:
    assert joined(["Hello", "", "world."], "en") == "Hello world."
    assert joined(["今天", "天气", "很好。", "走吧！"], "zh") == "今天天气很好。走吧！"
    assert joined(["我用", "iPhone", "Pro", "拍照"], "zh") == "我用iPhone Pro拍照"
    assert joined(["你好。", "再见。"]) == "你好。再见。"
    assert joined(["안녕하세요", "여러분"], "ko") == "안녕하세요 여러분"


_TEXTS = st.text(st.sampled_from("今天気はวันนี้ab3 .。,！…—'\n的é"), max_size=60)
_LANGUAGES = st.sampled_from(["en", "zh", "ja", "th", "fr", "xx", None])


@given(_TEXTS, _LANGUAGES)
def test_words_lie_in_the_text_in_order_and_hold_every_letter(text: str, language: str | None) -> None:
    spans = word_spans(text, language)
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    inside = {place for start, end in spans for place in range(start, end)}
    assert {place for place, character in enumerate(text) if character.isalnum()} <= inside


@given(_TEXTS, _LANGUAGES)
def test_sentences_hold_the_whole_text(text: str, language: str | None) -> None:
    found = sentences(text, language)
    assert all(found)
    assert "".join("".join(found).split()) == "".join(text.split())


@given(st.text(max_size=300), st.integers(2, 100))
def test_shortened_text_is_short_on_one_line_and_begins_like_the_text(text: str, length: int) -> None:
    short = shortened(text, length)
    assert len(short) <= length
    assert "\n" not in short


def test_durations_are_written_with_their_unit() -> None:
    assert [format_duration(seconds) for seconds in (0.4, 59.4, 59.6, 212, 3723)] == [
        "0 s", "59 s", "1:00 min", "3:32 min", "1:02:03 h",
    ]  # fmt: skip
