"""Choose few of many: the most central that do not repeat each other."""

import numpy as np

_MAX = 2000
"""Candidates compared with each other; of more, the weightiest."""
_RUN, _STEPS, _JUMP = 1500, 50, 0.15


def centrality(vectors: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return how near each vector is to the weighted middle of all, 0 to 1.

    Centroid-based summarization (Radev et al. 2004) on sentence vectors.

    Args:
        vectors: (n, d) of unit length, or zeros.
        weights: (n,) not negative.

    Returns:
        (n,) float64.
    """
    middle = weights @ vectors
    length = float(np.linalg.norm(middle))
    if length < 1e-9:
        return np.zeros(len(vectors))
    return np.asarray(np.clip(vectors @ (middle / length), 0.0, 1.0))


def lexrank(vectors: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return how central each sentence is, 0 to 1: continuous LexRank (Erkan and Radev 2004) with sentence vectors.

    The stationary distribution of a walk from sentence to sentence by their cosine, where it is positive, that jumps to
    sentences by their weight with a probability of 0.15. Scaled so that the most central one has 1. Of a very long talk
    each run of 1500 sentences is ranked by itself, so that the cost grows with the length and not with its square.

    Args:
        vectors: (n, d) of unit length, or zeros.
        weights: (n,) not negative.

    Returns:
        (n,) float64.
    """
    runs = range(0, len(vectors), _RUN)
    return np.concatenate(
        [np.zeros(0), *(_ranked(vectors[run : run + _RUN], weights[run : run + _RUN]) for run in runs)]
    )


def choose_diverse(
    vectors: np.ndarray, scores: np.ndarray, count: int, redundancy: float, *, groups: np.ndarray | None = None
) -> list[int]:
    """Choose by maximal marginal relevance (Carbonell and Goldstein 1998).

    Each choice is the item with the greatest `(1 - r) score - r max cosine to those chosen`; items that say again what
    was chosen (cosine above 0.92) are passed over. Groups from which nothing was chosen yet come first, as long as
    they have an item half as good as the best.

    Args:
        vectors: (n, d) of unit length, or zeros.
        scores: (n,) about 0 to 1.
        count: Items at most.
        redundancy: r, 0 to 1.
        groups: (n,) number of the group of each item, such as its chapter; none: all are one group.

    Returns:
        Chosen rows, the best first.
    """
    candidates = np.argsort(-scores, kind="stable")[:_MAX]
    of = np.zeros(len(candidates)) if groups is None else groups[candidates]
    good = scores[candidates] >= 0.5 * scores[candidates].max(initial=0.0)
    nearest = np.zeros(len(candidates))
    chosen: list[int] = []
    covered: list[float] = []
    free = scores[candidates] > 0
    while free.any() and len(chosen) < count:
        fresh = free & good & ~np.isin(of, covered)
        pool = fresh if fresh.any() else free
        gains = np.where(pool, (1 - redundancy) * scores[candidates] - redundancy * nearest, -np.inf)
        pick = int(np.argmax(gains))
        chosen.append(int(candidates[pick]))
        covered.append(of[pick])
        nearest = np.maximum(nearest, vectors[candidates] @ vectors[candidates[pick]])
        free[pick] = False
        free &= nearest < 0.92
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
