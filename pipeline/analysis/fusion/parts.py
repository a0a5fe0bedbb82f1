"""Input of the fusion methods: a scene's vectors with their times and weights."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.records import Embedding


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """Vectors of one modality in the coordinated space."""

    vectors: NDArray[np.float32]
    """(n, d) of unit length, none of them zeros."""
    times_s: NDArray[np.float64]
    """(n,) midpoints, from the start of the video."""
    weights: NDArray[np.float64]
    """(n,) relative weights, positive: seconds within the scene, reduced for doubtful text."""

    @classmethod
    def of(cls, vectors: NDArray[np.float32], times_s: NDArray[np.float64], weights: NDArray[np.float64]) -> "Track":
        """Make a track without vectors of zeros and without weights of 0."""
        kept = np.any(vectors != 0, axis=1) & (weights > 0)
        return cls(vectors[kept], times_s[kept], weights[kept])

    def __len__(self) -> int:
        return len(self.vectors)


@dataclass(frozen=True, slots=True, eq=False)
class SceneParts:
    """A scene, as the fusion methods see it."""

    text: Embedding
    """(t,) in the text encoder's space, for speech and on-screen text; zeros if there is none."""
    vision: Embedding
    """(v,) in the frame encoder's space; zeros if there are no frames."""
    image: Embedding
    """(d,) in the coordinated space: `Scene.coordinated_embedding`."""
    texts: Track
    """Each utterance and on-screen text."""
    frames: Track
    """Each keyframe."""
