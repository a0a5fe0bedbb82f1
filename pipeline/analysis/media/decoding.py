"""Decode a file once, from its first packet to its last, and yield what all the steps need of it."""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av import AudioFrame, VideoFrame
from av.container import InputContainer
from numpy.typing import NDArray

from pipeline.analysis.media.audio import SoundLine
from pipeline.analysis.media.frames import PictureScaler
from pipeline.analysis.media.probing import check_pixels
from pipeline.analysis.media.sources import open_media
from pipeline.analysis.media.timeline import Timeline
from schemas.config import LimitsConfig, MediaConfig
from schemas.errors import ErrorKind, MediaError
from schemas.media import SMALL_HEIGHT, SMALL_WIDTH, DecodedItem, FrameBatch, MediaInfo, SampledFrame

logger = logging.getLogger(__name__)

_BATCH_FRAMES = 48

Wanted = Callable[[float, NDArray[np.uint8]], bool]
"""Asked once for every frame in order, with its time and small picture, whether its large picture is wanted."""


@dataclass(slots=True)
class DecodeStats:
    """What a decoding pass found out; complete when the pass has ended."""

    frame_count: int = 0
    corrupt_packets: int = 0
    duration_s: float = 0.0
    """End of the last frame or sample."""
    warnings: list[str] = field(default_factory=list)

    def warn(self, message: str) -> None:
        """Note something once."""
        if message not in self.warnings:
            self.warnings.append(message)


def decode(
    uri: str,
    info: MediaInfo,
    config: MediaConfig,
    limits: LimitsConfig,
    *,
    wanted: Wanted,
    threads: int,
    stats: DecodeStats,
) -> Iterator[DecodedItem]:
    """Decode picture and sound in one pass, in memory that does not grow with the length of the file.

    Packets that cannot be decoded are skipped and counted; a file that is cut off ends where it is cut off.

    Args:
        uri: The file.
        info: What `probe` said of it.
        config: Size of large pictures.
        limits: Where to give up.
        wanted: Which frames are wanted large.
        threads: Threads of the decoder.
        stats: Filled while the pass runs.

    Yields:
        `FrameBatch` with every frame, `SampledFrame` for those wanted, `AudioBlock`; each kind in order of time.

    Raises:
        MediaError: Nothing can be decoded, the file is over the limits, vanished, or cannot be read.
    """
    deadline = time.monotonic() + limits.timeout_s
    with open_media(uri) as container:
        streams = _select(uri, container, info, threads)
        origin_s = (container.start_time or 0) / av.time_base
        picture = None
        if info.video:
            picture = _PictureLine(
                uri,
                _frame_s(info),
                timeline=_timeline(info, origin_s, stats),
                scaler=PictureScaler(
                    rotation=info.video.rotation,
                    sample_aspect_ratio=_pixel_aspect(container, info.video.index),
                    max_side_px=config.max_side_px,
                    threads=threads,
                ),
                limits=limits,
                wanted=wanted,
                stats=stats,
            )
        sound = SoundLine(_timeline(info, origin_s, stats), stats.warn) if info.audio else None
        for frame in _frames(container, streams, stats):
            _check_limits(uri, stats, limits, deadline)
            if isinstance(frame, VideoFrame) and picture:
                yield from picture.add(frame)
            elif isinstance(frame, AudioFrame) and sound:
                yield from sound.add(frame)
                stats.duration_s = max(stats.duration_s, sound.end_s)
        if picture:
            yield from picture.finish()
        if sound:
            yield from sound.finish()
            stats.duration_s = max(stats.duration_s, sound.end_s)
    _check_found(uri, info, stats, heard=sound is not None and sound.end_s > 0)


