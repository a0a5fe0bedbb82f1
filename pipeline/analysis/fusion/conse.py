"""ConSE: an image classifier and a text encoder give a joint space for images and texts, without training."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.fusion.vectors import unit
from schemas.records import ClassScores

PROMPT = "a photo of {}"
"""Prompt for label names and queries. In our measurements it finds more than bare names."""
MAX_LABELS = 100
"""How many labels count for an image: the most probable ones."""
_TEMPERATURE = 2.0


def conse(
    probabilities: NDArray[np.float32], label_vectors: NDArray[np.float32], background: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Place images at the text embeddings of their labels (ConSE, Norouzi et al. 2013).

    The convex combination of semantic embeddings is `v = unit(sum_t q_t s_t - s0)` over the T = 100 most probable
    labels. `s_t` is the text encoder's vector of label t. `q_t` is proportional to `p_t ^ (1 / 2)`: the softmax at
    temperature 2, cut to T labels and summing to 1. `s0` is the mean of all label vectors, the result of a uniform
    guess; subtracting it keeps what distinguishes an image from others, without knowing the others. The paper uses
    T = 10, temperature 1 and no `s0`; docs/fusion.md says what each of the three changes gains.

    Args:
        probabilities: (n, labels). Rows of zeros, such as blank frames, become zeros.
        label_vectors: (labels, d) of unit length.
        background: (d,), s0.

    Returns:
        (n, d) of unit length, or zeros.
    """
    if not len(probabilities):
        return np.zeros((0, label_vectors.shape[1]), dtype=np.float32)
    top = _top(probabilities)
    weights = np.zeros_like(probabilities)
    np.put_along_axis(weights, top, np.take_along_axis(probabilities, top, axis=1) ** (1 / _TEMPERATURE), axis=1)
    totals = weights.sum(axis=1, keepdims=True)
    recognised = totals > 0
    means = (weights / np.where(recognised, totals, 1.0)) @ label_vectors
    return unit(np.where(recognised, means - background, 0.0))


def top_classes(probabilities: NDArray[np.float32]) -> list[ClassScores]:
    """Return what `conse` reads of each row: its `MAX_LABELS` most probable labels. A row of zeros has none.

    Args:
        probabilities: (n, labels).
    """
    found = []
    for row, top in zip(probabilities, _top(probabilities), strict=True):
        indices = np.sort(top[row[top] > 0]).astype(np.int32)
        found.append(ClassScores(indices, row[indices]))
    return found


def probabilities_of(classes: Sequence[ClassScores | None], count: int) -> NDArray[np.float32]:
    """Return the probabilities that `top_classes` kept, (n, count); zeros for the others.

    Args:
        classes: Of n frames.
        count: Number of the model's labels.
    """
    rows = np.zeros((len(classes), count), dtype=np.float32)
    for row, kept in zip(rows, classes, strict=True):
        if kept is not None:
            row[kept.indices] = kept.probabilities
    return rows


def _top(probabilities: NDArray[np.float32]) -> NDArray[np.intp]:
    count = min(MAX_LABELS, probabilities.shape[1])
    return (
        np.argpartition(-probabilities, count - 1, axis=1)[:, :count] if len(probabilities) else np.zeros((0, 0), int)
    )


def centred(vectors: NDArray[np.float32], background: NDArray[np.float32]) -> NDArray[np.float32]:
    """Place texts in the space of `conse`: `unit(s - s0)`.

    Args:
        vectors: (n, d), the text encoder's vectors of `PROMPT` with the text. Rows of zeros stay zeros.
        background: (d,), s0.
    """
    present = np.any(vectors != 0, axis=-1, keepdims=True)
    return unit(np.where(present, vectors - background, 0.0))
