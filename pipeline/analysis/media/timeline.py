"""One timeline for a file: jumps of its clock are undone, and missing or disordered timestamps are repaired."""

import math
from collections.abc import Callable
from fractions import Fraction

_BACKWARDS_S = 0.5
"""A larger jump back is a break in the clock (a wrap, a joined recording), not a packet out of order."""
_AHEAD_S = 30 * 3600.0
"""A larger jump ahead is also a break. FFmpeg has the same limit."""
_RESTARTING_BACKWARDS_S = 0.1
_RESTARTING_AHEAD_S = 10.0
"""The limits that FFmpeg has for formats whose clock may restart, such as MPEG transport streams and Ogg."""
_MAX_PACKET_S = 1.0
_MAX_LATE_S = 1.0
"""Streams are interleaved: packets of a part follow the start of the next one for so long."""
_MAX_REORDERING_S = 5.0
_REMEMBERED_PARTS = 8
_STEP_S = 0.001
_DEFAULT_FPS = 25.0


class Clock:
    """The clock of a file, from the timestamps of its packets.

    A break ends a part of the file and starts another one. A part has one offset for all streams, so they stay in
    sync. Each stream enters a part with its own first packet there, because streams are not interleaved exactly.

    Args:
        restarts: Whether the format allows the clock to restart.
        start_s: Where the clock starts, if that is known.
        warn: Called with a message for each repair.
    """

    def __init__(self, *, restarts: bool, start_s: float | None = None, warn: Callable[[str], None]) -> None:
        self._ahead_s = _RESTARTING_AHEAD_S if restarts else _AHEAD_S
        self._backwards_s = _RESTARTING_BACKWARDS_S if restarts else _BACKWARDS_S
        self._warn = warn
        self._offsets_s = [0.0]
        self._starts_s = [-math.inf]
        """Where each part starts on the repaired clock."""
        self._part: dict[int, int] = {}
        self._last_s: dict[int, float] = {}
        """Decoding time of the last packet of each stream, on the repaired clock."""
        self._delay_s: dict[int, float] = {}
        """From decoding to presentation of the first packet of each stream in its part."""
        self._step_s: dict[int, float] = {}
        """Seconds between its last two packets."""
        self._end_s = start_s
        """Where the next part would start, on the repaired clock: after the last packet of any stream in decoding
        order, as in FFmpeg. Frames whose neighbours a cut removed are presented later."""
        self._may_move_s = 0.0
        """By how much the newest part may still move."""
        self.moved_streams = 0
        """How often a stream was moved by itself, before its packets came here."""

    @property
    def jumps(self) -> int:
        """Number of breaks so far, and of streams that were moved."""
        return len(self._offsets_s) - 1 + self.moved_streams

    def offset_s(self, stream: int, dts_s: float | None, pts_s: float | None, duration_s: float = 0.0) -> float:
        """Return the seconds to add to the timestamps of the next packet.

        Args:
            stream: Index of its stream.
            dts_s: Its decoding time. Only this shows breaks, because presentation times are not in order.
            pts_s: Its presentation time.
            duration_s: How long it states that it lasts.
        """
        newest = len(self._offsets_s) - 1
        if dts_s is None:
            return self._offsets_s[self._part.get(stream, newest)]
        shown_s = dts_s if pts_s is None or not 0 < pts_s - dts_s <= _MAX_REORDERING_S else pts_s
        part = self._part_of(stream, dts_s)
        if self._end_s is not None and self._is_break(stream, self._distance_s(stream, dts_s, part)):
            self._warn("The clock of the file jumps; the parts were joined.")
            self._offsets_s.append(self._end_s - shown_s)
            self._starts_s.append(self._end_s)
            self._may_move_s = _MAX_LATE_S
            newest = part = len(self._offsets_s) - 1
        if self._part.get(stream) != part:
            self._part[stream], self._delay_s[stream] = part, shown_s - dts_s
        offset_s = self._offsets_s[part]
        end_s = dts_s + self._delay_s[stream] + offset_s + self._lasts_s(stream, dts_s + offset_s, duration_s)
        self._last_s[stream] = dts_s + offset_s
        late_s = end_s - self._starts_s[newest]
        if part == newest - 1 and late_s > 0:
            # A late packet of the part before: the new part starts after it. But a stream that goes on and on in the
            # part before does not take part in the break.
            self._starts_s[newest] = end_s
            moved_s = min(late_s, self._may_move_s)
            self._may_move_s -= moved_s
            self._offsets_s[newest] += moved_s
        self._end_s = end_s if self._end_s is None else max(self._end_s, end_s)
        return offset_s

    def offset_near(self, time_s: float) -> float | None:
        """Return the seconds to add to a timestamp that says nothing about the clock; None if it is far from all."""
        recent = self._offsets_s[-_REMEMBERED_PARTS:][::-1]
        end_s = self._end_s
        if end_s is None:
            return recent[0]
        nearest_s = min(recent, key=lambda offset_s: abs(time_s + offset_s - end_s))
        return nearest_s if abs(time_s + nearest_s - end_s) <= self._ahead_s else None

    def _part_of(self, stream: int, dts_s: float) -> int:
        """Return the recent part in which a packet is in place; else the newest one, after a gap or before a break."""
        newest = len(self._offsets_s) - 1
        part = self._part.get(stream, newest)
        if part == newest and abs(self._distance_s(stream, dts_s, part)) <= self._backwards_s:
            return part
        recent = range(newest, max(-1, newest - _REMEMBERED_PARTS), -1)
        part = min((*recent, part), key=lambda each: abs(self._distance_s(stream, dts_s, each)))
        return part if abs(self._distance_s(stream, dts_s, part)) <= self._backwards_s else newest

    def _lasts_s(self, stream: int, time_s: float, stated_s: float) -> float:
        """Return how long a packet lasts: as it states, unless its stream has shorter steps."""
        step_s = time_s - self._last_s.get(stream, time_s)
        if 0 < step_s <= _MAX_PACKET_S:
            self._step_s[stream] = step_s
        usual_s = self._step_s.get(stream, min(max(0.0, stated_s), _MAX_PACKET_S))
        return stated_s if 0 < stated_s <= 2 * usual_s else usual_s

    def _distance_s(self, stream: int, dts_s: float, part: int) -> float:
        """Return how far a packet is from where it is due if it belongs to a part: 0.0 if it is in place."""
        time_s = dts_s + self._offsets_s[part]
        if self._end_s is None:
            return 0.0
        end_s = self._end_s if part == len(self._offsets_s) - 1 else self._starts_s[part + 1]
        last_s = self._last_s.get(stream)
        if last_s is None:
            return time_s - end_s
        if time_s + _MAX_PACKET_S >= last_s:
            last_s = min(last_s, end_s)  # it may return to a part after a packet with a wrong timestamp
        if time_s < last_s:
            return time_s - last_s
        return max(0.0, time_s - end_s)  # while another stream goes on, a stream may pause for any time

    def _is_break(self, stream: int, distance_s: float) -> bool:
        backwards_s = self._backwards_s if stream in self._last_s else self._ahead_s
        return distance_s > self._ahead_s or distance_s < -backwards_s


