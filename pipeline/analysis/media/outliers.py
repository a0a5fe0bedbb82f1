"""Find the wrong timestamps of a damaged file: those that the packets around them contradict."""

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

_TOLERANCE_S = 0.2
_MAX_STEP_S = 10.0
_MIN_ALONE_S = 20.0
"""A stream that jumps ahead by less may have paused."""
_MAX_SKEW_S = 2.0
"""Packets of the same time are so close in a file."""
_MAX_FIRST_S = 3600.0
"""If the first packet of a stream is followed by a longer pause, its timestamp is wrong."""
_MAX_AHEAD_PACKETS = 500
_MAX_AHEAD_BYTES = 32 * 1024 * 1024
_FAR_S = 10.0
"""Presentation and decoding of a packet are nearer to each other."""
_MAX_REORDERED = 16
"""Frames that a codec may reorder."""


@dataclass(slots=True)
class _Last:
    """The last packet of a stream with a right timestamp."""

    time_s: float
    step_s: float = 0.0
    """Its distance from the one before it."""
    moved_s: float = 0.0
    """By how much the stream was moved back."""

    @property
    def tolerance_s(self) -> float:
        """Timestamps that differ by less from where they are due are right."""
        return _TOLERANCE_S + 2 * self.step_s


def without_outliers(packets: Iterator[Any], warn: Callable[[str], None]) -> Iterator[Any]:
    """Remove the timestamps of packets that are far from those before and after them in their stream.

    A stream that pauses, or whose clock starts again, goes on from where it jumped to. Only a damaged timestamp is
    followed by one that continues what was before. At most 500 packets are read ahead to know.

    Args:
        packets: PyAV packets of any streams, in the order of the file.
        warn: Called with a message if a timestamp is removed.
    """
    ahead = _Ahead(packets, max_bytes=_MAX_AHEAD_BYTES)
    streams: dict[int, _Last] = {}
    for packet in ahead:
        last = streams.get(packet.stream_index)
        if last is not None and last.moved_s:
            _move_back(packet, last)
        time_s = _time_s(packet)
        if time_s is not None and (last is None or abs(time_s - last.time_s) > last.tolerance_s):
            for each in _outliers(packet, time_s, last, ahead):
                each.dts = each.pts = None
                warn("Frames with a wrong timestamp were placed after the previous frame.")
            if last is not None and packet.dts is not None and _is_alone(packet, time_s, last, ahead):
                warn("One stream was moved back to the others: its timestamps jump ahead, and theirs do not.")
                last.moved_s += time_s - last.time_s - last.step_s
                _move_back(packet, last)
                time_s = _time_s(packet)
        if time_s is not None and packet.dts is not None:
            step_s = 0.0 if last is None else min(abs(time_s - last.time_s), _MAX_STEP_S)
            streams[packet.stream_index] = _Last(time_s, step_s, last.moved_s if last else 0.0)
        yield packet


def plausible_packets(packets: Iterator[Any], *, restarts: bool) -> Iterator[Any]:
    """Replace presentation times far from the decoding time, unless the decoding times that follow come near them.

    Args:
        packets: The packets.
        restarts: Whether the clock may restart. Then the packet before a jump may have a time from after the jump.
    """
    far: dict[Any, int] = {}
    ahead = _Ahead(packets)
    for packet in ahead:
        if packet.pts is not None and packet.dts is not None:
            limit = far.get(packet.stream) or far.setdefault(packet.stream, round(_FAR_S / packet.time_base))
            early = packet.pts - packet.dts
            wrong = early < -limit or (early > limit and restarts)
            if wrong or (early > limit and not _is_reached(packet.pts - limit, ahead.of_stream(packet.stream_index))):
                packet.pts = packet.dts
        yield packet


def _is_reached(due: int, following: Iterable[Any]) -> bool:
    """Return whether the decoding times of a stream reach a time, as far as the packets that follow can tell."""
    for number, each in enumerate(following):
        if each.dts >= due:
            return True
        if number == _MAX_REORDERED:
            return False
    return True


