"""Early fusion in the coordinated space: the weighted sum of text and images."""

from pipeline.analysis.fusion.early import modality_weights
from pipeline.analysis.fusion.vectors import unit
from schemas.records import Embedding


def fuse_projected(text: Embedding, image: Embedding, *, text_weight: float) -> tuple[Embedding, float, float]:
    """Add the weighted vectors of two modalities (a joint representation projected into the coordinated space).

    `fused = unit(w text + (1 - w) image)`. A text query is then compared with speech, on-screen text and images at
    once: its cosine with `fused` grows with its cosine to either. Mikolov et al. 2013 found such additive composition
    for words, and Kiros et al. 2014 ("Unifying Visual-Semantic Embeddings") for images and words. If a modality is
    missing, the other one gets all the weight.

    Args:
        text: (d,) unit length, in the coordinated space; zeros if there is no text.
        image: (d,) unit length, in the same space; zeros if there is no image.
        text_weight: w, used if both are present.

    Returns:
        The fused vector, (d,) of unit length, or zeros if both are missing; and the weights of text and image that
        were used.
    """
    weight, other = modality_weights(text, image, text_weight)
    return unit(weight * text + other * image), weight, other
