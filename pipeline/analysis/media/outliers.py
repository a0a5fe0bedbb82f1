"""Find the wrong timestamps of a damaged file: those that the packets around them contradict."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.analysis.media.look_ahead import Ahead, move, time_of
from pipeline.analysis.media.timeline import seconds

_TOLERANCE_S = 0.2
_MAX_STEP_S = 10.0
_MIN_ALONE_S = 20.0
"""A stream that jumps ahead by less may have paused."""
_MAX_SKEW_S = 2.0
"""Packets of the same time are so close in a file."""
_MAX_FIRST_S = 3600.0
"""If the first packet of a stream is followed by a longer pause, its timestamp is wrong."""
_MAX_AHEAD_BYTES = 32 * 1024 * 1024
_DENSE_S = 1.0
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
    start_s: float = 0.0
    """Time of the first packet of the stream."""

    @property
    def tolerance_s(self) -> float:
        """Timestamps that differ by less from where they are due are right."""
        return _TOLERANCE_S + 2 * self.step_s


def without_outliers(
    packets: Iterator[Any], warn: Callable[[str], None], moved: Callable[[str], None], *, start_s: float
) -> Iterator[Any]:
    """Remove the timestamps of packets that are far from those before and after them in their stream.

    A stream that pauses, or whose clock starts again, goes on from where it jumped to. Only a damaged timestamp is
    followed by one that continues what was before. At most 500 packets are read ahead to know.

    Args:
        packets: PyAV packets of any streams, in the order of the file.
        warn: Called with a message if a timestamp is removed.
        moved: Called with a message if a stream is moved.
        start_s: Start of the file on its clock.
    """
    ahead = Ahead(packets, max_bytes=_MAX_AHEAD_BYTES)
    streams: dict[int, _Last] = {}
    for packet in ahead:
        last = streams.get(packet.stream_index)
        if last is not None and last.moved_s:
            _move_back(packet, last)
        time_s = time_of(packet)
        if time_s is not None and (last is None or abs(time_s - last.time_s) > last.tolerance_s):
            for each in _outliers(packet, time_s, last, ahead, start_s):
                each.dts = each.pts = None
                warn("Frames with a wrong timestamp were placed after the previous frame.")
            if last is not None and packet.dts is not None and _is_alone(packet, time_s, streams, ahead):
                moved("One stream was moved back to the others: its timestamps jump ahead, and theirs do not.")
                last.moved_s += time_s - last.time_s - last.step_s
                _move_back(packet, last)
                time_s = time_of(packet)
        if time_s is not None and packet.dts is not None:
            step_s = 0.0 if last is None else min(abs(time_s - last.time_s), _MAX_STEP_S)
            moved_s, first_s = (last.moved_s, last.start_s) if last else (0.0, time_s)
            streams[packet.stream_index] = _Last(time_s, step_s, moved_s, first_s)
        yield packet


def plausible_packets(packets: Iterator[Any], *, restarts: bool) -> Iterator[Any]:
    """Replace presentation times far from the decoding time, unless the decoding times that follow come near them.

    Args:
        packets: The packets.
        restarts: Whether the clock may restart. Then the packet before a jump may have a time from after the jump.
    """
    far: dict[Any, int] = {}
    ahead = Ahead(packets)
    for packet in ahead:
        if packet.pts is not None and packet.dts is not None:
            limit = far.get(packet.stream) or far.setdefault(packet.stream, round(_FAR_S / packet.time_base))
            early = packet.pts - packet.dts
            wrong = early < -limit or (early > limit and restarts)
            if wrong or (early > limit and not _is_reached(packet, packet.pts - limit, ahead)):
                packet.pts = packet.dts
        yield packet


def _is_reached(packet: Any, due: int, ahead: Ahead) -> bool:  # noqa: ANN401
    """Return whether the decoding times of a stream reach a time, as far as the packets that follow can tell.

    At the end of a stream, those of others tell.
    """
    number, others = 0, False
    for each in ahead.following():
        if each.dts is None:
            continue
        if each.stream_index != packet.stream_index:
            others = True
            if seconds(each.dts, each.time_base) >= seconds(due, packet.time_base):
                return True
            continue
        if each.dts >= due:
            return True
        if number == _MAX_REORDERED:
            return False
        number += 1
    return not others


def _outliers(packet: Any, time_s: float, last: _Last | None, ahead: Ahead, start_s: float) -> list[Any]:  # noqa: ANN401
    """Return the packets with a wrong timestamp, from this one on; none if its timestamp is right."""
    following = ahead.of_stream(packet.stream_index)
    if last is None:
        if _starts_elsewhere(time_s, following):
            return [packet]
        if time_s < start_s + _MIN_ALONE_S:
            return []
        last = _Last(start_s)  # it returns to where it would be, had it started with the file
    elif time_s < last.time_s:
        after_s = time_of(next(following, None))
        return [packet] if after_s is not None and after_s > last.time_s - _TOLERANCE_S else []
    wrong, end_s = [packet], time_s
    for each in ahead.of_stream(packet.stream_index):
        after_s = seconds(each.dts, each.time_base)
        if after_s < time_s - _TOLERANCE_S:
            # Where the clock starts again, it does not start where the stream would be without the jump: after as long
            # a time, or after as many packets.
            due_s = last.time_s + (end_s - time_s), last.time_s + (len(wrong) + 1) * last.step_s
            return wrong if any(abs(after_s - each_s) <= last.tolerance_s for each_s in due_s) else []
        wrong.append(each)
        end_s = after_s
    return []


def _is_alone(packet: Any, time_s: float, streams: Mapping[int, _Last], ahead: Ahead) -> bool:  # noqa: ANN401
    """Return whether a packet jumps ahead, while another stream goes on as before. Files are interleaved by time."""
    last = streams[packet.stream_index]
    if time_s < last.time_s + _MIN_ALONE_S:
        return False
    low_s, high_s = last.time_s + _MAX_SKEW_S, time_s - _MIN_ALONE_S / 2
    jumped = {packet.stream_index}
    for each in ahead.following():
        other_s = time_of(each)
        if other_s is None or each.stream_index in jumped:
            continue
        if low_s < other_s < high_s:
            return True
        if other_s >= high_s or other_s < last.time_s - _MIN_ALONE_S:
            jumped.add(each.stream_index)
    # Or all others have ended, and the jump is longer than everything before and after it, which is no slide show.
    is_end = ahead.has_ended and len(streams) > 1 and len(jumped) == 1
    end_s = max(each.time_s for each in streams.values())
    return is_end and 0 < last.step_s < _DENSE_S and time_s - end_s > max(end_s - last.start_s, _MIN_ALONE_S)


def _move_back(packet: Any, last: _Last) -> None:  # noqa: ANN401
    """Move a packet of a stream that jumped ahead, unless the stream has returned by itself."""
    time_s = time_of(packet)
    if time_s is None:
        return
    if abs(time_s - last.time_s) < abs(time_s - last.moved_s - last.time_s):
        last.moved_s = 0.0
        return
    move(packet, -last.moved_s)


def _starts_elsewhere(time_s: float, following: Iterable[Any]) -> bool:
    """Return whether the second and the third packet of a stream say that it starts elsewhere than the first."""
    second_s, third_s = ([time_of(each) for each, _ in zip(following, range(2), strict=False)] + [None] * 2)[:2]
    if second_s is None or third_s is None or abs(third_s - second_s) > _MAX_STEP_S:
        return False
    return not time_s - _TOLERANCE_S <= second_s <= time_s + _MAX_FIRST_S
