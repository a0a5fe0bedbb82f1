"""Fusion: one vector of what is said and what is seen."""

from collections.abc import Sequence

import numpy as np

from schemas.records import Embedding


def fuse_early(text: Embedding, vision: Embedding, *, text_weight: float) -> tuple[Embedding, float, float]:
    """Join the vectors of two modalities, each weighted, into one (early fusion; a joint representation).

    `fused = [sqrt(w) text ; sqrt(1 - w) vision]`, so that the cosine of two fused vectors with both modalities is the
    weighted mean of the cosines of their parts (Baltrušaitis, Ahuja and Morency, "Multimodal Machine Learning", 2019,
    name the family). A missing modality has no weight, and the other one all of it.

    Args:
        text: (t,) unit length; zeros where there is none.
        vision: (v,) unit length; zeros where there is none.
        text_weight: w, where both are there.

    Returns:
        (t + v,) unit length, zeros where both are missing; then the weights of text and vision as they were used.
    """
    has_text, has_vision = bool(np.any(text)), bool(np.any(vision))
    weight = text_weight if has_text and has_vision else float(has_text)
    other = (1.0 - text_weight) if has_text and has_vision else float(has_vision)
    return unit(np.concatenate([np.sqrt(weight) * text, np.sqrt(other) * vision])), weight, other


def weighted_mean(vectors: Sequence[Embedding], weights: Sequence[float], dimensions: int) -> Embedding:
    """Return the direction of the weighted mean, (dimensions,); zeros where there is nothing to average."""
    if not vectors:
        return np.zeros(dimensions, dtype=np.float32)
    stacked = np.stack(vectors).astype(np.float64)
    return unit(np.asarray(weights, dtype=np.float64) @ stacked)


def unit(vector: np.ndarray) -> Embedding:
    """Return the vector at unit length, float32; zeros stay zeros."""
    length = float(np.linalg.norm(vector))
    if not np.isfinite(length) or length < 1e-9:
        return np.zeros(vector.shape, dtype=np.float32)
    return np.asarray(vector / length, dtype=np.float32)