def seconds(ticks: int, time_base: Fraction) -> float:
    """Return `float(ticks * time_base)`, for which Python would reduce a fraction: a tenth of the cost of decoding."""
    return ticks * time_base.numerator / time_base.denominator


def duration_s(duration: int | None, time_base: Fraction | None) -> float:
    """Return how long a frame states that it lasts, in seconds; 0.0 if it does not."""
    return seconds(duration, time_base) if duration and time_base else 0.0


def plausible_s(duration: int | None, time_base: Fraction | None) -> float | None:
    """Return how long a frame states that it lasts, in seconds; None if it does not, or states an absurd duration."""
    stated_s = duration_s(duration, time_base)
    return stated_s if 0 < stated_s <= _MAX_PACKET_S else None


class Timeline:
    """The times of the frames of one stream.

    Args:
        origin_s: Start of the video on the stream's clock.
        frame_s: Usual seconds between frames; 0.0 if unknown.
        warn: Called with a message for each repair.
        frames: How messages name the frames.
    """

    def __init__(
        self, *, origin_s: float = 0.0, frame_s: float = 0.0, warn: Callable[[str], None], frames: str = "Frames"
    ) -> None:
        self._frames = frames
        self._origin_s = origin_s
        self._frame_s = frame_s if 0 < frame_s <= _MAX_PACKET_S else 1 / _DEFAULT_FPS
        self._warn = warn
        self._last_s: float | None = None
        self._due_s = 0.0
        self.stated_s = 0.0
        """Time of the last frame as its timestamp says, even if that is out of order."""

    def time_of(self, pts: int | None, time_base: Fraction | None, frame_s: float | None = None) -> float:
        """Return the time of the next frame in seconds from the start, strictly after the previous frame.

        Args:
            pts: Its presentation time.
            time_base: Unit of `pts`.
            frame_s: How long it lasts, if that is known. The next frame is due then, should it have no timestamp.
        """
        last_s = self._last_s
        time_s = self._due_s if pts is None or time_base is None else seconds(pts, time_base) - self._origin_s
        self.stated_s = time_s
        if last_s is None:
            time_s = max(0.0, time_s)
        elif time_s <= last_s:
            self._warn(f"{self._frames} with a timestamp out of order were placed after the previous frame.")
            time_s = last_s + _STEP_S
        self._last_s = time_s
        self._due_s = time_s + (frame_s or self._frame_s)
        return time_s
