"""Evidence of two encoders on one scale: places are kept, and only the texts that both have move any."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.search.evidence import asked_in, joined_evidence

_EVIDENCE = st.integers(-20, 120).map(lambda value: value / 100)
_BOTH = st.lists(st.tuples(_EVIDENCE, _EVIDENCE), min_size=3, max_size=12)
_ALONE = st.lists(_EVIDENCE, min_size=1, max_size=8)
_NO = float("nan")


def _joined(both: list[tuple[float, float]], alone: list[float]) -> tuple[list[float], list[float]]:
    found = joined_evidence(np.array([*both, *((_NO, value) for value in alone)])).tolist()
    return found[: len(both)], found[len(both) :]


def test_a_text_of_the_second_encoder_takes_the_place_that_it_gives_it() -> None:
    # The second encoder is as sure as it ever is at 0.3; the first one says 0.6 of the same texts.
    both = [(0.6, 0.3), (0.4, 0.2), (0.2, 0.1)]
    assert _joined(both, [0.25, 0.3, 0.1])[1] == pytest.approx([0.5, 0.6, 0.2])


def test_a_text_that_the_second_encoder_puts_first_comes_first() -> None:
    first, alone = _joined([(0.9, 0.3), (0.4, 0.2), (0.2, 0.1)], [0.35])
    assert alone[0] > max(first)


@settings(max_examples=60, deadline=None)
@given(_BOTH, _ALONE)
def test_texts_keep_the_order_of_the_encoder_that_alone_knows_them(
    both: list[tuple[float, float]], alone: list[float]
) -> None:
    first, placed = _joined(both, alone)
    assert first == [value for value, _ in both]
    pairs = sorted(zip(alone, placed, strict=True))
    assert all(one[1] <= other[1] + 1e-9 for one, other in pairwise(pairs))


@settings(max_examples=60, deadline=None)
@given(_BOTH, _EVIDENCE)
@example([(0.6, 0.3), (0.4, 0.2), (0.2, 0.1)], 0.05)
@example([(0.6, 0.3), (0.4, 0.3), (0.2, 0.3)], 0.3)
def test_no_more_texts_come_before_it_than_by_the_second_encoder(both: list[tuple[float, float]], value: float) -> None:
    first, [placed] = _joined(both, [value])
    assert placed >= value
    if value >= min(theirs for _, theirs in both):
        assert sum(each > placed + 1e-9 for each in first) <= sum(theirs > value for _, theirs in both)
    else:
        assert placed == value


def test_shared_texts_that_have_nothing_to_do_with_the_query_hide_no_answer() -> None:
    assert _joined([(0.0, 0.2), (0.0, 0.2), (-0.1, 0.1)], [0.3, 0.15])[1] == [0.3, 0.15]


@pytest.mark.parametrize("both", [[], [(0.6, 0.3)], [(0.6, 0.3), (0.2, 0.1)]])
def test_too_few_shared_texts_move_nothing(both: list[tuple[float, float]]) -> None:
    assert _joined(both, [0.2]) == ([value for value, _ in both], [0.2])


def test_a_query_that_only_the_second_encoder_knows_keeps_its_scale() -> None:
    assert joined_evidence(np.array([[_NO, 0.3], [_NO, 0.1], [_NO, _NO]])).tolist() == [0.3, 0.1, 0.0]


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(["", "de", "en"]),
    st.lists(st.tuples(st.sampled_from([None, "de", "en", "fr", "pl"]), _EVIDENCE), min_size=1, max_size=6),
)
def test_texts_in_other_languages_count_a_tenth_less(language: str, texts: list[tuple[str | None, float]]) -> None:
    languages, values = zip(*texts, strict=True)
    kept = {None, language, "pl"}  # a question in Polish is taken for one in Italian
    expected = [0.9 * value if language and each not in kept else value for each, value in texts]
    assert asked_in(language, languages, np.array(values)).tolist() == pytest.approx(expected)
