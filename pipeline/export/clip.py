"""Cut a time range out of a video without re-encoding: packets are copied, so nothing is lost.

A copy can only start at a keyframe. So it starts at the last keyframe before the time range, a few seconds early in
most files, and `Clip` says when. It ends with the frame at the end. Video and audio stay in sync, because both are
moved by the same time.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import av
from av.container import InputContainer, OutputContainer

from pipeline.analysis.media import best_video, open_media
from pipeline.export.names import whole_file
from schemas.errors import ExportError

_KEPT_ENDINGS = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".mka", ".m4a", ".mp3", ".wav", ".flac", ".ogg", ".opus"}
)
_MUXERS = {
    ".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm", ".mka": "matroska",
    ".m4a": "ipod", ".mp3": "mp3", ".wav": "wav", ".ogg": "ogg", ".opus": "opus", ".flac": "flac",
}  # fmt: skip
CLIP_ENDINGS = frozenset(_MUXERS)
"""File extensions of clips."""
_LOOK_BACK_S = (0.0, 10.0, 60.0)
_LEAD_S = 3.0
"""Files interleave video and audio: the audio of a moment may come this long before its video."""
TRAIL_S = 10.0
"""And this long after it. A stream without packets until then has ended or is silent."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A file that was cut out of a video."""

    path: Path
    start_s: float
    """Start in the video."""
    end_s: float
    """End in the video."""


@dataclass(frozen=True, slots=True)
class Streams:
    """The streams of a clip: one video stream, and all audio streams."""

    video: Any
    """A PyAV stream, or None."""
    audio: Sequence[Any]
    origin_s: float
    """Start of the video on the streams' clock."""

    @property
    def all(self) -> list[Any]:
        """All streams."""
        return [*([self.video] if self.video else []), *self.audio]

    @property
    def codecs(self) -> str:
        """Their codecs, for messages."""
        return ", ".join(stream.codec_context.name for stream in self.all)


def clip_ending(uri: str, *, has_video: bool) -> str:
    """Return the file extension of a copy: that of the video if possible, or else Matroska's."""
    ending = Path(uri).suffix.lower()
    return ending if ending in _KEPT_ENDINGS else ".mkv" if has_video else ".mka"


