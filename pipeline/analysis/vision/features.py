"""Results of the frame encoder: embeddings and labels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.records import Label


@dataclass(frozen=True, slots=True, eq=False)
class FrameFeatures:
    """Embeddings and labels of frames, in the same order."""

    embeddings: NDArray[np.float32]
    """(n, dimensions), of unit length; zeros for blank frames."""
    labels: tuple[tuple[Label, ...], ...]
    """Most probable first; empty if no label is probable enough or the model has no labels."""
    probabilities: NDArray[np.float32] | None
    """(n, classes) of all the model's labels, kept or not; zeros for blank frames; None if the model has no labels."""


def top_labels(
    probabilities: NDArray[np.float32], names: Sequence[str], count: int, min_score: float
) -> tuple[Label, ...]:
    """Return the most probable labels of one frame.

    Args:
        probabilities: (classes,) of one frame, summing to 1.
        names: Name of each class. Classes of the same name are one label; their probabilities add up.
        count: Most labels to return.
        min_score: Labels below this probability are left out.
    """
    scores: dict[str, float] = {}
    # Classes of the same name add up, so look a little further than `count`.
    for index in np.argsort(-probabilities, kind="stable")[: 2 * count]:
        scores[names[index]] = scores.get(names[index], 0.0) + float(probabilities[index])
    ranked = sorted(scores.items(), key=lambda item: -item[1])[:count]
    return tuple(Label(label=name, score=score) for name, score in ranked if score >= min_score)


def unit_length(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale each row of (n, d) vectors to length 1; rows of zeros stay zeros."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float32] = (vectors / np.maximum(norms, 1e-12)).astype(np.float32)
    return unit
