"""From scores to spans: hysteresis, short gaps filled, short spans dropped. Pure functions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from schemas.records import SILENCE_LABEL, Sound

SILENCE_LEVEL = 1e-3
"""Audio whose root mean square is below this, -60 dB of full scale, is silence."""


@dataclass(frozen=True, slots=True)
class SpanRule:
    """How the rows of a class become spans."""

    min_s: float
    """Shorter spans are dropped, after gaps are filled."""
    gap_s: float
    """Shorter gaps between spans are filled."""


_RULES: Mapping[str, SpanRule] = {
    "speech": SpanRule(min_s=0.4, gap_s=1.0),
    "singing": SpanRule(min_s=1.5, gap_s=1.0),
    "music": SpanRule(min_s=2.5, gap_s=2.0),
    SILENCE_LABEL: SpanRule(min_s=2.0, gap_s=0.0),
}
_OTHER = SpanRule(min_s=0.5, gap_s=1.0)
_STAY = 0.6
"""A span that has begun goes on while scores are above this share of the minimum."""

Spans = NDArray[np.int64]
"""(n, 2) first row, and the row after the last one; in order, apart from each other."""


def find_sounds(scores: NDArray[np.float32], labels: Sequence[str], *, row_s: float, min_score: float) -> list[Sound]:
    """Return the spans of all classes, not numbered yet.

    Args:
        scores: (rows, classes), 0 to 1.
        labels: Name of each class.
        row_s: Seconds per row.
        min_score: A span has a row with at least this score.
    """
    return [
        _sound(spans, label, scores[:, index], row_s)
        for index, label in enumerate(labels)
        for spans in class_spans(scores[:, index], _RULES.get(label, _OTHER), row_s=row_s, min_score=min_score).tolist()
    ]


def find_silences(levels: NDArray[np.float32], *, row_s: float) -> list[Sound]:
    """Return the spans of silence, not numbered yet.

    Args:
        levels: (rows,) root mean square of the audio, of full scale.
        row_s: Seconds per row.
    """
    silent = (levels < SILENCE_LEVEL).astype(np.float32)
    spans = class_spans(silent, _RULES[SILENCE_LABEL], row_s=row_s, min_score=1.0)
    return [_sound(each, SILENCE_LABEL, silent, row_s) for each in spans.tolist()]


def in_order(sounds: Iterable[Sound]) -> tuple[Sound, ...]:
    """Return sounds in order of time, numbered."""
    ranked = sorted(sounds, key=lambda sound: (sound.start_s, sound.end_s, sound.label))
    return tuple(replace(sound, index=index) for index, sound in enumerate(ranked))


def _sound(span: Sequence[int], label: str, scores: NDArray[np.float32], row_s: float) -> Sound:
    first, last = span
    return Sound(0, first * row_s, last * row_s, label, float(scores[first:last].mean()))


def class_spans(scores: NDArray[np.float32], rule: SpanRule, *, row_s: float, min_score: float) -> Spans:
    """Return the spans of one class.

    Args:
        scores: (rows,) of that class, 0 to 1.
        rule: Its minimum lengths.
        row_s: Seconds per row.
        min_score: A span begins with this score. It ends before a score below a share of it.
    """
    spans = hysteresis(scores, enter=min_score, stay=_STAY * min_score)
    spans = fill_gaps(spans, rule.gap_s / row_s)
    return spans[spans[:, 1] - spans[:, 0] >= rule.min_s / row_s - _ROUNDING]


_ROUNDING = 1e-6
"""Lengths in rows are whole numbers, but seconds divided by seconds may not be."""


def hysteresis(scores: NDArray[np.float32], *, enter: float, stay: float) -> Spans:
    """Return the runs of scores of at least `stay` that hold a score of at least `enter`."""
    runs = _runs(scores >= stay)
    entered = np.concatenate([[0], np.cumsum(scores >= enter)])
    return runs[entered[runs[:, 1]] > entered[runs[:, 0]]]


def fill_gaps(spans: Spans, rows: float) -> Spans:
    """Join spans that are fewer than this many rows apart."""
    if len(spans) < 2:
        return spans
    apart = spans[1:, 0] - spans[:-1, 1] >= rows - _ROUNDING
    starts = spans[np.concatenate([[True], apart]), 0]
    ends = spans[np.concatenate([apart, [True]]), 1]
    return np.stack([starts, ends], axis=1)


def _runs(flags: NDArray[np.bool_]) -> Spans:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]])))
    return edges.reshape(-1, 2).astype(np.int64)
