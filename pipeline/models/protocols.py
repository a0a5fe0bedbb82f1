"""What a model of a user's own package has to offer, by role; see docs/plug-a-model.md.

Plain NumPy goes in and comes out, in batches. Members may be attributes or properties. An instance is made once a
worker and called by one thread at a time.
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray


@runtime_checkable
class VisionModel(Protocol):
    """Frames become vectors and, where it knows any, labels. Made with `device` and `threads`."""

    dimensions: int
    """Length of an embedding."""
    label_names: Sequence[str]
    """Name of each class; empty where it knows none."""

    def encode(self, images: Sequence[NDArray[np.uint8]]) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """Encode frames.

        Args:
            images: uint8 (height, width, 3) RGB each, of any sizes.

        Returns:
            Embeddings (n, dimensions), of any length; probabilities (n, len(label_names)), or None without labels.
        """


@runtime_checkable
class CaptionModel(Protocol):
    """Frames become sentences. Made with `device` and `threads`."""

    def caption(self, images: Sequence[NDArray[np.uint8]]) -> Sequence[str]:
        """Return a sentence for each frame; an empty one where it has nothing to say.

        Args:
            images: uint8 (height, width, 3) RGB each, of any sizes.
        """


@runtime_checkable
class SpeakerModel(Protocol):
    """Sound becomes vectors that are near each other where the same person speaks. Made with `device` and `threads`."""

    def encode(self, windows: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return (n, d), of any length.

        Args:
            windows: (24000,) float32 each, in [-1, 1]: 1.5 s of speech at 16 kHz.
        """


@runtime_checkable
class TextModel(Protocol):
    """Texts become vectors. Made with `device` and `threads`."""

    dimensions: int
    """Length of a vector."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (n, dimensions), of any length; zeros for a text that says nothing."""


@runtime_checkable
class FusionModel(Protocol):
    """Text and picture vectors become joint vectors. Made with `text_dimensions` and `vision_dimensions`."""

    dimensions: int
    """Length of a joint vector."""

    def fuse(
        self, text: NDArray[np.float32], vision: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Fuse pairs of vectors.

        Args:
            text: (n, text_dimensions) of unit length; zeros where nothing is said or written.
            vision: (n, vision_dimensions) of unit length; zeros where there is no picture.

        Returns:
            Joint vectors (n, dimensions), of any length; and (n, 2), how much text and picture counted, 0 to 1.
        """
