"""Early fusion in the coordinated space: text and pictures added where both already are."""

from pipeline.analysis.fusion.early import modality_weights
from pipeline.analysis.fusion.vectors import unit
from schemas.records import Embedding


def fuse_projected(text: Embedding, picture: Embedding, *, text_weight: float) -> tuple[Embedding, float, float]:
    """Add the vectors of two modalities, each weighted (a joint representation projected into the coordinated space).

    `fused = unit(w text + (1 - w) picture)`. One text query is then compared with what is said, written and shown at
    once: its cosine with `fused` grows with its cosine to either (additive composition, as Mikolov et al. 2013 found of
    words and Kiros et al. 2014, "Unifying Visual-Semantic Embeddings", of pictures and words). A missing modality has
    no weight, and the other one all of it.

    Args:
        text: (d,) unit length, in the coordinated space; zeros where there is none.
        picture: (d,) unit length, in the same space; zeros where there is none.
        text_weight: w, where both are there.

    Returns:
        (d,) unit length, zeros where both are missing; then the weights of text and picture as they were used.
    """
    weight, other = modality_weights(text, picture, text_weight)
    return unit(weight * text + other * picture), weight, other
