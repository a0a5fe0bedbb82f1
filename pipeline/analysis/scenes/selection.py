"""Selection: find the most central vectors, and choose a few that do not repeat each other."""

import numpy as np

_MAX_CANDIDATES = 2000
"""Only the candidates with the highest scores are compared with each other."""
_CHUNK, _STEPS, _JUMP = 1500, 50, 0.15
_REPEATS = 0.92


def centrality(vectors: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the cosine of each vector to the weighted mean, 0 to 1.

    Centroid-based summarization (Radev et al. 2004) on sentence vectors.

    Args:
        vectors: (n, d) of unit length, or zeros.
        weights: (n,), not negative.

    Returns:
        (n,) float64.
    """
    middle = weights @ vectors
    length = float(np.linalg.norm(middle))
    if length < 1e-9:
        return np.zeros(len(vectors))
    return np.asarray(np.clip(vectors @ (middle / length), 0.0, 1.0))


def lexrank(vectors: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the centrality of each sentence, 0 to 1: continuous LexRank (Erkan and Radev 2004) on sentence vectors.

    This is the stationary distribution of a random walk that moves to a sentence in proportion to its positive cosine
    or, with a probability of 0.15, to its weight. It is scaled so that the maximum is 1. Long talks are ranked in
    chunks of 1500 sentences, so that the cost grows linearly with their length.

    Args:
        vectors: (n, d) of unit length, or zeros.
        weights: (n,), not negative.

    Returns:
        (n,) float64.
    """
    starts = range(0, len(vectors), _CHUNK)
    chunks = (_ranked(vectors[start : start + _CHUNK], weights[start : start + _CHUNK]) for start in starts)
    return np.concatenate([np.zeros(0), *chunks])


def choose_diverse(
    vectors: np.ndarray, scores: np.ndarray, count: int, redundancy: float, *, groups: np.ndarray | None = None
) -> list[int]:
    """Choose by maximal marginal relevance (Carbonell and Goldstein 1998).

    Each choice is the item with the greatest `(1 - r) score - r max cosine to those chosen`. Items that repeat a chosen
    one (cosine of 0.92 or more) are skipped. Groups without a chosen item come first if they have an item with at least
    half the best score.

    Args:
        vectors: (n, d) of unit length, or zeros.
        scores: (n,) about 0 to 1.
        count: Maximum number of items.
        redundancy: r, 0 to 1.
        groups: (n,) group of each item, such as its chapter; None: all items are one group.

    Returns:
        Indices of the chosen items, in the order of choice.
    """
    candidates = np.argsort(-scores, kind="stable")[:_MAX_CANDIDATES]
    group_of = np.zeros(len(candidates)) if groups is None else groups[candidates]
    good = scores[candidates] >= 0.5 * scores[candidates].max(initial=0.0)
    nearest = np.zeros(len(candidates))
    chosen: list[int] = []
    covered: list[float] = []
    free = scores[candidates] > 0
    while free.any() and len(chosen) < count:
        fresh = free & good & ~np.isin(group_of, covered)
        pool = fresh if fresh.any() else free
        gains = np.where(pool, (1 - redundancy) * scores[candidates] - redundancy * nearest, -np.inf)
        pick = int(np.argmax(gains))
        chosen.append(int(candidates[pick]))
        covered.append(group_of[pick])
        nearest = np.maximum(nearest, vectors[candidates] @ vectors[candidates[pick]])
        free[pick] = False
        free &= nearest < _REPEATS
    return chosen


def _ranked(vectors: np.ndarray, weights: np.ndarray) -> np.ndarray:
    cosines = np.maximum(vectors @ vectors.T, 0.0).astype(np.float64)
    np.fill_diagonal(cosines, 1e-3)
    steps = cosines / cosines.sum(axis=0, keepdims=True)
    jump = (weights + 1e-9) / (weights + 1e-9).sum()
    rank = jump
    for _ in range(_STEPS):
        before, rank = rank, _JUMP * jump + (1 - _JUMP) * (steps @ rank)
        if np.abs(rank - before).sum() < 1e-5:
            break
    return np.asarray(rank / rank.max())
