"""Find changes of still images, such as a new slide, line or title, which TransNetV2 does not detect.

Ten frames a second are sampled. At each moment, the last second is compared with the next one, leaving out a short
transition between them. A pixel counts if it is still in both and differs between them. A running clock is never still
that long, a moving camera keeps nothing still, and what people and cursors leave behind is small or slow. An object
that moves over a flat background also leaves pixels still before and after it, but it passes them one after another,
while a new slide appears at once.
"""

from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

_INTERVAL_S = 0.1
_STILL = 11
"""Samples for which a pixel must be still before and after; a little more than the second in which a clock ticks."""
_TRANSITION = 5
"""Samples within which the change must be over, including its fade."""
DELAY_S = (_STILL + _TRANSITION + 2) * _INTERVAL_S
"""Seconds between a change and its detection."""

_MAX_STILL_DIFFERENCE = 8
_MIN_CHANGE_DIFFERENCE = 18
_MIN_CHANGED = 0.01
_MIN_STILL = 0.8
_MIN_APART_S = 0.8
_ALL_STILL = 0.95
"""With this share of pixels still, nothing else moves, and even a slide that is wiped in slowly counts."""
_MIN_AT_ONCE = 0.8
"""Otherwise this share of the change must happen within two samples; a steady movement stays under half."""

Grey = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class SlideChange:
    """A change from one still image to another."""

    time_s: float
    """About when the new image first appeared."""
    score: float
    """Share of the image that was still before and after, 0 to 1."""


class SlideDetector:
    """Samples ten frames a second, whatever the frame rate, as grey (81, 144) images."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, Grey]] = deque(maxlen=2 * _STILL + _TRANSITION)
        self._next_s = -np.inf
        self._last_change_s = -np.inf

    def add(self, times_s: NDArray[np.float64], small: NDArray[np.uint8]) -> list[SlideChange]:
        """Add the next frames, (n,) and (n, 81, 144, 3), and return the changes detected by now."""
        changes: list[SlideChange] = []
        for time_s, image in zip(times_s, small, strict=True):
            if time_s < self._next_s:
                continue
            self._repeat_last(float(time_s), changes)
            self._sample(float(time_s), cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), changes)
            self._next_s = time_s + _INTERVAL_S * 0.99
        return changes

    def finish(self) -> list[SlideChange]:
        """Return the changes shortly before the end, as if the last image stayed on screen."""
        changes: list[SlideChange] = []
        if self._samples:
            self._repeat_last(self._samples[-1][0] + (_STILL + _TRANSITION) * _INTERVAL_S, changes)
        return changes

    def _repeat_last(self, until_s: float, changes: list[SlideChange]) -> None:
        """Sample the last image again if it stayed on screen for longer, as with a variable frame rate."""
        if not self._samples:
            return
        last_s, image = self._samples[-1]
        missing = min(int((until_s - last_s) / _INTERVAL_S - 0.5), 2 * _STILL + _TRANSITION)
        for number in range(1, missing + 1):
            self._sample(last_s + number * _INTERVAL_S, image, changes)

    def _sample(self, time_s: float, image: Grey, changes: list[SlideChange]) -> None:
        self._samples.append((time_s, image))
        if len(self._samples) == self._samples.maxlen:
            change = self._compare()
            if change:
                self._last_change_s = change.time_s
                changes.append(change)

    def _compare(self) -> SlideChange | None:
        # Almost always, nothing or too much has changed, so check that first, at the lowest cost.
        _, last_before = self._samples[_STILL - 1]
        _, first_after = self._samples[_STILL + _TRANSITION]
        differs = cv2.absdiff(last_before, first_after) > _MIN_CHANGE_DIFFERENCE
        if np.count_nonzero(differs) < _MIN_CHANGED * differs.size:
            return None
        # What differs between the first and the last sample of a second is not still in it.
        seconds = (self._samples[0][1], last_before), (first_after, self._samples[-1][1])
        unmoved = (np.count_nonzero(cv2.absdiff(*each) <= _MAX_STILL_DIFFERENCE) for each in seconds)
        if min(unmoved) < _MIN_STILL * differs.size:
            return None
        images = np.stack([image for _, image in self._samples])
        before, after = images[:_STILL], images[_STILL + _TRANSITION :]
        still_before = np.ptp(before, axis=0) <= _MAX_STILL_DIFFERENCE
        still_after = np.ptp(after, axis=0) <= _MAX_STILL_DIFFERENCE
        still = float(min(still_before.mean(), still_after.mean()))
        changed = differs & still_before & still_after
        if changed.mean() < _MIN_CHANGED or still < _MIN_STILL:
            return None
        index, at_once = self._moment(images, changed)
        if still < _ALL_STILL and at_once < _MIN_AT_ONCE:
            return None
        time_s = self._samples[index][0]
        return SlideChange(time_s, still) if time_s - self._last_change_s >= _MIN_APART_S else None

    @staticmethod
    def _moment(images: NDArray[np.uint8], changed: NDArray[np.bool_]) -> tuple[int, float]:
        """Return the sample by which most of the change is done, and the largest share within two samples."""
        values = images[_STILL - 1 : _STILL + _TRANSITION + 1, changed].astype(np.float32)
        moved = np.abs(values - values[0])
        done = moved.mean(axis=1)
        index = int(np.argmax(done >= done[-1] / 2))
        shares = np.bincount(np.argmax(moved >= moved[-1] / 2, axis=0), minlength=len(moved)) / moved.shape[1]
        return _STILL - 1 + index, float((shares[:-1] + shares[1:]).max())
