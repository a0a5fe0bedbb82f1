"""Early fusion: text and vision become one vector before anything is compared."""

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.fusion.vectors import unit
from schemas.records import Embedding


def modality_weights(text: np.ndarray, vision: np.ndarray, text_weight: float) -> tuple[float, float]:
    """Return the weights of text and vision. If one is missing (all zeros), the other one gets all the weight."""
    has_text, has_vision = bool(np.any(text)), bool(np.any(vision))
    if has_text and has_vision:
        return text_weight, 1.0 - text_weight
    return float(has_text), float(has_vision)


def fuse_early(text: Embedding, vision: Embedding, *, text_weight: float) -> tuple[Embedding, float, float]:
    """Join the weighted vectors of two modalities into one (early fusion; a joint representation).

    `fused = [sqrt(w) text ; sqrt(1 - w) vision]`, so that the cosine of two fused vectors with both modalities is the
    weighted mean of the cosines of their parts (Baltrušaitis, Ahuja and Morency, "Multimodal Machine Learning", 2019,
    name the family). If a modality is missing, the other one gets all the weight.

    Args:
        text: (t,) unit length; zeros if there is no text.
        vision: (v,) unit length; zeros if there is no image.
        text_weight: w, used if both are present.

    Returns:
        The fused vector, (t + v,) of unit length, or zeros if both are missing; and the weights of text and vision
        that were used.
    """
    weight, other = modality_weights(text, vision, text_weight)
    return fuse_early_rows(text[None], vision[None], text_weight=text_weight)[0], weight, other


def fuse_early_rows(
    text: NDArray[np.float32], vision: NDArray[np.float32], *, text_weight: float
) -> NDArray[np.float32]:
    """Apply `fuse_early` to many pairs: (n, t) and (n, v) to (n, t + v)."""
    has_text, has_vision = np.any(text != 0, axis=1, keepdims=True), np.any(vision != 0, axis=1, keepdims=True)
    both = has_text & has_vision
    weight, other = np.where(both, text_weight, has_text), np.where(both, 1.0 - text_weight, has_vision)
    return unit(np.concatenate([np.sqrt(weight) * text, np.sqrt(other) * vision], axis=1))


def early_id(text_id: str, vision_id: str) -> str:
    """Return the id of the space of `fuse_early`'s vectors."""
    return f"{text_id} + {vision_id}"
