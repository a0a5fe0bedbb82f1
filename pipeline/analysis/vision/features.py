"""What the frame encoder finds in pictures."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.records import Label


@dataclass(frozen=True, slots=True, eq=False)
class FrameFeatures:
    """Vectors and labels of some frames, in their order."""

    embeddings: NDArray[np.float32]
    """(n, dimensions), of unit length; zeros where a picture is blank."""
    labels: tuple[tuple[Label, ...], ...]
    """Most probable first; empty where nothing is probable enough, or the model knows no labels."""
    probabilities: NDArray[np.float32] | None
    """(n, classes) of all the model's labels, whether kept or not; zeros where a picture is blank; None where the model
    knows no labels."""


def top_labels(
    probabilities: NDArray[np.float32], names: Sequence[str], count: int, min_score: float
) -> tuple[Label, ...]:
    """Return the most probable labels of one frame.

    Args:
        probabilities: (classes,) of one frame, summing to 1.
        names: Name of each class; classes of one name are one label, with the sum of their probabilities.
        count: Labels at most.
        min_score: Labels under this probability are left out.
    """
    scores: dict[str, float] = {}
    # A class can matter though it is under the threshold itself, so look a little further than `count`.
    for place in np.argsort(-probabilities, kind="stable")[: 2 * count]:
        scores[names[place]] = scores.get(names[place], 0.0) + float(probabilities[place])
    ranked = sorted(scores.items(), key=lambda item: -item[1])[:count]
    return tuple(Label(label=name, score=score) for name, score in ranked if score >= min_score)


def unit_length(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale each row of (n, d) vectors to length 1; rows of zeros stay zeros."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float32] = (vectors / np.maximum(norms, 1e-12)).astype(np.float32)
    return unit
