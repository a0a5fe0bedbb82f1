"""Late fusion: each retriever ranks or scores by itself, and only the results are combined."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray


def reciprocal_rank_fusion(
    rankings: Sequence[ArrayLike], weights: Sequence[float] | None = None, k: float = 60
) -> tuple[NDArray[np.generic], NDArray[np.float64]]:
    """Combine rankings by ranks alone (Cormack, Clarke and Büttcher 2009).

    `score(d) = sum_i w_i / (k + rank_i(d))`, with ranks from 1. A ranking without d adds nothing. Scores need not be
    comparable, so BM25 and cosine can be combined, and an empty ranking changes nothing. Every ranking is trusted,
    however: pass only the items that a retriever found, not all items in its order.

    Args:
        rankings: For each retriever, the ids of the items it found (integers or strings), best first. If an id occurs
            twice, its first rank counts.
        weights: Weight of each ranking, not negative; default: all 1.
        k: The greater, the smaller the advantage of the top ranks.

    Returns:
        Ids of all items found, best first, and their scores. On equal scores the smaller id comes first.

    Raises:
        ValueError: The number of weights does not match, or a weight is negative.
    """
    counted = _weights(weights, len(rankings))
    lists = [(np.asarray(ranking), weight) for ranking, weight in zip(rankings, counted, strict=True)]
    lists = [(ranking, weight) for ranking, weight in lists if ranking.size]
    if not lists:
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    items, indices = np.unique(np.concatenate([ranking for ranking, _ in lists]), return_inverse=True)
    scores = np.zeros(len(items))
    start = 0
    for ranking, weight in lists:
        own = indices[start : start + len(ranking)]
        start += len(ranking)
        found, ranks = np.unique(own, return_index=True)
        scores[found] += weight / (k + 1 + ranks)
    order = np.argsort(-scores, kind="stable")
    return items[order], scores[order]


def normalised(scores: ArrayLike, how: Literal["zscore", "minmax", "none"] = "zscore") -> NDArray[np.float64]:
    """Bring the scores of one retriever to a common scale.

    Args:
        scores: (n,); NaN for items without a score.
        how: `zscore`: mean 0 and standard deviation 1; `minmax`: from 0 to 1; `none`: unchanged. If all scores are
            equal, they carry no information and become 0.

    Returns:
        (n,) float64; NaN where `scores` is NaN.
    """
    values = np.asarray(scores, dtype=np.float64)
    present = np.isfinite(values)
    values = np.where(present, values, np.nan)
    if how == "none" or not present.any():
        return values
    known = values[present]
    middle, spread = (known.mean(), known.std()) if how == "zscore" else (known.min(), np.ptp(known))
    # Rounding alone can make equal scores differ by this much.
    if spread <= 1e-12 * max(1.0, float(np.abs(known).max())):
        return np.where(present, 0.0, np.nan)
    return np.asarray((values - middle) / spread, dtype=np.float64)


def weighted_scores(
    scores: Sequence[ArrayLike],
    weights: Sequence[float] | None = None,
    *,
    normalise: Literal["zscore", "minmax", "none"] = "zscore",
    missing: Literal["mean", "skip"] = "mean",
) -> NDArray[np.float64]:
    """Combine scores by a weighted mean after normalising each retriever's (weighted CombSUM, Fox and Shaw 1994).

    `score(d) = sum_i w_i z_i(d) / sum_i w_i`. A missing score must neither help nor harm an item:

    - `missing = "mean"`: if retriever i has no score for d, z_i(d) is the mean over the items that have one. With
      z-scores that is 0, so the other retrievers decide, and the item moves slightly towards the middle.
    - `missing = "skip"`: retrievers without a score for d are left out of both sums. This is fair if the score is
      missing for reasons unrelated to the query, but an item with one good score then beats an item with two.

    Args:
        scores: For each retriever, (n,) scores of the same n items; NaN if an item has none, as for a silent video.
        weights: Weight of each retriever, not negative; default: all 1.
        normalise: See `normalised`.
        missing: See above.

    Returns:
        (n,) float64; NaN for items without any score.

    Raises:
        ValueError: The lengths do not match, or a weight is negative.
    """
    counted = _weights(weights, len(scores))
    if not scores:
        return np.zeros(0)
    values = np.stack([normalised(each, normalise) for each in scores])  # (retrievers, n)
    present = np.isfinite(values)
    # A retriever without any score is ignored, as if its weight were 0.
    counted = np.where(present.any(axis=1), counted, 0.0)
    known = present & (counted > 0)[:, None]
    if missing == "mean":
        sums = np.where(present, values, 0.0).sum(axis=1, keepdims=True)
        values = np.where(present, values, sums / np.maximum(present.sum(axis=1, keepdims=True), 1))
        present = np.ones_like(present)
    total = (counted[:, None] * present).sum(axis=0)
    combined = (counted[:, None] * np.where(present, values, 0.0)).sum(axis=0)
    return np.where(known.any(axis=0), combined / np.where(total > 0, total, 1.0), np.nan)


def _weights(weights: Sequence[float] | None, count: int) -> NDArray[np.float64]:
    counted = np.ones(count) if weights is None else np.asarray(weights, dtype=np.float64)
    if counted.shape != (count,) or not np.isfinite(counted).all() or (counted < 0).any():
        raise ValueError(f"Expected {count} weights, none negative, not {weights}.")
    return counted
