"""Frame times from presentation timestamps, repaired where those are missing or run backwards."""

from collections.abc import Callable
from fractions import Fraction

_BACKWARDS_S = 0.5
"""A larger jump back is a break in the clock (a wrap, a joined recording), not a frame out of order."""
_BEYOND_S = 30.0
"""A timestamp this far beyond the stated duration is also a break."""
_STEP_S = 0.001
_DEFAULT_FPS = 25.0


class Timeline:
    """The clock of one stream.

    Args:
        origin_s: Start of the video on the stream's clock.
        duration_s: Duration that the container states; 0.0 if it states none.
        frame_s: Usual seconds between frames; 0.0 if unknown.
        warn: Called with a message for each repair.
    """

    def __init__(self, *, origin_s: float, duration_s: float, frame_s: float, warn: Callable[[str], None]) -> None:
        self._offset_s = -origin_s
        self._end_s = duration_s + _BEYOND_S if duration_s > 0 else float("inf")
        self._frame_s = frame_s if frame_s > 0 else 1 / _DEFAULT_FPS
        self._warn = warn
        self._last_s: float | None = None

    def time_of(self, pts: int | None, time_base: Fraction | None) -> float:
        """Return the time of the next frame in seconds from the start, strictly after the previous frame."""
        last_s = self._last_s
        due_s = 0.0 if last_s is None else last_s + self._frame_s
        if pts is None or time_base is None:
            self._warn("Frames without a timestamp were placed after the previous frame.")
            time_s = due_s
        else:
            stated_s = float(pts * time_base)
            time_s = stated_s + self._offset_s
            if self._is_break(time_s):
                self._warn("The clock of the file jumps; the parts were joined.")
                self._offset_s = due_s - stated_s
                time_s = due_s
        if last_s is None:
            time_s = max(0.0, time_s)
        elif time_s <= last_s:
            self._warn("Frames with a timestamp out of order were placed after the previous frame.")
            time_s = last_s + _STEP_S
        self._last_s = time_s
        return time_s

    def _is_break(self, time_s: float) -> bool:
        if time_s > self._end_s:
            return True
        return self._last_s is not None and time_s < self._last_s - _BACKWARDS_S
