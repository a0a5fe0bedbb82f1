"""Finds changes of still pictures: a new slide, a line that appears, a title; TransNetV2 takes these for nothing.

At each moment the picture of the last second is set against that of the second to come, with a short while between
them in which the change happens. A pixel counts that rests in both and differs. A running clock never rests so long, a
camera lets nothing rest, and what people and cursors leave behind is small or slow. What moves over a flat ground also
lets pixels rest before and after; but it passes them one after another, and a new slide is there at once.
"""

from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

_EVERY_S = 0.1
_REST = 11
"""Looks that a pixel must rest before, and after; a little more than the second in which a clock ticks."""
_CHANGE = 5
"""Looks in which the change must be over, with its fade."""
DELAY_S = (_REST + _CHANGE + 2) * _EVERY_S
"""A change is known so long after it happened."""

_SAME = 8
_DIFFERENT = 18
_MIN_CHANGED = 0.01
_MIN_RESTING = 0.8
_QUIET_S = 0.8
_ALL_RESTS = 0.95
"""Where so much rests, nothing moves, and a slide may also be wiped in."""
_AT_ONCE = 0.8
"""Else so much of the change must happen within two looks; of an even movement, less than half does."""

Grey = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class SlideChange:
    """A still picture that became another."""

    time_s: float
    """About when the new picture was first shown."""
    score: float
    """How much of the picture rested before and after, 0 to 1."""


class SlideFinder:
    """Looks at ten pictures a second, whatever the frame rate; in grey, (81, 144)."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, Grey]] = deque(maxlen=2 * _REST + _CHANGE)
        self._next_s = -np.inf
        self._last_change_s = -np.inf

    def add(self, times_s: NDArray[np.float64], small: NDArray[np.uint8]) -> list[SlideChange]:
        """Take the next frames, (n,) and (n, 81, 144, 3), and return the changes that have become known."""
        changes: list[SlideChange] = []
        for time_s, picture in zip(times_s, small, strict=True):
            if time_s < self._next_s:
                continue
            self._hold(float(time_s), changes)
            self._look(float(time_s), cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), changes)
            self._next_s = time_s + _EVERY_S * 0.99
        return changes

    def finish(self) -> list[SlideChange]:
        """Return the changes shortly before the end, as if its last picture went on."""
        changes: list[SlideChange] = []
        if self._looks:
            self._hold(self._looks[-1][0] + (_REST + _CHANGE) * _EVERY_S, changes)
        return changes

    def _hold(self, until_s: float, changes: list[SlideChange]) -> None:
        """Look again at a picture that was shown for longer than a look, as in videos of variable frame rate."""
        if not self._looks:
            return
        last_s, picture = self._looks[-1]
        missing = min(int((until_s - last_s) / _EVERY_S - 0.5), 2 * _REST + _CHANGE)
        for number in range(1, missing + 1):
            self._look(last_s + number * _EVERY_S, picture, changes)

    def _look(self, time_s: float, picture: Grey, changes: list[SlideChange]) -> None:
        self._looks.append((time_s, picture))
        if len(self._looks) == self._looks.maxlen:
            change = self._compare()
            if change:
                self._last_change_s = change.time_s
                changes.append(change)

    def _compare(self) -> SlideChange | None:
        pictures = np.stack([picture for _, picture in self._looks])
        # Almost always nothing has changed: ask that first, where it costs least.
        rough = cv2.absdiff(pictures[_REST - 1], pictures[_REST + _CHANGE]) > _DIFFERENT
        if rough.mean() < _MIN_CHANGED:
            return None
        before, after = pictures[:_REST], pictures[_REST + _CHANGE :]
        rests_before = np.ptp(before, axis=0) <= _SAME
        rests_after = np.ptp(after, axis=0) <= _SAME
        resting = float(min(rests_before.mean(), rests_after.mean()))
        changed = rough & rests_before & rests_after
        if changed.mean() < _MIN_CHANGED or resting < _MIN_RESTING:
            return None
        place, at_once = self._moment(pictures, changed)
        if resting < _ALL_RESTS and at_once < _AT_ONCE:
            return None
        time_s = self._looks[place][0]
        return SlideChange(time_s, resting) if time_s - self._last_change_s >= _QUIET_S else None

    @staticmethod
    def _moment(pictures: NDArray[np.uint8], changed: NDArray[np.bool_]) -> tuple[int, float]:
        """Return the look at which most of the change has happened, and the most that happens within two looks."""
        values = pictures[_REST - 1 : _REST + _CHANGE + 1, changed].astype(np.float32)
        moved = np.abs(values - values[0])
        done = moved.mean(axis=1)
        place = int(np.argmax(done >= done[-1] / 2))
        shares = np.bincount(np.argmax(moved >= moved[-1] / 2, axis=0), minlength=len(moved)) / moved.shape[1]
        return _REST - 1 + place, float((shares[:-1] + shares[1:]).max())
