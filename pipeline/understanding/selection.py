"""Choose few of many: the most central that do not repeat each other."""

import numpy as np

_MOST = 2000
"""Candidates compared with each other; of more, the weightiest."""


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


def choose_diverse(vectors: np.ndarray, scores: np.ndarray, count: int, redundancy: float) -> list[int]:
    """Choose by maximal marginal relevance (Carbonell and Goldstein 1998).

    Each choice is the item with the greatest `(1 - r) score - r max cosine to those chosen`; items that say again what
    was chosen (cosine above 0.92) are passed over.

    Args:
        vectors: (n, d) of unit length, or zeros.
        scores: (n,) about 0 to 1.
        count: Items at most.
        redundancy: r, 0 to 1.

    Returns:
        Chosen rows, the best first.
    """
    candidates = np.argsort(-scores, kind="stable")[:_MOST]
    nearest = np.zeros(len(candidates))
    chosen: list[int] = []
    free = scores[candidates] > 0
    while free.any() and len(chosen) < count:
        gains = np.where(free, (1 - redundancy) * scores[candidates] - redundancy * nearest, -np.inf)
        pick = int(np.argmax(gains))
        chosen.append(int(candidates[pick]))
        nearest = np.maximum(nearest, vectors[candidates] @ vectors[candidates[pick]])
        free[pick] = False
        free &= nearest < 0.92
    return chosen