class _Ahead:
    """Packets, and a view of those that follow.

    Args:
        packets: The packets.
        max_bytes: Of those that are read ahead.
    """

    def __init__(self, packets: Iterator[Any], max_bytes: float = math.inf) -> None:
        self._packets = packets
        self._max_bytes = max_bytes
        self._read: deque[Any] = deque()
        self._read_bytes = 0

    def __iter__(self) -> Iterator[Any]:
        while True:
            if self._read:
                packet = self._read.popleft()
                self._read_bytes -= packet.size
            else:
                packet = next(self._packets, None)
                if packet is None:
                    return
            yield packet

    def of_stream(self, stream_index: int) -> Iterator[Any]:
        """Yield the following packets of a stream that have a timestamp."""
        return (each for each in self.following() if each.stream_index == stream_index and each.dts is not None)

    def following(self) -> Iterator[Any]:
        yield from tuple(self._read)
        while len(self._read) < _MAX_AHEAD_PACKETS and self._read_bytes < self._max_bytes:
            packet = next(self._packets, None)
            if packet is None:
                return
            self._read.append(packet)
            self._read_bytes += packet.size
            yield packet


def _outliers(packet: Any, time_s: float, last: _Last | None, ahead: _Ahead) -> list[Any]:  # noqa: ANN401
    """Return the packets with a wrong timestamp, from this one on; none if its timestamp is right."""
    following = ahead.of_stream(packet.stream_index)
    if last is None:
        return [packet] if _starts_elsewhere(time_s, following) else []
    if time_s < last.time_s:
        after_s = _time_s(next(following, None))
        return [packet] if after_s is not None and after_s > last.time_s - _TOLERANCE_S else []
    wrong, end_s = [packet], time_s
    for each in following:
        after_s = float(each.dts * each.time_base)
        if after_s < time_s - _TOLERANCE_S:
            # Where the clock starts again, it does not start where the stream would be without the jump.
            due_s = last.time_s + (end_s - time_s)
            return wrong if abs(after_s - due_s) <= last.tolerance_s else []
        wrong.append(each)
        end_s = after_s
    return []


def _is_alone(packet: Any, time_s: float, last: _Last, ahead: _Ahead) -> bool:  # noqa: ANN401
    """Return whether a packet jumps ahead, while another stream goes on as before. Files are interleaved by time."""
    if time_s < last.time_s + _MIN_ALONE_S:
        return False
    low_s, high_s = last.time_s + _MAX_SKEW_S, time_s - _MIN_ALONE_S / 2
    jumped = {packet.stream_index}
    for each in ahead.following():
        other_s = _time_s(each)
        if other_s is None or each.stream_index in jumped:
            continue
        if low_s < other_s < high_s:
            return True
        if other_s >= high_s or other_s < last.time_s - _MIN_ALONE_S:
            jumped.add(each.stream_index)
    return False


def _move_back(packet: Any, last: _Last) -> None:  # noqa: ANN401
    """Move a packet of a stream that jumped ahead, unless the stream has returned by itself."""
    time_s = _time_s(packet)
    if time_s is None:
        return
    if abs(time_s - last.time_s) < abs(time_s - last.moved_s - last.time_s):
        last.moved_s = 0.0
        return
    move(packet, -last.moved_s)


def move(packet: Any, by_s: float) -> None:  # noqa: ANN401 - a PyAV packet of any kind
    """Add seconds to the timestamps of a packet."""
    ticks = round(by_s / packet.time_base) if packet.time_base else 0
    packet.dts = None if packet.dts is None else packet.dts + ticks
    packet.pts = None if packet.pts is None else packet.pts + ticks


def _starts_elsewhere(time_s: float, following: Iterable[Any]) -> bool:
    """Return whether the second and the third packet of a stream say that it starts elsewhere than the first."""
    second_s, third_s = ([_time_s(each) for each, _ in zip(following, range(2), strict=False)] + [None] * 2)[:2]
    if second_s is None or third_s is None or abs(third_s - second_s) > _MAX_STEP_S:
        return False
    return not time_s - _TOLERANCE_S <= second_s <= time_s + _MAX_FIRST_S


def _time_s(packet: Any) -> float | None:  # noqa: ANN401 - a PyAV packet of any kind
    return None if packet is None or packet.dts is None else float(packet.dts * packet.time_base)
