"""A filled gap adds what nobody wrote down yet, and repeats nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.analysis.speech.seams import spoken_tokens, without_repeats
from pipeline.analysis.speech.words import SpokenWord


def said(text: str, start_s: float) -> list[SpokenWord]:
    return [SpokenWord(f" {word}", start_s + n, start_s + n + 0.9, -0.1, 1, 0.0) for n, word in enumerate(text.split())]


def filled(before: str, found: str, after: str) -> str:
    first = said(before, 0.0)
    inside = said(found, len(first))
    last = said(after, len(first) + len(inside))
    return " ".join(word.text.strip() for word in without_repeats(first, inside, last))


@pytest.mark.parametrize(
    ("before", "found", "after", "kept"),
    [
        ("call 0-1-8-03", "018-03", "today", ""),
        ("call zero one eight", "0-1-8, please", "today", "please"),
        ("the code is", "4711 twenty-five", "25 and then", "4711"),
        ("in 1918", "nineteen eighteen the war", "the war ended", ""),
        ("my number is 0-1", "018-03", "8-03 thanks", ""),
        ("he said Hello, world.", "hello world again", "and left", "again"),
        ("we are going to the station", "um, to the station now", "bye", "now"),
        ("one", "and something else", "two", "and something else"),
        ("a banana", "na", "x", "na"),
        ("", "all of it", "", "all of it"),
    ],
)  # fmt: skip
def test_words_that_the_neighbours_say_are_not_said_again(before: str, found: str, after: str, kept: str) -> None:
    assert filled(before, found, after) == kept


def test_what_was_said_long_before_may_be_said_again() -> None:
    found = said("Try again.", 30.0)
    assert without_repeats(said("Try again.", 0.0), found, said("Try again.", 60.0)) == found


TEXTS = st.lists(st.sampled_from(["0-1", "018", "one", "eight", "to", "the", "8", "twenty"]), max_size=6).map(" ".join)


@given(TEXTS, TEXTS, TEXTS)
def test_no_seam_shares_a_word(before: str, found: str, after: str) -> None:
    kept = filled(before, found, after)
    rest = iter(found.split())
    assert all(word in rest for word in kept.split())
    first, inside, last = ([spoken_tokens(word) for word in text.split()] for text in (before, kept, after))
    for count in range(1, len(inside) + 1):
        head = [token for word in inside[:count] for token in word]
        tail = [token for word in inside[-count:] for token in word]
        assert [token for word in first for token in word][-len(head) :] != head
        assert [token for word in last for token in word][: len(tail)] != tail
