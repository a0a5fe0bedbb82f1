"""Decides, by the frames around it, whether a change is a transition, where they leave no doubt.

The network decides the rest. Within a shot, a picture either returns soon after a change, as after a flash, or has been
moving before it. Across a transition, every frame before differs from every frame after by more than either side moves.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Verdict = Literal["transition", "none", "doubtful"]

SIDE = 6
"""Frames that are compared on either side of an abrupt change."""

_RETURNED = 0.5
"""Below this share of the change itself, the nearest frames on either side show the same picture."""
_APART = 12.0
"""Smallest difference between frames of two shots, as mean absolute difference of pixels."""
_APART_FOR_MOTION = 1.2
"""How much larger it is than the motion on either side."""
_CHANGED = 10.0
"""Smallest change of the median pixel, so that what appears in front of a picture is no cut."""
_OUTSIDE = 0.1
"""Largest share of the change by which values lie outside of those at its two ends. In a dissolve, a fade or a wipe,
each pixel is at one of them or between; where things move, others come into view."""


def judge_abrupt(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> Verdict:
    """Judge a change between two frames.

    Args:
        before: uint8 (n, height, width, 3): the frames up to it, at most `SIDE`.
        after: uint8 (m, height, width, 3): the frames from it on, at most `SIDE`.
    """
    left, right = before.astype(np.int16), after.astype(np.int16)
    across = np.stack([_differences(right, frame) for frame in left])
    nearest, change = across.min(), across[-1, 0]
    if nearest < _RETURNED * change:
        return "none"
    motion = max(_differences(left, left[-1]).max(), _differences(right, right[0]).max())
    changed = np.median(np.abs(left[-1] - right[0]).mean(axis=-1))
    apart = nearest >= _APART and nearest >= _APART_FOR_MOTION * (motion + 1.0)
    return "transition" if apart and changed >= _CHANGED else "doubtful"


def judge_gradual(frames: NDArray[np.uint8]) -> Verdict:
    """Judge a change over several frames: it is none if it is motion.

    Args:
        frames: uint8 (n, height, width, 3), n >= 2: from before the change to after it.
    """
    values = frames.astype(np.int16)
    ends = values[[0, -1]]
    outside = np.maximum(ends.min(axis=0) - values, values - ends.max(axis=0)).clip(min=0).mean(axis=(1, 2, 3))
    change = np.abs(ends[0] - ends[1]).mean()
    return "none" if outside.max() > _OUTSIDE * change else "doubtful"


def _differences(frames: NDArray[np.int16], frame: NDArray[np.int16]) -> NDArray[np.float64]:
    differences: NDArray[np.float64] = np.abs(frames - frame).mean(axis=(1, 2, 3))
    return differences
