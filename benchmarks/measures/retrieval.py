"""Retrieval: how well queries find their moments."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Span:
    """A time range of a video."""

    video_id: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Question:
    """A query and the moments that answer it."""

    text: str
    needs: str
    answers: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Retrieval:
    """R@1, R@5 and mean reciprocal rank over a number of queries."""

    r1: float
    r5: float
    mrr: float
    queries: int


def is_hit(found: Span, answers: Sequence[Span]) -> bool:
    """Tell whether at least half of a found range lies in one of the answers.

    A range that is much longer than the answer does not count, because a viewer would still have to search in it.
    """
    length_s = max(found.end_s - found.start_s, 1e-3)
    return any(
        found.video_id == answer.video_id
        and min(found.start_s + length_s, answer.end_s) - max(found.start_s, answer.start_s) >= length_s / 2
        for answer in answers
    )


def first_hit(found: Sequence[Span], answers: Sequence[Span]) -> int | None:
    """Return the rank of the first hit, starting with 1; None if there is none."""
    return next((rank for rank, span in enumerate(found, start=1) if is_hit(span, answers)), None)


def retrieval(ranks: Sequence[int | None]) -> Retrieval:
    """Summarise the ranks of first hits; None means that the answer was not found."""
    count = max(1, len(ranks))
    return Retrieval(
        r1=sum(rank == 1 for rank in ranks) / count,
        r5=sum(rank is not None and rank <= 5 for rank in ranks) / count,
        mrr=sum(1 / rank for rank in ranks if rank) / count,
        queries=len(ranks),
    )


def difference_interval(ranks: Sequence[int | None], others: Sequence[int | None]) -> tuple[float, float]:
    """Return the 95 % confidence interval of the difference of two MRRs over the same queries.

    Paired bootstrap (Efron and Tibshirani 1993): queries are resampled together with both ranks.
    """
    gain = np.array([1 / rank if rank else 0.0 for rank in ranks])
    gain -= np.array([1 / rank if rank else 0.0 for rank in others])
    drawn = np.random.default_rng(0).integers(0, len(gain), (10_000, len(gain)))
    low, high = np.percentile(gain[drawn].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)
