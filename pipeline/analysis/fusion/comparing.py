"""How vectors are compared that two encoders made (`text.model = auto`): by the first part that both have.

Such a vector has an English and a multilingual part. Every text has the multilingual part, so a query in any language
finds texts in any other. A text or query in English has the English part, too. Frames, which are placed by English
labels, have both.
"""

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.fusion.vectors import unit
from pipeline.models import multilingual_dimensions
from schemas.records import Embedding


def parts_of(space: str, dimensions: int) -> tuple[slice, ...]:
    """Return the parts of the vectors of a space, each made by one encoder.

    Args:
        space: Id of a space of texts, or of frames placed among texts.
        dimensions: Length of its vectors.
    """
    size = multilingual_dimensions(space)
    return (slice(0, dimensions),) if size is None else (slice(0, dimensions - size), slice(dimensions - size, None))


def even_parts(vectors: Embedding, space: str) -> Embedding:
    """Return vectors (…, d) whose parts all have the same length, so that no language comes before another."""
    parts = parts_of(space, vectors.shape[-1])
    if len(parts) == 1:
        return vectors
    even = np.concatenate([unit(vectors[..., part]) for part in parts], axis=-1) / np.sqrt(len(parts))
    return np.asarray(even, np.float32)


def cosines(query: Embedding, vectors: Embedding, space: str) -> NDArray[np.float64]:
    """Return the cosine of a query (d,) and each vector (n, d) by the first part that both have; 0 if there is none."""
    found = np.zeros(len(vectors))
    for part in reversed(parts_of(space, len(query))):
        lengths = np.linalg.norm(vectors[:, part], axis=1) * np.linalg.norm(query[part])
        found = np.where(lengths > 0, vectors[:, part] @ query[part] / np.where(lengths > 0, lengths, 1.0), found)
    return found
