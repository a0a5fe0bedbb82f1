"""Decides, by the frames around it, whether a change is a transition, where they leave no doubt.

The network decides the rest, and every gradual change. Within a shot, a picture either returns soon after a change, as
after a flash, or has been moving before it. Across a transition, every frame before differs from every frame after by
more than either side moves.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Verdict = Literal["transition", "none", "doubtful"]

SIDE = 6
"""Frames that are compared on either side of an abrupt change."""

_RETURNED = 0.5
"""Below this share of the change itself, the nearest frames on either side may show the same picture. They do if they
also differ by no more than the calmer side moves: two shots with a white flash between them are often closer to each
other than to the flash."""
_APART = 12.0
"""Smallest clear difference between frames of two shots, as mean absolute difference of pixels."""
_APART_FOR_MOTION = 1.2
"""How much larger it is than the motion on either side."""
_CHANGED = 10.0
"""Smallest change of the median pixel, so that what appears in front of a picture is no cut."""


def judge_abrupt(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> Verdict:
    """Judge a change between two frames.

    Args:
        before: uint8 (n, height, width, 3): the frames up to it, at most `SIDE`.
        after: uint8 (m, height, width, 3): the frames from it on, at most `SIDE`.
    """
    left, right = before.astype(np.int16), after.astype(np.int16)
    across = np.stack([_differences(right, frame) for frame in left])
    nearest, change = across.min(), across[-1, 0]
    motions = _differences(left, left[-1]).max(), _differences(right, right[0]).max()
    calm, motion = (_APART_FOR_MOTION * (each + 1.0) for each in sorted(motions))
    if nearest < _RETURNED * change and nearest < max(_APART, calm):
        return "none"
    changed = np.median(np.abs(left[-1] - right[0]).mean(axis=-1))
    apart = nearest >= max(_APART, motion)
    return "transition" if apart and changed >= _CHANGED else "doubtful"


def _differences(frames: NDArray[np.int16], frame: NDArray[np.int16]) -> NDArray[np.float64]:
    differences: NDArray[np.float64] = np.abs(frames - frame).mean(axis=(1, 2, 3))
    return differences
