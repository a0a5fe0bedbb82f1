"""The packets of a file on one clock. Analysis and clips share it, so that both mean the same by a time."""

import logging
import math
from collections.abc import Callable, Iterator
from typing import Any, cast

import av
from av import Packet
from av.container import InputContainer

from pipeline.analysis.media.sources import read_packets
from pipeline.analysis.media.timeline import Clock

logger = logging.getLogger(__name__)

_FAR_S = 10.0
_MAX_HELD_PACKETS = 500
_CLOCK_MAY_RESTART = cast("int", av.format.Flags.ts_discont.value)


def clock_of(container: InputContainer, warn: Callable[[str], None]) -> Clock:
    """Return the clock of a file, for its packets from the first one on."""
    restarts = bool(container.format.flags & _CLOCK_MAY_RESTART)
    return Clock(restarts=restarts, start_s=start_of(container), warn=warn)


def start_of(container: InputContainer) -> float:
    """Return the timestamp of the start of a file in seconds; times in the lake count from here."""
    return (container.start_time or 0) / av.time_base


def clocked_packets(
    container: InputContainer,
    streams: Any,  # noqa: ANN401 - PyAV streams
    clock: Clock,
    warn: Callable[[str], None],
    subtitle: Callable[[Any, float], None] = lambda _packet, _offset_s: None,
) -> Iterator[Any]:
    """Read all packets of some streams, with wrong timestamps removed and jumps of the clock joined.

    Args:
        container: The file.
        streams: Streams of video, audio and subtitles.
        clock: The clock of the file.
        warn: Called with a message for each repair.
        subtitle: Called with each packet of subtitles, and the seconds to add to its time. These packets are sparse
            and may come far from their time, so they do not move the clock.
    """

    def without_subtitles() -> Iterator[Any]:
        for packet in read_packets(container, streams):
            if packet.stream.type != "subtitle":
                yield packet
            elif packet.pts is not None:
                subtitle(packet, clock.offset_near(float(packet.pts * packet.time_base)))

    for packet in confirmed_packets(without_subtitles(), warn):
        if packet.size or packet.dts is None:  # an empty packet repeats a frame, but it would end the decoder
            _shift(packet, clock)
            yield packet


def packets_from(
    container: InputContainer,
    streams: Any,  # noqa: ANN401 - PyAV streams
    start_s: float,
    *,
    continuous: bool,
) -> Iterator[Any]:
    """Read packets from a position before a time. Their timestamps are times of the lake, from the start of the video.

    Args:
        container: The file, just opened.
        streams: The streams to read.
        start_s: Seconds from the start of the video.
        continuous: Whether all packets have timestamps, of a clock that never jumps. Otherwise the file is read from
            its first packet on, because only the packets before a packet tell its time.
    """
    origin_s = start_of(container)
    if start_s <= 0 or not continuous:
        packets = clocked_packets(container, streams, clock_of(container, logger.info), logger.info)
    else:
        container.seek(round((start_s + origin_s) * av.time_base), backward=True)
        packets = read_packets(container, streams)
    for packet in packets:
        _move(packet, -origin_s)
        yield packet


def confirmed_packets(packets: Iterator[Any], warn: Callable[[str], None]) -> Iterator[Any]:
    """Drop the timestamps of a packet far ahead of all others if the next packet of its stream is not there, too."""
    end_s = math.inf
    held: list[Any] = []
    for packet in packets:
        time_s = None if packet.dts is None else float(packet.dts * packet.time_base)
        if held:
            held.append(packet)
            if time_s is not None and packet.stream_index == held[0].stream_index:
                if time_s < end_s + _FAR_S:
                    held[0].dts = held[0].pts = None
                    warn("Frames with a wrong timestamp were placed after the previous frame.")
                else:
                    end_s = time_s
            elif len(held) < _MAX_HELD_PACKETS:
                continue
            yield from held
            held = []
        elif time_s is not None and time_s > end_s + _FAR_S:
            held = [packet]
        else:
            if time_s is not None:
                end_s = time_s if end_s == math.inf else max(end_s, time_s)
            yield packet
    yield from held


def _shift(packet: "Packet[Any]", clock: Clock) -> None:
    """Move the timestamps of a packet onto the repaired clock."""
    dts, pts, base = packet.dts, packet.pts, float(packet.time_base or 0)
    if not base:
        return
    if dts is not None and pts is not None and clock.is_wrong(dts * base, pts * base):
        packet.pts = pts = dts
    offset_s = clock.offset_s(
        packet.stream_index,
        None if dts is None else dts * base,
        None if pts is None else pts * base,
        (packet.duration or 0) * base,
    )
    if offset_s:
        _move(packet, offset_s)


def _move(packet: "Packet[Any]", by_s: float) -> None:
    ticks = round(by_s / packet.time_base) if packet.time_base else 0
    packet.dts = None if packet.dts is None else packet.dts + ticks
    packet.pts = None if packet.pts is None else packet.pts + ticks
