"""Spans from scores: what must hold for any scores, and examples of each rule."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.analysis.sounds.spans import (
    SILENCE_LEVEL,
    SpanRule,
    class_spans,
    fill_gaps,
    find_silences,
    find_sounds,
    hysteresis,
    in_order,
)
from schemas.records import Sound

ROWS = st.lists(st.floats(0, 1, width=32), max_size=60).map(lambda scores: np.array(scores, np.float32))
RULES = st.builds(SpanRule, min_s=st.floats(0, 3), gap_s=st.floats(0, 3))


@given(ROWS, RULES, st.sampled_from([0.1, 0.5, 2.5]), st.floats(0.1, 0.9))
def test_spans_are_in_order_apart_long_enough_and_hold_a_score_that_reaches_the_minimum(
    scores: NDArray[np.float32], rule: SpanRule, row_s: float, min_score: float
) -> None:
    spans = class_spans(scores, rule, row_s=row_s, min_score=min_score).tolist()
    edges = [edge for span in spans for edge in span]
    assert edges == sorted(edges)
    assert all(0 <= first < last <= len(scores) for first, last in spans)
    for first, last in spans:
        assert (last - first) * row_s >= rule.min_s - 1e-3
        assert scores[first:last].max() >= np.float32(min_score)
    gaps = [(after[0] - before[1]) * row_s for before, after in pairwise(spans)]
    assert all(gap >= rule.gap_s - 1e-3 for gap in gaps)


@given(ROWS, st.floats(0.1, 0.9))
def test_every_row_that_reaches_the_minimum_is_in_a_span_if_no_length_is_asked_for(
    scores: NDArray[np.float32], min_score: float
) -> None:
    inside = np.zeros(len(scores), bool)
    for first, last in hysteresis(scores, enter=min_score, stay=0.6 * min_score).tolist():
        inside[first:last] = True
    assert inside[scores >= min_score].all()
    assert not inside[scores < 0.6 * min_score].any()


@given(ROWS)
def test_a_higher_minimum_never_finds_more(scores: NDArray[np.float32]) -> None:
    rule = SpanRule(min_s=0.3, gap_s=0.0)
    low, high = (class_spans(scores, rule, row_s=0.1, min_score=minimum) for minimum in (0.4, 0.8))
    assert (high[:, 1] - high[:, 0]).sum() <= (low[:, 1] - low[:, 0]).sum()


def test_a_span_ends_only_when_the_score_is_well_below_the_minimum() -> None:
    scores = np.array([0.1, 0.4, 0.6, 0.4, 0.2, 0.4, 0.1], np.float32)
    assert hysteresis(scores, enter=0.5, stay=0.3).tolist() == [[1, 4]]


def test_short_gaps_are_filled_before_short_spans_are_dropped() -> None:
    spans = np.array([[0, 2], [3, 5], [9, 10]])
    assert fill_gaps(spans, 2).tolist() == [[0, 5], [9, 10]]
    scores = np.array([1, 1, 0, 1, 1, 0, 0, 0, 0, 1], np.float32)
    assert class_spans(scores, SpanRule(min_s=0.4, gap_s=0.2), row_s=0.1, min_score=0.5).tolist() == [[0, 5]]


@pytest.mark.parametrize(("level", "found"), [(0.0, 1), (0.5 * SILENCE_LEVEL, 1), (2 * SILENCE_LEVEL, 0)])
def test_silence_is_what_is_quieter_than_60_db_below_full_scale(level: float, found: int) -> None:
    levels = np.full(30, level, np.float32)
    assert len(find_silences(levels, row_s=0.1)) == found


def test_silence_of_less_than_two_seconds_is_a_pause() -> None:
    levels = np.array([0.1] * 5 + [0.0] * 19 + [0.1] * 5 + [0.0] * 20, np.float32)
    assert find_silences(levels, row_s=0.1) == [Sound(0, pytest.approx(2.9), pytest.approx(4.9), "silence", 1.0)]


def test_sounds_may_overlap_and_are_numbered_in_order_of_time() -> None:
    scores = np.zeros((60, 2), np.float32)
    scores[0:40, 1] = 0.8
    scores[10:30, 0] = 0.9
    sounds = in_order(find_sounds(scores, ("speech", "music"), row_s=0.1, min_score=0.5))
    assert [(each.index, each.label, each.start_s, each.end_s) for each in sounds] == [
        (0, "music", 0.0, pytest.approx(4.0)),
        (1, "speech", pytest.approx(1.0), pytest.approx(3.0)),
    ]
    assert sounds[0].score == pytest.approx(0.8)
