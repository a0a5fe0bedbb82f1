"""How queries are compared with vectors that two encoders made (`text.model = auto`).

Such a vector has an English and a multilingual part. Every text has the multilingual part, so a query in any language
finds texts in any other by its cosine. For a query in English, the score is the mean of the cosines of both parts,
which finds more than either. A text in another language lacks the English part: `MISSING` stands for its cosine there,
so that it is neither hidden by English texts nor put before them.

    score = c_multilingual                          for a query in another language
    score = (c_english + c_multilingual) / 2        for a query in English
    score = (MISSING + c_multilingual) / 2          for that and a text in another language
"""

import numpy as np

from pipeline.analysis.fusion.vectors import unit
from pipeline.models import multilingual_dimensions
from schemas.records import Embedding

MISSING = 0.25
"""About the cosine of the English encoder for texts that have a little to do with the query."""


def rows_to_compare(vectors: Embedding, space: str) -> Embedding:
    """Prepare stored vectors for `query_to_compare`. Vectors of a single encoder stay as they are.

    Args:
        vectors: (n, d) of texts, or of frames placed among texts.
        space: Id of their space.

    Returns:
        (n, d + 1) of unit length, or zeros: both parts at the same length, and whether the English part is missing.
    """
    parts = _parts(vectors, space)
    if parts is None:
        return vectors
    english, multilingual = parts
    lacking = ~np.any(english != 0, axis=-1, keepdims=True) & np.any(multilingual != 0, axis=-1, keepdims=True)
    return unit(np.concatenate([english, multilingual, lacking.astype(np.float32)], axis=-1))


def query_to_compare(vectors: Embedding, space: str) -> Embedding:
    """Prepare queries, so that the product with `rows_to_compare` is the score in this module's formula.

    Args:
        vectors: (n, d) in the space of `rows_to_compare`; a query that is not in English lacks the English part.
        space: Id of their space.
    """
    parts = _parts(vectors, space)
    if parts is None:
        return vectors
    english, multilingual = parts
    has_english, has_multilingual = (np.any(part != 0, axis=-1, keepdims=True) for part in parts)
    weight = 1.0 / np.maximum(1.0 * has_english + has_multilingual, 1.0)
    missing = MISSING * (has_english & has_multilingual)
    # Each part of a row has the length sqrt(1/2).
    return np.asarray(np.sqrt(2) * weight * np.concatenate([english, multilingual, missing], axis=-1), np.float32)


def _parts(vectors: Embedding, space: str) -> tuple[Embedding, Embedding] | None:
    """Return the English and the multilingual parts of vectors, each of unit length; None if there are no parts."""
    size = multilingual_dimensions(space)
    return None if size is None else (unit(vectors[..., :-size]), unit(vectors[..., -size:]))
