"""The interfaces that plug-in models implement, one per role; see docs/plug-a-model.md.

Inputs and outputs are batches of plain NumPy arrays. Members may be attributes or properties. Each worker makes one
instance and calls it from one thread at a time.
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from schemas.entities import EntityKind


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
class ObjectModel(Protocol):
    """Finds objects in frames. Made with `device` and `threads`."""

    label_names: Sequence[str]
    """Name of each class."""

    def detect(
        self, images: Sequence[NDArray[np.uint8]]
    ) -> Sequence[tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.integer]]]:
        """Detect objects. Of boxes that overlap, the best is kept, and those below `objects.min_score` are dropped.

        Args:
            images: uint8 (height, width, 3) RGB each, of any sizes, without black bars.

        Returns:
            For each image, boxes (n, 4) as x0, y0, x1, y1 in fractions of its width and height; scores (n,), 0 to 1;
            and the number of each one's class in `label_names`, (n,) integers.
        """


@runtime_checkable
class SoundModel(Protocol):
    """Scores windows of audio by what is heard. Made with `device` and `threads`."""

    label_names: Sequence[str]
    """Name of each class."""
    window_s: float
    """Seconds of a window, from 0.4 to 60. Each quarter of a window gets the mean of the windows that hear it."""

    def score(self, windows: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return probabilities (n, len(label_names)). Sounds may happen together.

        Args:
            windows: float32 each, in [-1, 1]: `window_s` of audio at 16 kHz. A short track is padded with silence.
        """


@runtime_checkable
class NameModel(Protocol):
    """Finds names in texts. Made with `device` and `threads`."""

    def recognize(
        self, texts: Sequence[str], languages: Sequence[str]
    ) -> Sequence[Sequence[tuple[int, int, EntityKind, float]]]:
        """Find names. Of names that overlap, the best is kept, and those below `entities.min_score` are dropped.

        Args:
            texts: What is said or written: a sentence, a line or a cue of subtitles each.
            languages: The language of each, ISO 639-1.

        Returns:
            For each text, its names: the first character, the one after the last, the kind (`person`, `place`,
            `organisation`, `date` or `work`) and a score, 0 to 1.
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
