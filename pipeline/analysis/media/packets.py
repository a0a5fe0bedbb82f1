"""The packets of a file on one clock. Analysis and clips share it, so that both mean the same by a time."""

from collections.abc import Callable, Iterator
from typing import Any, cast

import av
from av import Packet
from av.container import InputContainer

from pipeline.analysis.media.outliers import without_outliers
from pipeline.analysis.media.sources import read_packets
from pipeline.analysis.media.timeline import Clock

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
) -> Iterator[Any]:
    """Read all packets of some streams, with wrong timestamps removed and jumps of the clock joined."""
    for packet in without_outliers(read_packets(container, streams), warn):
        if packet.size or packet.dts is None:  # an empty packet repeats a frame, but it would end the decoder
            _shift(packet, clock)
            yield packet


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
        offset = round(offset_s / base)
        packet.dts = None if dts is None else dts + offset
        packet.pts = None if pts is None else pts + offset
