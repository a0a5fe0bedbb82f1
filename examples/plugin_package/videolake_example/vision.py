"""A vision encoder: how much of each colour a picture holds."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_COLOURS = {
    "black": (0, 0, 0),
    "white": (255, 255, 255),
    "red": (220, 40, 40),
    "green": (50, 160, 60),
    "blue": (40, 80, 200),
    "yellow": (240, 220, 60),
}
_STEP = 8  # every eighth pixel is enough to tell colours


class ColourEncoder:
    """Counts the pixels nearest to each colour: its embeddings and its probabilities are the shares.

    Args:
        device: `cpu` or `cuda`; arithmetic as small as this ignores it.
        threads: Threads it may use; likewise.
    """

    licence = "Apache-2.0"
    dimensions = len(_COLOURS)
    label_names = tuple(f"the colour {name}" for name in _COLOURS)

    def __init__(self, *, device: str, threads: int) -> None:
        del device, threads
        self._palette = np.array(list(_COLOURS.values()), dtype=np.float32)

    def encode(self, images: Sequence[NDArray[np.uint8]]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return embeddings and probabilities of pictures, both (n, 6).

        Args:
            images: uint8 (height, width, 3) RGB each, of any sizes.
        """
        shares = np.stack([self._shares(image) for image in images])
        return shares, shares

    def _shares(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        pixels = image[::_STEP, ::_STEP].reshape(-1, 3).astype(np.float32)
        distances = ((pixels[:, None] - self._palette[None]) ** 2).sum(axis=2)  # (pixels, colours)
        counts = np.bincount(distances.argmin(axis=1), minlength=len(self._palette))
        return (counts / counts.sum()).astype(np.float32)
