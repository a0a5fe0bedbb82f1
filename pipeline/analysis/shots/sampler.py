"""Choose, while frames are decoded, the ones to keep at full size as keyframe candidates."""

import cv2
import numpy as np
from numpy.typing import NDArray

from schemas.config import MediaConfig

_SIZE = (48, 27)
_CHANGED = 8.0
_CALM = 4.0
_SETTLE_S = 0.12
_MAX_SETTLE_S = 0.4


class FrameSampler:
    """Samples at a fixed interval, and again once the image settles after a change, so that every shot gets a frame.

    Args:
        config: `media.sample_interval_s` is the interval.
    """

    def __init__(self, config: MediaConfig) -> None:
        self._interval_s = config.sample_interval_s
        self._due_s = 0.0
        self._last: NDArray[np.uint8] | None = None
        self._kept: NDArray[np.uint8] | None = None
        self._changed_s: float | None = None

    def __call__(self, time_s: float, small: NDArray[np.uint8]) -> bool:
        """Return whether to keep this frame.

        Args:
            time_s: Its time; frames must come in order.
            small: uint8 (81, 144, 3) RGB.
        """
        tiny = cv2.resize(small, _SIZE, interpolation=cv2.INTER_AREA)
        step = _difference(tiny, self._last)
        self._last = tiny
        wanted = time_s >= self._due_s
        if step >= _CHANGED or (self._changed_s is None and _difference(tiny, self._kept) >= 3 * _CHANGED):
            self._changed_s = time_s
        elif self._changed_s is not None:
            settled = step < _CALM and time_s - self._changed_s >= _SETTLE_S
            wanted = wanted or settled or time_s - self._changed_s >= _MAX_SETTLE_S
        if wanted:
            self._kept = tiny
            self._changed_s = None
            self._due_s = max(self._due_s, time_s) + self._interval_s
        return wanted


def _difference(one: NDArray[np.uint8], other: NDArray[np.uint8] | None) -> float:
    """Return the mean absolute difference; 0.0 if there is no other image."""
    return 0.0 if other is None else float(cv2.norm(one, other, cv2.NORM_L1)) / one.size
