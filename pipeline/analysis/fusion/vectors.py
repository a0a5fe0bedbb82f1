"""Unit vectors and their weighted means."""

from collections.abc import Sequence

import numpy as np

from schemas.records import Embedding


def weighted_mean(vectors: Sequence[Embedding], weights: Sequence[float], dimensions: int) -> Embedding:
    """Return the direction of the weighted mean, (dimensions,); zeros if there are no vectors."""
    if not vectors:
        return np.zeros(dimensions, dtype=np.float32)
    stacked = np.stack(vectors).astype(np.float64)
    return unit(np.asarray(weights, dtype=np.float64) @ stacked)


def unit(vector: np.ndarray) -> Embedding:
    """Return the vector, or each row of a matrix, at unit length, float32; zeros stay zeros."""
    lengths = np.linalg.norm(np.asarray(vector, dtype=np.float64), axis=-1, keepdims=True)
    valid = np.isfinite(lengths) & (lengths >= 1e-9)
    return np.asarray(np.where(valid, vector, 0.0) / np.where(valid, lengths, 1.0), dtype=np.float32)