def copy_clip(uri: str, start_s: float, end_s: float, target: Path) -> Clip:
    """Cut a time range out of a video without re-encoding.

    Args:
        uri: The video.
        start_s: Seconds from its start.
        end_s: Seconds from its start.
        target: File to write. Its extension selects the container.

    Returns:
        The clip with its actual start and end. It starts at the keyframe at or before `start_s`, or for audio alone at
        the first packet after it.

    Raises:
        MediaError: The video cannot be read.
        ExportError: The video is shorter, its streams do not fit the container, or the file cannot be written.
    """
    with open_media(uri) as source, output_file(target) as file:
        streams = streams_of(source)
        try:
            first_s = _keyframe_before(source, streams, start_s) if streams.video else start_s
            seek(source, streams, first_s - _LEAD_S)
            with av.open(file, "w", format=muxer(target)) as made:
                copied = {each.index: made.add_stream_from_template(each) for each in streams.all}
                first_s, last_s = _copy(source, made, streams, copied, (first_s, end_s))
        except (av.error.FFmpegError, OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            advice = "" if isinstance(error, OSError) else " Name an .mkv file, or re-encode with --exact."
            raise ExportError(
                f"The streams of {uri} ({streams.codecs}) cannot be copied into {target.name}: {reason}.{advice}"
            ) from error
        if last_s <= start_s:
            raise ExportError(f"{uri} has nothing between {start_s:g} and {end_s:g} s.")
        return Clip(target, first_s, last_s)


def streams_of(source: InputContainer) -> Streams:
    """Choose the streams of a clip: the video stream that is analysed, and all audio streams."""
    best = best_video(source)
    audio = [each for each in source.streams.audio if each.codec_context]
    for each in source.streams:
        if each is not best and each not in audio:
            each.discard = av.stream.Discard.all
    return Streams(best, audio, (source.start_time or 0) / av.time_base)


def seek(source: InputContainer, streams: Streams, time_s: float) -> None:
    """Seek to a position at or before a time of the video."""
    at = round((max(0.0, time_s) + streams.origin_s) * av.time_base)
    source.seek(at, backward=True)


def muxer(target: Path) -> str:
    """Return FFmpeg's name of the container for a file extension.

    Raises:
        ExportError: Clips cannot be written with this extension.
    """
    ending = target.suffix.lower()
    if ending not in _MUXERS:
        raise ExportError(f"Clips cannot be written as {target.name}. Use one of {', '.join(_MUXERS)}.")
    return _MUXERS[ending]


@contextmanager
def output_file(target: Path) -> Iterator[IO[bytes]]:
    """Yield a file that replaces the target on success. FFmpeg gets no file name that it could misread."""
    muxer(target)
    with whole_file(target) as path, path.open("w+b") as file:
        yield file


def time_of(stamp: int | None, time_base: Fraction | None, streams: Streams) -> float | None:
    """Return a timestamp of a stream as seconds from the start of the video."""
    return None if stamp is None or time_base is None else float(stamp * time_base) - streams.origin_s


def _keyframe_before(source: InputContainer, streams: Streams, start_s: float) -> float:
    """Return the time of the last keyframe at or before a time, or else of the first keyframe."""
    found = None
    for back_s in (*_LOOK_BACK_S, start_s):
        seek(source, streams, start_s - back_s)
        for packet in source.demux(streams.video):
            time_s = time_of(packet.pts, packet.time_base, streams)
            if time_s is None or not packet.size:
                continue
            if time_s > start_s + 1e-6 and found is not None:
                return found
            if packet.is_keyframe:
                found = time_s if found is None or time_s <= start_s + 1e-6 else found
                if time_s > start_s + 1e-6:
                    break
        if found is not None and found <= start_s + 1e-6:
            return found
    if found is None:
        raise ExportError("The video stream has no keyframe with a known time. Re-encode with --exact.")
    return found


def _copy(
    source: InputContainer,
    made: OutputContainer,
    streams: Streams,
    copied: dict[int, Any],
    span_s: tuple[float, float],
) -> tuple[float, float]:
    """Copy the packets from a keyframe to an end. Return the start of the first and the end of the last."""
    first_s, end_s = span_s
    open_streams = {each.index for each in streams.all}
    begun = streams.video is None
    begins_s, last_s = end_s, 0.0
    # Frames at or after the end are held back, because frames before the end may depend on them.
    waiting: list[Any] = []
    for packet in _ordered(source.demux(streams.all)):
        index = packet.stream.index
        time_s, decoded_s = (float(stamp * packet.time_base) - streams.origin_s for stamp in (packet.pts, packet.dts))
        if decoded_s >= end_s:
            open_streams.discard(index)
            if not open_streams or decoded_s >= end_s + TRAIL_S:
                break
            continue
        if index not in open_streams:
            continue
        is_video = streams.video is not None and index == streams.video.index
        begun = begun or (is_video and packet.is_keyframe and time_s >= first_s - 1e-6)
        if time_s < first_s - 1e-6 or (is_video and not begun):
            continue  # audio before the keyframe, or frames that depend on earlier ones
        if time_s >= end_s:
            waiting += [packet] if is_video else []
            continue
        ready = [*waiting, packet] if is_video else [packet]
        waiting = [] if is_video else waiting
        for each in ready:
            ends_s = float((each.pts + (each.duration or 0)) * each.time_base) - streams.origin_s
            begins_s, last_s = min(begins_s, time_s), max(last_s, ends_s)
            _moved(each, first_s + streams.origin_s)
            each.stream = copied[index]
            made.mux(each)
    return (first_s if streams.video else begins_s), last_s


def _ordered(packets: Iterator[Any]) -> Iterator[Any]:
    """Give each packet a decoding time. Matroska has none, and FFmpeg finds it only after some packets."""
    held: dict[int, list[Any]] = {}
    for packet in packets:
        if not packet.size:
            continue
        if packet.pts is None:
            raise ValueError("packets have no timestamps")
        waiting = held.setdefault(packet.stream.index, [])
        waiting.append(packet)
        if packet.dts is not None:
            for index, each in enumerate(waiting):
                each.dts = packet.dts - (len(waiting) - 1 - index) * (packet.duration or 1)
            yield from waiting
            waiting.clear()
    for waiting in held.values():
        for each, dts in zip(waiting, sorted(each.pts for each in waiting), strict=True):
            each.dts = min(dts, each.pts)
            yield each


def _moved(packet: Any, by_s: float) -> None:  # noqa: ANN401 - a PyAV packet
    ticks = round(by_s / packet.time_base)
    packet.pts -= ticks
    packet.dts -= ticks
