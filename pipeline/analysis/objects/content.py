"""The part of a frame that shows the world: not black bars, and nothing of slides, drawings and blank frames."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.vision import Image, featureless
from schemas.records import TextLine

_BLACK = 24
"""Grey levels below this are black: bars of broadcast video have 16, and compression adds some noise."""
_MIN_BAR = 0.02
"""Bars narrower than this share of the frame cost no resolution."""
_MIN_KEPT = 0.25
"""A frame of which less than this share would be left is a dark one, without bars."""

# Measured on the keyframes of 31 videos: slides and drawings have at least 0.86 of their pixels in flat areas, and
# camera footage at most 0.77, apart from skies. A sky has no level that covers half of it, and no lines of text.
_FLAT_LEVELS = 2
_MIN_DRAWN = 0.85
_COMMON_LEVELS = 3
_MIN_COMMON = 0.5
_MIN_LINES = 2


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """The part of a frame within its black bars."""

    image: Image
    left: float
    """Where it begins, as a fraction of the frame's width."""
    top: float
    width: float
    height: float

    def in_frame(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Turn boxes, (n, 4), from fractions of this part into fractions of the frame."""
        size = np.array([self.width, self.height] * 2, dtype=np.float32)
        return boxes * size + np.array([self.left, self.top] * 2, dtype=np.float32)


def natural_content(image: Image, lines: Sequence[TextLine]) -> Content | None:
    """Return the part of a frame in which to look for objects; None for slides, drawings and blank frames.

    Args:
        image: uint8 (height, width, 3) RGB.
        lines: Its on-screen text.
    """
    if featureless(image):
        return None
    content = within_bars(image)
    return None if is_drawn(content.image, lines) else content


def within_bars(image: Image) -> Content:
    """Return a frame without the black bars of a film or of an older television picture."""
    brightness = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    height, width = brightness.shape
    top, bottom = _lit(brightness.max(axis=1))
    left, right = _lit(brightness.max(axis=0))
    if (right - left) * (bottom - top) < _MIN_KEPT * width * height:
        return Content(image, 0.0, 0.0, 1.0, 1.0)
    return Content(
        image[top:bottom, left:right],
        left / width,
        top / height,
        (right - left) / width,
        (bottom - top) / height,
    )


def is_drawn(image: Image, lines: Sequence[TextLine]) -> bool:
    """Return whether an image was drawn, such as a slide: it is flat, and has one background or lines of text."""
    brightness = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    kernel = np.ones((3, 3), np.uint8)
    flat = cv2.subtract(cv2.dilate(brightness, kernel), cv2.erode(brightness, kernel)) <= _FLAT_LEVELS
    if flat.mean() < _MIN_DRAWN:
        return False
    counts = np.bincount(brightness.ravel(), minlength=256)
    # Nights are black, too, and no drawings.
    common = np.sort(counts[_BLACK:])[-_COMMON_LEVELS:].sum() / brightness.size
    return bool(common >= _MIN_COMMON) or len(lines) >= _MIN_LINES


def _lit(peaks: NDArray[np.uint8]) -> tuple[int, int]:
    """Return the first and the last row or column that is not black; all if the bars are narrow or everything is."""
    lit = np.flatnonzero(peaks >= _BLACK)
    if not len(lit):
        return 0, len(peaks)
    first, last = int(lit[0]), int(lit[-1]) + 1
    margin = _MIN_BAR * len(peaks)
    return (first if first > margin else 0), (last if len(peaks) - last > margin else len(peaks))
