"""The packets of a file on one clock. Analysis and clips share it, so that both mean the same by a time."""

import logging
import re
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import ExitStack
from typing import Any, cast

import av
from av import Packet
from av.container import InputContainer

from pipeline.analysis.media.durations import with_true_durations
from pipeline.analysis.media.look_ahead import move
from pipeline.analysis.media.outliers import plausible_packets, without_outliers
from pipeline.analysis.media.sources import open_bytes, open_media, read_packets
from pipeline.analysis.media.timeline import Clock, seconds
from schemas.errors import MediaError

logger = logging.getLogger(__name__)

_READ_BYTES = 1 << 20
_STREAM_BEGINS = re.compile(rb"OggS\0[\2\3\6\7]")
_OGG_MARK_BYTES = 6
_CLOCK_MAY_RESTART = cast("int", av.format.Flags.ts_discont.value)


def clock_of(container: InputContainer, warn: Callable[[str], None]) -> Clock:
    """Return the clock of a file, for its packets from the first one on."""
    return Clock(restarts=_may_restart(container), start_s=start_of(container), warn=warn)


def start_of(container: InputContainer) -> float:
    """Return the timestamp of the start of a file in seconds; times in the lake count from here."""
    return (container.start_time or 0) / av.time_base


def _may_restart(container: InputContainer) -> bool:
    return bool(container.format.flags & _CLOCK_MAY_RESTART)


def clocked_packets(
    uri: str,
    container: InputContainer,
    streams: Sequence[Any],
    clock: Clock,
    warn: Callable[[str], None],
    *,
    followers: Container[int] = (),
    subtitle: Callable[[Any, float], None] = lambda _packet, _offset_s: None,
) -> Iterator[Any]:
    """Read all packets of some streams, with wrong timestamps removed and jumps of the clock joined.

    Args:
        uri: The file.
        container: The same file, just opened.
        streams: The streams to read.
        clock: The clock of the file.
        warn: Called with a message for each repair.
        followers: Indexes of streams that do not move the clock.
        subtitle: Called with each packet of subtitles, and the seconds to add to its time. These packets are sparse and
            may come far from their time, so they are kept apart.
    """

    def without_subtitles() -> Iterator[Any]:
        for packet in _linked_packets(uri, container, streams):
            if packet.stream.type != "subtitle":
                yield packet
            elif packet.pts is not None:
                offset_s = clock.offset_near(seconds(packet.pts, packet.time_base))
                if offset_s is not None:
                    subtitle(packet, offset_s)

    def moved(message: str) -> None:
        clock.moved_streams += 1
        warn(message)

    lasting = with_true_durations(without_subtitles(), container, moved)
    confirmed = without_outliers(lasting, warn, moved, start_s=start_of(container))
    for packet in plausible_packets(confirmed, restarts=_may_restart(container)):
        if packet.size or packet.dts is None:  # an empty packet repeats a frame, but it would end the decoder
            if packet.stream_index in followers:
                _follow(packet, clock)
            else:
                _shift(packet, clock)
            yield packet


def packets_from(
    uri: str,
    container: InputContainer,
    streams: Sequence[Any],
    start_s: float,
    *,
    continuous: bool,
    followers: Container[int] = (),
) -> Iterator[Any]:
    """Read packets from a position before a time. Their timestamps are times of the lake, from the start of the video.

    Args:
        uri: The file.
        container: The same file, just opened.
        streams: The streams to read.
        start_s: Seconds from the start of the video.
        continuous: Whether all packets have timestamps, of a clock that never jumps. Otherwise the file is read from
            its first packet on, because only the packets before a packet tell its time.
        followers: Indexes of streams that do not move the clock.
    """
    origin_s = start_of(container)
    if start_s <= 0 or not continuous:
        clock = clock_of(container, logger.info)
        packets = clocked_packets(uri, container, streams, clock, logger.info, followers=followers)
    else:
        container.seek(round((start_s + origin_s) * av.time_base), backward=True)
        packets = read_packets(container, streams)
    for packet in packets:
        move(packet, -origin_s)
        yield packet


def _linked_packets(uri: str, container: InputContainer, streams: Sequence[Any]) -> Iterator[Any]:
    """Read packets to the end of the file.

    In a chained Ogg file, FFmpeg ends before a link with other parameters, or reads FLAC with those of the first link.
    """
    chosen, link, position = {stream.index for stream in streams}, 0, 0
    is_flac = container.format.name == "ogg" and any(
        each.codec_context and each.codec_context.name == "flac" for each in streams
    )
    with ExitStack() as opened:
        while True:
            found = _next_link(uri, link) if is_flac else None
            try:
                for packet in read_packets(container, streams):
                    position = packet.pos or 0
                    if found is not None and link + position >= found:
                        raise av.error.InvalidDataError(0, "another link")
                    yield packet
            except av.error.FFmpegError as error:
                if found is None and container.format.name == "ogg":
                    found = _next_link(uri, link + position)
                if found is None:
                    raise
                link, position, broken = found, 0, error
            else:
                return
            opened.close()
            try:
                container = opened.enter_context(open_media(uri, link))
            except MediaError:
                raise broken from None  # the next link is cut off: what came before counts
            streams = [stream for stream in container.streams if stream.index in chosen]


def _next_link(uri: str, after: int) -> int | None:
    """Return the position of the next page in an Ogg file with which a stream begins."""
    with open_bytes(uri) as file:
        file.seek(after + 1)
        position, data = after + 1, b""
        while more := file.read(_READ_BYTES):
            data += more
            begin = _STREAM_BEGINS.search(data)
            if begin:
                return position + begin.start()
            position += max(0, len(data) - _OGG_MARK_BYTES)
            data = data[-_OGG_MARK_BYTES:]
    return None


def _shift(packet: "Packet[Any]", clock: Clock) -> None:
    """Move the timestamps of a packet onto the repaired clock."""
    dts, pts, time_base = packet.dts, packet.pts, packet.time_base
    if not time_base:
        return
    base = seconds(1, time_base)
    placed = None if packet.is_discard else dts  # what an edit list cuts out is decoded, but not shown
    offset_s = clock.offset_s(
        packet.stream_index,
        None if placed is None else placed * base,
        None if pts is None else pts * base,
        (packet.duration or 0) * base,
    )
    if offset_s:
        move(packet, offset_s)


def _follow(packet: "Packet[Any]", clock: Clock) -> None:
    """Move the timestamps of a packet as those of other streams around it."""
    time, base = packet.pts if packet.dts is None else packet.dts, float(packet.time_base or 0)
    if time is None or not base:
        return
    offset_s = clock.offset_near(time * base)
    if offset_s is None:
        packet.dts = packet.pts = None
    else:
        move(packet, offset_s)
