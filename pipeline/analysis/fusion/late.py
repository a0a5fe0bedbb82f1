"""Late fusion: each way of searching ranks or scores by itself, and only the results are combined."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray


def reciprocal_rank_fusion(
    rankings: Sequence[ArrayLike], weights: Sequence[float] | None = None, k: float = 60
) -> tuple[NDArray[np.generic], NDArray[np.float64]]:
    """Combine rankings by ranks alone (Cormack, Clarke and Büttcher 2009).

    `score(d) = sum_i w_i / (k + rank_i(d))`, ranks from 1; a ranking that does not hold d adds nothing. It needs no
    scores that can be compared, so it suits BM25 beside cosine, and a ranking with nothing in it changes nothing. It
    takes every ranking at its word, though: give it what a way found, and not all there is in that way's order.

    Args:
        rankings: Of each way, ids of the items it found (integers or strings), the best first; the first place counts
            where one comes twice.
        weights: How much each ranking counts, not negative; default: all 1.
        k: The greater, the less the first places count against the later ones.

    Returns:
        Ids of all items found, the best first, and their scores; where scores are equal, the lesser id comes first.

    Raises:
        ValueError: There are not as many weights as rankings, or one is negative.
    """
    counted = _weights(weights, len(rankings))
    lists = [(np.asarray(ranking), weight) for ranking, weight in zip(rankings, counted, strict=True)]
    lists = [(ranking, weight) for ranking, weight in lists if ranking.size]
    if not lists:
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    items, places = np.unique(np.concatenate([ranking for ranking, _ in lists]), return_inverse=True)
    scores = np.zeros(len(items))
    start = 0
    for ranking, weight in lists:
        own = places[start : start + len(ranking)]
        start += len(ranking)
        found, ranks = np.unique(own, return_index=True)
        scores[found] += weight / (k + 1 + ranks)
    order = np.argsort(-scores, kind="stable")
    return items[order], scores[order]


def normalised(scores: ArrayLike, how: Literal["zscore", "minmax", "none"] = "zscore") -> NDArray[np.float64]:
    """Bring the scores of one way of searching to a common scale.

    Args:
        scores: (n,); NaN where an item has none.
        how: `zscore`: mean 0 and deviation 1; `minmax`: from 0 to 1; `none`: as they are. Scores that are all the same
            say nothing, and become 0.

    Returns:
        (n,) float64; NaN where `scores` is.
    """
    values = np.asarray(scores, dtype=np.float64)
    there = np.isfinite(values)
    values = np.where(there, values, np.nan)
    if how == "none" or not there.any():
        return values
    known = values[there]
    middle, spread = (known.mean(), known.std()) if how == "zscore" else (known.min(), np.ptp(known))
    # Rounding alone makes equal scores differ by so much.
    if spread <= 1e-12 * max(1.0, float(np.abs(known).max())):
        return np.where(there, 0.0, np.nan)
    return np.asarray((values - middle) / spread, dtype=np.float64)


def weighted_scores(
    scores: Sequence[ArrayLike],
    weights: Sequence[float] | None = None,
    *,
    normalise: Literal["zscore", "minmax", "none"] = "zscore",
    missing: Literal["mean", "skip"] = "mean",
) -> NDArray[np.float64]:
    """Combine scores by a weighted mean after normalising each way's (CombSUM of Fox and Shaw 1994, with weights).

    `score(d) = sum_i w_i z_i(d) / sum_i w_i`. What a video lacks must neither help nor harm it:

    - `missing = "mean"`: z_i(d) of an item that way i has no score for is the mean over those that have one. With
      z-scores that is 0, and the item stands where the other ways put it, a little nearer to the middle.
    - `missing = "skip"`: the ways that have no score for d are left out of both sums. Fair where a way is missing for
      reasons that have nothing to do with the query, but an item with one good score beats one with two.

    Args:
        scores: Of each way, (n,) for the same n items; NaN where an item has none, as for a silent video.
        weights: How much each way counts, not negative; default: all 1.
        normalise: See `normalised`.
        missing: See above.

    Returns:
        (n,) float64; NaN for items without any score.

    Raises:
        ValueError: The lengths do not fit, or a weight is negative.
    """
    counted = _weights(weights, len(scores))
    if not scores:
        return np.zeros(0)
    values = np.stack([normalised(each, normalise) for each in scores])  # (ways, n)
    there = np.isfinite(values)
    # A way that knows nothing at all has no say, like one of weight 0.
    counted = np.where(there.any(axis=1), counted, 0.0)
    known = there & (counted > 0)[:, None]
    if missing == "mean":
        sums = np.where(there, values, 0.0).sum(axis=1, keepdims=True)
        values = np.where(there, values, sums / np.maximum(there.sum(axis=1, keepdims=True), 1))
        there = np.ones_like(there)
    total = (counted[:, None] * there).sum(axis=0)
    combined = (counted[:, None] * np.where(there, values, 0.0)).sum(axis=0)
    return np.where(known.any(axis=0), combined / np.where(total > 0, total, 1.0), np.nan)


def _weights(weights: Sequence[float] | None, count: int) -> NDArray[np.float64]:
    counted = np.ones(count) if weights is None else np.asarray(weights, dtype=np.float64)
    if counted.shape != (count,) or not np.isfinite(counted).all() or (counted < 0).any():
        raise ValueError(f"{count} weights are wanted that are not negative, not {weights}.")
    return counted
