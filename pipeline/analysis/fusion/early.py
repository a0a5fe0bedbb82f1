"""Early fusion: one vector of what is said and what is seen, made before anything is compared."""

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.fusion.vectors import unit
from schemas.records import Embedding


def modality_weights(text: np.ndarray, vision: np.ndarray, text_weight: float) -> tuple[float, float]:
    """Return the weights of text and vision: a missing modality (all zeros) has none, and the other all of it."""
    has_text, has_vision = bool(np.any(text)), bool(np.any(vision))
    if has_text and has_vision:
        return text_weight, 1.0 - text_weight
    return float(has_text), float(has_vision)


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
    weight, other = modality_weights(text, vision, text_weight)
    return fuse_early_rows(text[None], vision[None], text_weight=text_weight)[0], weight, other


def fuse_early_rows(
    text: NDArray[np.float32], vision: NDArray[np.float32], *, text_weight: float
) -> NDArray[np.float32]:
    """Do what `fuse_early` does for many pairs: (n, t) and (n, v) to (n, t + v)."""
    has_text, has_vision = np.any(text != 0, axis=1, keepdims=True), np.any(vision != 0, axis=1, keepdims=True)
    both = has_text & has_vision
    weight, other = np.where(both, text_weight, has_text), np.where(both, 1.0 - text_weight, has_vision)
    return unit(np.concatenate([np.sqrt(weight) * text, np.sqrt(other) * vision], axis=1))


def early_id(text_id: str, vision_id: str) -> str:
    """Name the space of vectors that `fuse_early` makes."""
    return f"{text_id} + {vision_id}"
