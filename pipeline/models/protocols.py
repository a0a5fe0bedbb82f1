"""The interfaces that plug-in models implement, one per role; see docs/plug-a-model.md.

Inputs and outputs are batches of plain NumPy arrays. Members may be attributes or properties. Each worker makes one
instance and calls it from one thread at a time.
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray


@runtime_checkable
class VisionModel(Protocol):
    """Turns frames into vectors and, optionally, labels. Made with `device` and `threads`."""

    dimensions: int
    """Length of an embedding."""
    label_names: Sequence[str]
    """Name of each class; empty for a model without labels."""

    def encode(self, images: Sequence[NDArray[np.uint8]]) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """Encode frames.

        Args:
            images: uint8 (height, width, 3) RGB each, of any sizes.

        Returns:
            Embeddings (n, dimensions), of any length; probabilities (n, len(label_names)), or None without labels.
        """


@runtime_checkable
class CaptionModel(Protocol):
    """Turns frames into sentences. Made with `device` and `threads`."""

    def caption(self, images: Sequence[NDArray[np.uint8]]) -> Sequence[str]:
        """Return a sentence for each frame, or an empty string.

        Args:
            images: uint8 (height, width, 3) RGB each, of any sizes.
        """


@runtime_checkable
class SpeakerModel(Protocol):
    """Turns speech into vectors that are similar if the same person speaks. Made with `device` and `threads`."""

    def encode(self, windows: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return (n, d), of any length.

        Args:
            windows: (24000,) float32 each, in [-1, 1]: 1.5 s of speech at 16 kHz.
        """


@runtime_checkable
class TextModel(Protocol):
    """Turns texts into vectors. Made with `device` and `threads`."""

    dimensions: int
    """Length of a vector."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (n, dimensions), of any length; zeros for a text without content."""


@runtime_checkable
class FusionModel(Protocol):
    """Fuses text and image vectors into joint vectors. Made with `text_dimensions` and `vision_dimensions`."""

    dimensions: int
    """Length of a joint vector."""

    def fuse(
        self, text: NDArray[np.float32], vision: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Fuse pairs of vectors.

        Args:
            text: (n, text_dimensions) of unit length; zeros if there is no speech or on-screen text.
            vision: (n, vision_dimensions) of unit length; zeros if there is no image.

        Returns:
            Joint vectors (n, dimensions), of any length; and (n, 2), the weights of text and image, 0 to 1.
        """
