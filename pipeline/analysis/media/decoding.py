"""Decode a file once, from first packet to last, and yield what every step needs."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import av
import numpy as np
from av import AudioFrame, VideoFrame
from av.container import InputContainer
from numpy.typing import NDArray

from pipeline.analysis.media.audio import AudioBlockBuilder
from pipeline.analysis.media.encryption import encryption_error, is_encrypted
from pipeline.analysis.media.frame_rate import FrameRate
from pipeline.analysis.media.frames import FrameScaler
from pipeline.analysis.media.geometry import PixelShape
from pipeline.analysis.media.metadata import chapters_of
from pipeline.analysis.media.packets import clock_of, clocked_packets, start_of
from pipeline.analysis.media.probing import check_pixels
from pipeline.analysis.media.sidecars import find_sidecars, read_sidecars
from pipeline.analysis.media.sources import open_media
from pipeline.analysis.media.subtitles import SubtitleReader
from pipeline.analysis.media.timeline import Timeline, duration_s, plausible_s
from schemas.config import ChannelMode, LimitsConfig, MediaConfig
from schemas.errors import ErrorKind, MediaError
from schemas.media import SMALL_HEIGHT, SMALL_WIDTH, DecodedItem, FrameBatch, MediaInfo, SampledFrame
from schemas.records import Chapter, Subtitle, SubtitleFile, WarningPart

logger = logging.getLogger(__name__)

_BATCH_FRAMES = 48
_MAX_LAST_FRAME_S = 10.0
"""The last frame is shown for at most so long, or as long as the longest before it."""
_COUNTING_SAMPLES = frozenset({"aac", "ac3", "amr", "dts", "eac3", "mp3", "ogg"})
"""Formats whose timestamps are numbers of samples."""
_MAX_FIRST_FRAME_S = 1.0
"""The same for a frame that does not state how long it is shown, and has none before it."""

Wanted = Callable[[float, NDArray[np.uint8]], bool]
"""Called once for each frame, in order, with its time and small image; returns whether to yield its large image."""


@dataclass(slots=True)
class DecodeStats:
    """Statistics of a decoding pass, complete once the pass has ended."""

    frame_count: int = 0
    corrupt_packets: int = 0
    encrypted_packets: int = 0
    duration_s: float = 0.0
    """End of the last frame or sample."""
    clock_jumps: int = 0
    """How often the clock of the file jumps."""
    frame_rate: FrameRate = field(default_factory=FrameRate)
    chapters: tuple[Chapter, ...] = ()
    """Chapters that the file states."""
    subtitle_files: tuple[SubtitleFile, ...] = ()
    """Subtitle files beside the video."""
    subtitles: tuple[Subtitle, ...] = ()
    """Text subtitles of the file, and of subtitle files beside it."""
    warnings: dict[str, WarningPart] = field(default_factory=dict)
    """What each warning is about, by its message."""

    def warn(self, message: str, part: WarningPart = "file") -> None:
        """Add a warning, unless it is already there."""
        self.warnings.setdefault(message, part)


def decode(
    uri: str,
    info: MediaInfo,
    config: MediaConfig,
    limits: LimitsConfig,
    *,
    wanted: Wanted,
    threads: int,
    stats: DecodeStats,
    channels: ChannelMode = "mix",
    skipped: Set[int] = frozenset(),
    known_s: float | None = None,
) -> Iterator[DecodedItem]:
    """Decode video and audio in one pass, in memory that does not grow with the length of the file.

    Packets that cannot be decoded are skipped and counted. A truncated file is decoded up to where it breaks off.

    Args:
        uri: The file.
        info: The result of `probe` for this file.
        config: Sets the size of large images.
        limits: When to give up.
        wanted: Chooses the frames to yield at full size.
        threads: Decoder threads.
        stats: Filled in during the pass.
        channels: Whether to mix the channels of the audio or to keep them apart.
        skipped: Indexes of streams that are read but not decoded. The caller may add some during the pass.
        known_s: The duration, if a pass that decoded everything has measured it; None for such a pass. It is exceeded
            only where that pass could not read to the end.

    Yields:
        A `FrameBatch` for all frames, a `SampledFrame` for each wanted one, and `AudioBlock`s of `info.audio_streams`.
        Each kind is in time order.

    Raises:
        MediaError: Nothing can be decoded, or the file is over the limits, has vanished, or cannot be read.
    """
    started = time.monotonic()
    for message in info.warnings:
        stats.warn(message)
    with open_media(uri) as container:
        origin_s, clock = start_of(container), clock_of(container, stats.warn)
        subtitles = SubtitleReader(container, origin_s)
        streams = _select(uri, container, info, threads, subtitles.indexes)
        video = None
        if info.video:
            picture = container.streams[info.video.index]
            stats.frame_rate = FrameRate(float(picture.time_base or 0))
            video = _FrameBatcher(
                uri,
                _frame_s(info),
                timeline=_timeline(info, origin_s, stats),
                scaler=FrameScaler(
                    PixelShape(container.streams[info.video.index]),
                    max_side_px=config.max_side_px,
                    threads=threads,
                    warn=partial(stats.warn, part="images"),
                ),
                limits=limits,
                wanted=wanted,
                stats=stats,
            )
        others = {stream.index for stream in info.other_audio}
        counted = info.container in _COUNTING_SAMPLES
        audio = {
            stream.index: _audio_builder(stream.index, stats, origin_s, channels, counted)
            # Nothing that is repaired in other streams matters: they are only listened to for whether somebody speaks.
            if stream == info.audio
            else _audio_builder(stream.index, DecodeStats(), origin_s, "mix", counted)
            for stream in info.audio_streams
        }
        packets = clocked_packets(uri, container, streams, clock, stats.warn, followers=others, subtitle=subtitles.add)
        for index, frame in _frames(packets, stats, skipped, others, partly_encrypted=info.partly_encrypted):
            _check_limits(uri, info, stats, limits, started)
            if isinstance(frame, VideoFrame) and video:
                yield from video.add(frame)
            elif isinstance(frame, AudioFrame) and index in audio:
                yield from audio[index].add(frame)
            stats.duration_s = _end_s(info, video, audio)
        if video:
            yield from video.finish()
        for builder in audio.values():
            yield from builder.finish()
        stats.duration_s = _end_s(info, video, audio) if known_s is None else max(known_s, _main_s(info, video, audio))
        stats.chapters = chapters_of(container, origin_s, stats.duration_s)
        stats.subtitle_files = tuple(find_sidecars(uri))
        warn = partial(stats.warn, part="subtitles")
        files = read_sidecars(stats.subtitle_files, warn)
        stats.subtitles = subtitles.finish(files, stats.duration_s, warn)
    stats.clock_jumps = clock.jumps
    has_audio = any(builder.end_s > 0 for builder in audio.values())
    if known_s is None:
        _check_decoded(uri, info, stats, has_audio=has_audio)
    if info.audio and info.audio.index not in skipped and not has_audio:
        stats.warn("No audio could be decoded.", part="audio")


def _audio_builder(
    stream: int, stats: DecodeStats, origin_s: float, channels: ChannelMode, counted: bool
) -> AudioBlockBuilder:
    warn = partial(stats.warn, part="audio")
    timeline = Timeline(origin_s=origin_s, frame_s=0.0, warn=warn, frames="Audio frames")
    return AudioBlockBuilder(stream, timeline, channels, warn, counts_samples=counted)


def _end_s(info: MediaInfo, video: "_FrameBatcher | None", audio: Mapping[int, AudioBlockBuilder]) -> float:
    """Return the end of the last frame or sample. The end of other audio counts only if there is nothing else."""
    return _main_s(info, video, audio) or max((builder.end_s for builder in audio.values()), default=0.0)


def _main_s(info: MediaInfo, video: "_FrameBatcher | None", audio: Mapping[int, AudioBlockBuilder]) -> float:
    return max(audio[info.audio.index].end_s if info.audio else 0.0, video.end_s if video else 0.0)


class _FrameBatcher:
    """Builds batches of small images, and the large images that are wanted."""

    def __init__(
        self,
        uri: str,
        frame_s: float,
        *,
        timeline: Timeline,
        scaler: FrameScaler,
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
        self._last_s: float | None = None
        self._longest_s = 0.0
        self.end_s = 0.0
        """End of the last frame so far."""
        self._times: list[float] = []
        self._stated: list[float] = []
        """The same, before those out of order are moved."""
        self._small = self._new_batch()

    def add(self, frame: VideoFrame) -> Iterator[DecodedItem]:
        check_pixels(self._uri, frame.width, frame.height, self._limits, stage="decode")
        if frame.pts is None:
            self._stats.warn("Frames without a timestamp were placed after the previous frame.", part="images")
        base = frame.time_base  # which PyAV makes anew each time
        time_s = self._timeline.time_of(frame.pts, base, plausible_s(frame.duration, base))
        small = self._scaler.small(frame)
        self._small[len(self._times)] = small
        self._times.append(time_s)
        self._stated.append(self._timeline.stated_s)
        self._stats.frame_count += 1
        self.end_s = time_s + self._shown_s(duration_s(frame.duration, base), time_s)
        large = self._scaler.large(frame) if self._wanted(time_s, small) else None
        if len(self._times) == _BATCH_FRAMES:
            yield from self.finish()
        if large is not None:
            yield SampledFrame(time_s, large)

    def finish(self) -> Iterator[DecodedItem]:
        """Yield the frames of the last, incomplete batch."""
        if self._times:
            times_s = np.array(self._times)
            self._stats.frame_rate.add(np.array(self._stated))
            yield FrameBatch(times_s, self._small[: len(times_s)])
            self._times, self._stated, self._small = [], [], self._new_batch()

    def _shown_s(self, lasts_s: float, time_s: float) -> float:
        """Return how long a frame is shown if no other follows. It states how long it lasts, or 0.0."""
        stated_s = lasts_s or self._frame_s
        if self._last_s is None:
            self._last_s = time_s
            believed = lasts_s and stated_s <= self._limits.max_duration_s
            return stated_s if believed else min(self._frame_s, _MAX_FIRST_FRAME_S)
        before_s, self._last_s = time_s - self._last_s, time_s
        self._longest_s = max(self._longest_s, before_s)
        # A frame can stay on screen for long, as in a slide show, but an absurd duration is an error in the file.
        return stated_s if stated_s <= max(self._longest_s, _MAX_LAST_FRAME_S) else before_s

    @staticmethod
    def _new_batch() -> NDArray[np.uint8]:
        return np.empty((_BATCH_FRAMES, SMALL_HEIGHT, SMALL_WIDTH, 3), dtype=np.uint8)


def _timeline(info: MediaInfo, origin_s: float, stats: DecodeStats) -> Timeline:
    return Timeline(origin_s=origin_s, frame_s=_frame_s(info), warn=partial(stats.warn, part="images"))


def _frame_s(info: MediaInfo) -> float:
    return 1 / info.video.fps if info.video and info.video.fps > 0 else 0.0


def _select(uri: str, container: InputContainer, info: MediaInfo, threads: int, subtitles: Set[int]) -> list[Any]:
    """Return the streams to decode. FFmpeg drops the packets of all others as it reads."""
    chosen = {stream.index for stream in (info.video, *info.audio_streams) if stream}
    streams = []
    for stream in container.streams:
        if stream.index in chosen:
            if stream.codec_context is None:
                raise MediaError(
                    ErrorKind.UNSUPPORTED, f"{uri}: FFmpeg has no decoder for its streams.", stage="decode"
                )
            if stream.type == "video":
                stream.codec_context.thread_count = threads
                stream.codec_context.thread_type = "AUTO"
            streams.append(stream)
        elif stream.index in subtitles:
            streams.append(stream)
        else:
            stream.discard = av.stream.Discard.all
    return streams


def _frames(
    packets: Iterator[Any], stats: DecodeStats, skipped: Set[int], others: Set[int], *, partly_encrypted: bool
) -> Iterator[tuple[int, Any]]:
    """Decode packet by packet, and yield each frame with the index of its stream; skip and count damaged packets.

    Those of `others` are not counted, because how far these streams are decoded depends on what is heard.
    """
    while True:
        try:
            packet = next(packets, None)
        except (av.error.FFmpegError, OSError) as error:
            stats.corrupt_packets += 1
            stats.warn(f"The file cannot be read to the end: {error}")
            return
        if packet is None:
            return
        if packet.stream_index in skipped:
            continue
        counted = packet.stream_index not in others
        if partly_encrypted and is_encrypted(packet):
            stats.encrypted_packets += counted
            continue
        if packet.is_corrupt and not _is_raw_audio(packet.stream):  # the last one may be short
            stats.corrupt_packets += counted
        try:
            for frame in packet.decode():
                yield packet.stream_index, frame
        except av.error.FFmpegError:
            stats.corrupt_packets += counted


def _check_limits(uri: str, info: MediaInfo, stats: DecodeStats, limits: LimitsConfig, started: float) -> None:
    if stats.duration_s > limits.max_duration_s:
        message = f"{uri} is longer than limits.max_duration_s = {limits.max_duration_s:g}."
        raise MediaError(ErrorKind.TOO_LARGE, message, stage="decode")
    # Some files state no duration, or one that is too short.
    limit_s = limits.time_limit_s(max(info.duration_s, stats.duration_s))
    if time.monotonic() > started + limit_s:
        message = (
            f"{uri} took longer than the {limit_s:.0f} s that limits.timeout_s and limits.timeout_factor allow; "
            f"{stats.duration_s:.0f} s were decoded."
        )
        raise MediaError(ErrorKind.TIMEOUT, message, stage="decode")


def _check_decoded(uri: str, info: MediaInfo, stats: DecodeStats, *, has_audio: bool) -> None:
    if info.encrypted_tracks:
        stats.warn(f"Encrypted tracks were not analysed: {info.encrypted_tracks}.")
    if stats.encrypted_packets:
        stats.warn(_skipped(stats.encrypted_packets, "encrypted"))
    if not stats.frame_count and not has_audio:
        if stats.encrypted_packets:
            raise encryption_error(uri, stage="decode")
        message = f"{uri} is damaged: its header is readable, but nothing can be decoded. Copy it again."
        raise MediaError(ErrorKind.CORRUPT, message, stage="decode")
    if info.video and not stats.frame_count:
        stats.warn("No video frame could be decoded.")
    if stats.corrupt_packets:
        stats.warn(_skipped(stats.corrupt_packets, "damaged"))
    # Across a jump of the clock, the stated length means nothing.
    if info.duration_s and not stats.clock_jumps and stats.duration_s < 0.9 * info.duration_s - 1:
        stats.warn(
            f"The header states {info.duration_s:.1f} s, but the file has {stats.duration_s:.1f} s: "
            "it is cut off, or its header is wrong."
        )


def _is_raw_audio(stream: Any) -> bool:  # noqa: ANN401 - a PyAV stream
    return bool(stream.type == "audio" and stream.codec_context.name.startswith("pcm_"))


def _skipped(count: int, what: str) -> str:
    return f"1 {what} packet was skipped." if count == 1 else f"{count} {what} packets were skipped."
