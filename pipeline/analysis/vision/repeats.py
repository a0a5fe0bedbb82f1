"""Finding frames that show again what an earlier one showed, so that no model needs to see them twice."""

from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.vision.change import CHANGED_LEVELS, changed
from pipeline.analysis.vision.networks import Image

_REMEMBERED = 16
"""Frames that a new one is compared with: a slide, a title or a chart often comes back after others. A frame of
1280 x 720 takes 3 MB."""
_SMALL_PX = 32
"""Side of the small images that are compared first."""


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    index: int
    small: NDArray[np.uint8]
    image: Image


class Repeats:
    """Remembers the frames of one video that the models have seen most recently."""

    def __init__(self) -> None:
        self._seen: deque[_Seen] = deque(maxlen=_REMEMBERED)

    def earlier(self, image: Image, index: int) -> int | None:
        """Return the index of a frame that shows the same; None if there is none, and then remember this one.

        A frame is compared with those that were remembered, not with those that repeat them, so that slow changes add
        up to another frame.

        Args:
            image: uint8 (height, width, 3) RGB. It must not be changed afterwards.
            index: The index of this frame.
        """
        small = cv2.resize(image, (_SMALL_PX, _SMALL_PX), interpolation=cv2.INTER_AREA)
        for seen in reversed(self._seen):
            if _same(small, image, seen):
                # What comes back once may well do so again.
                self._seen.remove(seen)
                self._seen.append(seen)
                return seen.index
        self._seen.append(_Seen(index, small, image))
        return None


def _same(small: NDArray[np.uint8], image: Image, seen: _Seen) -> bool:
    # Cheap, and certain: a mean over an area differs by no more than the pixels that make it do. The doubled limit
    # leaves room for rounding, and for the blur in `changed`.
    if image.shape != seen.image.shape or int(cv2.absdiff(small, seen.small).max()) > 2 * CHANGED_LEVELS:
        return False
    return not changed(seen.image, image)
