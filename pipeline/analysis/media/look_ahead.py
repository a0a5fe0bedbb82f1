"""Read packets ahead: what follows a packet shows whether its timestamp is right."""

import math
from collections import deque
from collections.abc import Iterator
from typing import Any

from pipeline.analysis.media.timeline import seconds

_MAX_PACKETS = 500


class Ahead:
    """Packets, and a view of those that follow.

    Args:
        packets: PyAV packets of any streams, in the order of the file.
        max_bytes: Of those that are read ahead.
    """

    def __init__(self, packets: Iterator[Any], max_bytes: float = math.inf) -> None:
        self._packets = packets
        self._max_bytes = max_bytes
        self._read: deque[Any] = deque()
        self._read_bytes = 0
        self.has_ended = False
        """Whether the last packet of the file is among those that were read."""

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
        """Yield the packets that follow, at most 500."""
        yield from tuple(self._read)
        while len(self._read) < _MAX_PACKETS and self._read_bytes < self._max_bytes:
            packet = next(self._packets, None)
            if packet is None:
                self.has_ended = True
                return
            self._read.append(packet)
            self._read_bytes += packet.size
            yield packet


def time_of(packet: Any) -> float | None:  # noqa: ANN401 - a PyAV packet of any kind
    """Return the decoding time of a packet in seconds; None if there is none."""
    return None if packet is None or packet.dts is None else seconds(packet.dts, packet.time_base)


def move(packet: Any, by_s: float) -> None:  # noqa: ANN401 - a PyAV packet of any kind
    """Add seconds to the timestamps of a packet."""
    ticks = round(by_s / packet.time_base) if by_s and packet.time_base else 0
    if ticks:
        packet.dts = None if packet.dts is None else packet.dts + ticks
        packet.pts = None if packet.pts is None else packet.pts + ticks
