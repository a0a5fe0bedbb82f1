"""Frames per second, measured from the times of the frames."""

from collections import Counter, defaultdict

import numpy as np
from numpy.typing import NDArray

_BIN_S = 1e-4
_LONGEST_S = 10.0
"""Longer intervals are counted together, which bounds memory."""
_JITTER_S = 0.002
"""Containers that count milliseconds move each frame by up to one."""
_JITTER_SHARE = 0.05
_MAX_REORDERED = 16
"""Frames that codecs may put in another order."""
_FEWEST_TICKS = 2.5
_VARYING_SHARE = 0.01


class FrameRate:
    """Measures a frame rate, frame by frame, in bounded memory.

    Args:
        tick_s: Seconds of one unit of the stream's timestamps.
    """

    def __init__(self, tick_s: float = 0.0) -> None:
        self._tick_s = tick_s
        self._counts: Counter[int] = Counter()
        self._sums_s: dict[int, float] = defaultdict(float)
        self._last_s: float | None = None
        self._pending = np.zeros(0)

    def add(self, times_s: NDArray[np.float64]) -> None:
        """Add the stated times of further frames, (n,). Some may be out of order by a few frames."""
        self._pending = np.sort(np.concatenate([self._pending, times_s]))
        self._count(self._pending[:-_MAX_REORDERED])
        self._pending = self._pending[-_MAX_REORDERED:]

    def _count(self, times_s: NDArray[np.float64]) -> None:
        if not times_s.size:
            return
        before = times_s[:0] if self._last_s is None else np.array([self._last_s])
        self._last_s = float(times_s[-1])
        intervals_s = np.maximum(0.0, np.diff(np.concatenate([before, times_s])))
        bins, of_interval = np.unique(np.rint(np.minimum(intervals_s, _LONGEST_S) / _BIN_S), return_inverse=True)
        counts, sums_s = np.bincount(of_interval), np.bincount(of_interval, intervals_s)
        for interval, count, sum_s in zip(bins.astype(int).tolist(), counts.tolist(), sums_s.tolist(), strict=True):
            self._counts[interval] += count
            self._sums_s[interval] += sum_s

    def measure(self, stated_fps: float) -> tuple[float, bool]:
        """Return the frames per second, and whether they vary.

        A rate varies if more than one interval in a hundred differs from the usual one by more than the rounding of
        timestamps explains. So neither a lost packet nor the jitter of a container makes a rate vary.

        Args:
            stated_fps: The rate that the file states, which is returned if the times agree with it.

        Returns:
            The rate of the usual interval; the average if it varies; `stated_fps` with fewer than two frames.
        """
        self._count(self._pending)
        self._pending = self._pending[:0]
        total = sum(self._counts.values())
        if not any(self._sums_s.values()):
            return stated_fps, False
        usual_s = self._median() * _BIN_S
        tick_s = self._tick_s if self._tick_s * _FEWEST_TICKS <= usual_s else 0.0
        allowed = max(_JITTER_S, _JITTER_SHARE * usual_s, tick_s) / _BIN_S
        usual = [each for each in self._counts if abs(each - usual_s / _BIN_S) <= allowed]
        count = sum(self._counts[each] for each in usual)
        varies = total - count > max(1.0, _VARYING_SHARE * total)
        if varies:
            return round(total / sum(self._sums_s.values()), 3), True
        length_s = sum(self._sums_s[each] for each in usual)
        if not length_s or abs(stated_fps * length_s / count - 1) <= _JITTER_S / length_s:
            return stated_fps, False
        return round(count / length_s, 3), False

    def _median(self) -> int:
        left = sum(self._counts.values()) / 2
        for interval in sorted(self._counts):
            left -= self._counts[interval]
            if left <= 0:
                return interval
        raise AssertionError
