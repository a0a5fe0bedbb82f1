"""Detecting blank frames, and changes between frames that could be text."""

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.vision.networks import Image

# Measured on encoded slides with text of 14 to 28 px: a full stop that becomes a comma differs by 56 or more (9 if the
# text is only 40 grey levels darker than its background), while still frames differ by 2 at most. If strong compression
# makes more noise than this, a frame is read again needlessly, which costs time but loses no text.
CHANGED_LEVELS = 8
_NEIGHBOURHOOD_PX = 3
# Text needs an edge. Contrast below this is invisible to people and models.
_VISIBLE_LEVELS = 16


def grey(image: Image) -> NDArray[np.uint8]:
    """Return the brightness of an RGB image, uint8 (height, width)."""
    brightness: NDArray[np.uint8] = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return brightness


def changed(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> bool:
    """Return whether two images differ anywhere by more than compression noise.

    Args:
        before: uint8 (height, width) or (height, width, 3). In an RGB image a change of colour alone counts, too.
        after: The same. Another size counts as a change.
    """
    if before.shape != after.shape:
        return True
    difference = cv2.blur(cv2.absdiff(before, after), (_NEIGHBOURHOOD_PX, _NEIGHBOURHOOD_PX))
    return int(difference.max()) > CHANGED_LEVELS


def blank(image: NDArray[np.uint8]) -> bool:
    """Return whether a grey image is too even to contain text."""
    low, high, _, _ = cv2.minMaxLoc(cv2.blur(image, (_NEIGHBOURHOOD_PX, _NEIGHBOURHOOD_PX)))
    return bool(high - low < _VISIBLE_LEVELS)


def featureless(image: Image) -> bool:
    """Return whether an RGB image is a single grey, black or white, as after a fade-out."""
    sample = image[::8, ::8]
    if int(sample.max()) - int(sample.min()) >= 2 * _VISIBLE_LEVELS:
        return False
    smooth = cv2.blur(image, (_NEIGHBOURHOOD_PX, _NEIGHBOURHOOD_PX))
    return int(smooth.max()) - int(smooth.min()) < _VISIBLE_LEVELS
