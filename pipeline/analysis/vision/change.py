"""Whether anything that could be text changed between two pictures."""

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.vision.networks import Image

# Measured on encoded slides of 14 to 28 px text: a point that becomes a comma differs by 56 or more (9 where the text
# is but 40 grey levels darker than its ground), while pictures that stand still differ by 2 at most. Where strong
# compression makes more noise than this, a picture is read again for nothing, which costs time but no text.
_CHANGED_LEVELS = 8
_NEIGHBOURHOOD_PX = 3
# Text needs an edge; this little contrast is neither seen nor read.
_VISIBLE_LEVELS = 16


def grey(image: Image) -> NDArray[np.uint8]:
    """Return the brightness of an RGB picture, uint8 (height, width)."""
    brightness: NDArray[np.uint8] = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return brightness


def changed(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> bool:
    """Return whether two grey pictures differ anywhere by more than the noise of compression.

    Args:
        before: uint8 (height, width).
        after: uint8; another size is a change.
    """
    if before.shape != after.shape:
        return True
    difference = cv2.blur(cv2.absdiff(before, after), (_NEIGHBOURHOOD_PX, _NEIGHBOURHOOD_PX))
    return int(difference.max()) > _CHANGED_LEVELS


def blank(picture: NDArray[np.uint8]) -> bool:
    """Return whether a grey picture is so even that there can be no text in it."""
    low, high, _, _ = cv2.minMaxLoc(cv2.blur(picture, (_NEIGHBOURHOOD_PX, _NEIGHBOURHOOD_PX)))
    return bool(high - low < _VISIBLE_LEVELS)


def featureless(image: Image) -> bool:
    """Return whether an RGB picture is all of one grey, black and white included, as where a film fades out."""
    sample = image[::8, ::8]
    if int(sample.max()) - int(sample.min()) >= 2 * _VISIBLE_LEVELS:
        return False
    smooth = cv2.blur(image, (_NEIGHBOURHOOD_PX, _NEIGHBOURHOOD_PX))
    return int(smooth.max()) - int(smooth.min()) < _VISIBLE_LEVELS
