"""Make long videos quickly, by repeating the packets of a short one."""

from collections import defaultdict
from fractions import Fraction
from pathlib import Path

import av
from av.stream import Stream


def repeat_video(source: Path, target: Path, seconds: float) -> Path:
    """Repeat or cut a video to a given length.

    Nothing is decoded or encoded, so an hour of video takes about a second. All streams restart together at each
    repetition, so audio and video stay in sync.

    Args:
        source: A video in a container with timestamps (MP4, MOV, Matroska, WebM).
        target: In such a container, which must support the same codecs.
        seconds: Length of the result, accurate to a few frames.

    Returns:
        `target`.
    """
    limit = Fraction(seconds).limit_denominator(1_000_000)
    with av.open(str(target), "w", options={"fflags": "+bitexact"}) as output:
        with av.open(str(source)) as first:
            streams = {stream.index: output.add_stream_from_template(stream) for stream in _streams(first)}
        start, written = Fraction(0), 1
        while start < limit and written:
            start, written = _copy(source, output, streams, start, limit)
    return target


def _streams(container: av.container.InputContainer) -> list[Stream]:
    return [*container.streams.video, *container.streams.audio]


def _copy(
    source: Path, output: av.container.OutputContainer, streams: dict[int, Stream], start: Fraction, limit: Fraction
) -> tuple[Fraction, int]:
    """Copy one repetition; return the start of the next one and the number of copied packets."""
    begin: dict[int, Fraction] = {}
    end: dict[int, Fraction] = defaultdict(Fraction)
    ended: set[int] = set()
    written = 0
    with av.open(str(source)) as container:
        for packet in container.demux(_streams(container)):
            if packet.dts is None or packet.pts is None or packet.time_base is None:
                continue
            base = packet.time_base
            begin.setdefault(packet.stream_index, packet.dts * base)
            # A stream lasts from its first packet to the end of its last one, in decoding and presentation order.
            length = Fraction(packet.duration or 0) * base
            latest = max(packet.dts * base - min(begin[packet.stream_index], Fraction(0)), packet.pts * base) + length
            end[packet.stream_index] = max(end[packet.stream_index], latest)
            if start + packet.dts * base >= limit:
                ended.add(packet.stream_index)
                if len(ended) == len(streams):
                    break
                continue
            shift = round(start / base)
            packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
            packet.stream = streams[packet.stream_index]
            output.mux(packet)
            written += 1
    return start + max(end.values(), default=Fraction(0)), written