class _PictureLine:
    """Makes batches of small pictures, and the large ones that are wanted."""

    def __init__(
        self,
        uri: str,
        frame_s: float,
        *,
        timeline: Timeline,
        scaler: PictureScaler,
        limits: LimitsConfig,
        wanted: Wanted,
        stats: DecodeStats,
    ) -> None:
        self._uri = uri
        self._frame_s = frame_s
        self._limits = limits
        self._wanted = wanted
        self._stats = stats
        self._scaler = scaler
        self._timeline = timeline
        self._times: list[float] = []
        self._small = self._new_batch()

    def add(self, frame: VideoFrame) -> Iterator[DecodedItem]:
        check_pixels(self._uri, frame.width, frame.height, self._limits, stage="decode")
        time_s = self._timeline.place(frame.pts, frame.time_base)
        small = self._scaler.small(frame)
        self._small[len(self._times)] = small
        self._times.append(time_s)
        self._stats.frame_count += 1
        own_s = float(frame.duration * frame.time_base) if frame.duration and frame.time_base else self._frame_s
        # One frame can be shown for long, as in a slide show, but a duration out of all proportion is a mistake.
        end_s = time_s + (own_s if own_s <= self._limits.max_duration_s else self._frame_s)
        self._stats.duration_s = max(self._stats.duration_s, end_s)
        large = self._scaler.large(frame) if self._wanted(time_s, small) else None
        if len(self._times) == _BATCH_FRAMES:
            yield from self.finish()
        if large is not None:
            yield SampledFrame(time_s, large)

    def finish(self) -> Iterator[DecodedItem]:
        """Yield the frames that wait for a full batch."""
        if self._times:
            count = len(self._times)
            yield FrameBatch(np.array(self._times), self._small[:count])
            self._times, self._small = [], self._new_batch()

    @staticmethod
    def _new_batch() -> NDArray[np.uint8]:
        return np.empty((_BATCH_FRAMES, SMALL_HEIGHT, SMALL_WIDTH, 3), dtype=np.uint8)


def _timeline(info: MediaInfo, origin_s: float, stats: DecodeStats) -> Timeline:
    return Timeline(origin_s=origin_s, duration_s=info.duration_s, frame_s=_frame_s(info), warn=stats.warn)


def _frame_s(info: MediaInfo) -> float:
    return 1 / info.video.fps if info.video and info.video.fps > 0 else 0.0


def _pixel_aspect(container: InputContainer, index: int) -> Fraction | None:
    return next((stream.sample_aspect_ratio for stream in container.streams.video if stream.index == index), None)


def _select(uri: str, container: InputContainer, info: MediaInfo, threads: int) -> list[Any]:
    """Return the streams to decode; FFmpeg drops the packets of all others as it reads."""
    chosen = {stream.index for stream in (info.video, info.audio) if stream}
    streams = []
    for stream in container.streams:
        if stream.index in chosen:
            if stream.codec_context is None:
                raise MediaError(ErrorKind.UNSUPPORTED, f"{uri}: no decoder for its streams.", stage="decode")
            if stream.type == "video":
                stream.codec_context.thread_count = threads
                stream.codec_context.thread_type = "AUTO"
            streams.append(stream)
        else:
            stream.discard = av.stream.Discard.all
    return streams


def _frames(container: InputContainer, streams: list[Any], stats: DecodeStats) -> Iterator[Any]:
    """Decode packet by packet; what cannot be decoded is skipped and counted."""
    packets = container.demux(streams)
    while True:
        try:
            packet = next(packets, None)
        except (av.error.FFmpegError, OSError) as error:
            stats.corrupt_packets += 1
            stats.warn(f"The file cannot be read to its end: {error}")
            return
        if packet is None:
            return
        if packet.is_corrupt:
            stats.corrupt_packets += 1
        try:
            yield from packet.decode()
        except av.error.FFmpegError:
            stats.corrupt_packets += 1


def _check_limits(uri: str, stats: DecodeStats, limits: LimitsConfig, deadline: float) -> None:
    if stats.duration_s > limits.max_duration_s:
        message = f"{uri} lasts longer than limits.max_duration_s = {limits.max_duration_s:g}."
        raise MediaError(ErrorKind.TOO_LARGE, message, stage="decode")
    if time.monotonic() > deadline:
        message = f"{uri} took longer than limits.timeout_s = {limits.timeout_s:g}, {stats.duration_s:.0f} s decoded."
        raise MediaError(ErrorKind.TIMEOUT, message, stage="decode")


def _check_found(uri: str, info: MediaInfo, stats: DecodeStats, *, heard: bool) -> None:
    if not stats.frame_count and not heard:
        message = f"{uri} states what it holds, but nothing of it can be decoded; it is damaged. Copy it again."
        raise MediaError(ErrorKind.CORRUPT, message, stage="decode")
    if info.video and not stats.frame_count:
        stats.warn("No picture could be decoded.")
    if info.audio and not heard:
        stats.warn("No sound could be decoded.")
    if stats.corrupt_packets:
        stats.warn(f"{stats.corrupt_packets} damaged packets were skipped.")
    if info.duration_s and stats.duration_s < 0.9 * info.duration_s - 1:
        stats.warn(f"The file says {info.duration_s:.1f} s but holds {stats.duration_s:.1f} s; it may be cut off.")
