"""What a scene is fused of: its vectors one by one, with their times."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.records import Embedding


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """Vectors of one modality in the coordinated space."""

    vectors: NDArray[np.float32]
    """(n, d) of unit length; none are zeros."""
    times_s: NDArray[np.float64]
    """(n,) middles, from the start of the video."""
    weights: NDArray[np.float64]
    """(n,) how much each counts against the others, positive: seconds within the scene, less where in doubt."""

    @classmethod
    def of(cls, vectors: NDArray[np.float32], times_s: NDArray[np.float64], weights: NDArray[np.float64]) -> "Track":
        """Make a track of what is there: vectors of zeros, and what has no weight, are left out."""
        kept = np.any(vectors != 0, axis=1) & (weights > 0)
        return cls(vectors[kept], times_s[kept], weights[kept])

    def __len__(self) -> int:
        return len(self.vectors)


@dataclass(frozen=True, slots=True, eq=False)
class SceneParts:
    """A scene, as a method of fusion sees it."""

    text: Embedding
    """(t,) in the text encoder's space: what is said and written; zeros if nothing."""
    vision: Embedding
    """(v,) in the frame encoder's space; zeros if there are no pictures."""
    picture: Embedding
    """(d,) in the coordinated space: `Scene.coordinated_embedding`."""
    texts: Track
    """Each utterance and text on screen."""
    frames: Track
    """Each keyframe."""
