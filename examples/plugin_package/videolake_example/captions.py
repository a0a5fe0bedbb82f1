"""A captioner: names the colour that most of a picture has."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from videolake_example.vision import ColourEncoder


class ColourCaptioner:
    """Says which colour a picture has most of.

    Args:
        device: `cpu` or `cuda`.
        threads: Threads it may use.
    """

    licence = "Apache-2.0"

    def __init__(self, *, device: str, threads: int) -> None:
        self._encoder = ColourEncoder(device=device, threads=threads)

    def caption(self, images: Sequence[NDArray[np.uint8]]) -> list[str]:
        """Return a sentence for each picture, uint8 (height, width, 3) RGB."""
        shares, _ = self._encoder.encode(images)
        names = [self._encoder.label_names[place].removeprefix("the colour ") for place in shares.argmax(axis=1)]
        return [f"A picture that is mostly {name}." for name in names]
