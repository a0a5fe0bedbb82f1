"""A fusion: text and picture side by side, each counted by how much of it there is."""

import numpy as np
from numpy.typing import NDArray


class SumFusion:
    """Concatenates both vectors; a modality that is missing is zeros and has no weight.

    Args:
        text_dimensions: Length of a text vector.
        vision_dimensions: Length of a picture vector.
    """

    licence = "Apache-2.0"

    def __init__(self, *, text_dimensions: int, vision_dimensions: int) -> None:
        self.dimensions = text_dimensions + vision_dimensions

    def fuse(
        self, text: NDArray[np.float32], vision: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return joint vectors (n, dimensions), and (n, 2) how much text and picture counted.

        Args:
            text: (n, text_dimensions) of unit length, or zeros.
            vision: (n, vision_dimensions) of unit length, or zeros.
        """
        present = np.stack([text.any(axis=1), vision.any(axis=1)], axis=1).astype(np.float32)
        weights = present / np.maximum(present.sum(axis=1, keepdims=True), 1)
        return np.concatenate([text, vision], axis=1), weights
