"""Chooses, while frames are decoded, which of them are kept large as candidates for keyframes."""

import cv2
import numpy as np
from numpy.typing import NDArray

from schemas.config import MediaConfig

_SIZE = (48, 27)
_CHANGED = 8.0
_CALM = 4.0
_SETTLE_S = 0.12
_LATEST_S = 0.4


class FrameSampler:
    """By the clock, and again once the picture has come to rest after it changed, so that no shot is without one.

    Args:
        config: `media.sample_interval_s` is the clock.
    """

    def __init__(self, config: MediaConfig) -> None:
        self._interval_s = config.sample_interval_s
        self._due_s = 0.0
        self._last: NDArray[np.uint8] | None = None
        self._kept: NDArray[np.uint8] | None = None
        self._changed_s: float | None = None

    def __call__(self, time_s: float, small: NDArray[np.uint8]) -> bool:
        """Tell whether this frame is wanted.

        Args:
            time_s: Its time; frames come in order.
            small: uint8 (81, 144, 3) RGB.
        """
        tiny = cv2.resize(small, _SIZE, interpolation=cv2.INTER_AREA)
        step = _difference(tiny, self._last)
        self._last = tiny
        wanted = time_s >= self._due_s
        if step >= _CHANGED or (self._changed_s is None and _difference(tiny, self._kept) >= 3 * _CHANGED):
            self._changed_s = time_s
        elif self._changed_s is not None:
            rested = step < _CALM and time_s - self._changed_s >= _SETTLE_S
            wanted = wanted or rested or time_s - self._changed_s >= _LATEST_S
        if wanted:
            self._kept = tiny
            self._changed_s = None
            self._due_s = max(self._due_s, time_s) + self._interval_s
        return wanted


def _difference(one: NDArray[np.uint8], other: NDArray[np.uint8] | None) -> float:
    """Return the mean absolute difference; without another picture there is none."""
    return 0.0 if other is None else float(cv2.norm(one, other, cv2.NORM_L1)) / one.size
