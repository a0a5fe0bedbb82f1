"""ConSE: a picture classifier and a text encoder make a space for pictures and texts, without any training."""

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.fusion.vectors import unit

PROMPT = "a photo of {}"
"""Label names and queries are both put so: measured, it finds more than bare names do."""
MAX_LABELS = 100
"""Labels that count for a picture: the most probable."""
_TEMPERATURE = 2.0


def conse(
    probabilities: NDArray[np.float32], label_vectors: NDArray[np.float32], background: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Put pictures where their labels are: convex combination of semantic embeddings (Norouzi et al. 2013, ConSE).

    `v = unit(sum_t q_t s_t - s0)`, over the T = 100 most probable labels, with `s_t` the text encoder's vector of
    label t, `q_t` proportional to `p_t ^ (1 / 2)`, the softmax at temperature 2 cut to T and summing to 1, and `s0` the
    mean of all label vectors: what an even guess would give. Taking it away leaves what a picture has and others have
    not, with no need to know the others. The paper has T = 10, temperature 1 and no `s0`; docs/fusion.md has what each
    of the three is worth.

    Args:
        probabilities: (n, labels); rows of zeros, as of blank pictures, become zeros.
        label_vectors: (labels, d) of unit length.
        background: (d,), s0.

    Returns:
        (n, d) of unit length, or zeros.
    """
    if not len(probabilities):
        return np.zeros((0, label_vectors.shape[1]), dtype=np.float32)
    count = min(MAX_LABELS, probabilities.shape[1])
    top = np.argpartition(-probabilities, count - 1, axis=1)[:, :count]
    weights = np.zeros_like(probabilities)
    np.put_along_axis(weights, top, np.take_along_axis(probabilities, top, axis=1) ** (1 / _TEMPERATURE), axis=1)
    totals = weights.sum(axis=1, keepdims=True)
    recognised = totals > 0
    means = (weights / np.where(recognised, totals, 1.0)) @ label_vectors
    return unit(np.where(recognised, means - background, 0.0))


def centred(vectors: NDArray[np.float32], background: NDArray[np.float32]) -> NDArray[np.float32]:
    """Put texts into the space of `conse`: `unit(s - s0)`.

    Args:
        vectors: (n, d), the text encoder's, of `PROMPT` with the text; rows of zeros stay zeros.
        background: (d,), s0.
    """
    there = np.any(vectors != 0, axis=-1, keepdims=True)
    return unit(np.where(there, vectors - background, 0.0))
