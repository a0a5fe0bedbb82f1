"""Cut a time range out of a video without re-encoding: packets are copied, so nothing is lost.

A copy can only start at a keyframe. So it starts at the last keyframe before the time range, a few seconds early in
most files, and `Clip` says when. It ends with the frame at the end. Video and audio stay in sync, because both are
moved by the same time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import av
from av.container import OutputContainer

from pipeline.export.names import whole_file
from pipeline.export.source import SAME_S, Source, describe_audio, keyframe_before, open_source, time_of
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


def clip_ending(uri: str, *, has_video: bool) -> str:
    """Return the file extension of a copy: that of the video if possible, or else Matroska's."""
    ending = Path(uri).suffix.lower()
    return ending if ending in _KEPT_ENDINGS else ".mkv" if has_video else ".mka"


def copy_clip(
    uri: str, start_s: float, end_s: float, target: Path, *, clock_jumps: int = 0, audio_track: int | None = None
) -> Clip:
    """Cut a time range out of a video without re-encoding.

    Args:
        uri: The video.
        start_s: Seconds from its start.
        end_s: Seconds from its start.
        target: File to write. Its extension selects the container.
        clock_jumps: How often the clock of the file jumps.
        audio_track: Number of the audio track that was transcribed; None for the one that is chosen by default.

    Returns:
        The clip with its actual start and end. It starts at the keyframe at or before `start_s`, or for audio alone at
        the first packet after it.

    Raises:
        MediaError: The video cannot be read.
        ExportError: The video is shorter, its streams do not fit the container, or the file cannot be written.
    """
    with open_source(uri, clock_jumps=clock_jumps, audio_track=audio_track) as source, output_file(target) as file:
        try:
            first_s = keyframe_before(uri, start_s, clock_jumps, audio_track) if source.video else start_s
            if first_s is None:
                raise ExportError(f"{uri} has no keyframe with a known time. Re-encode with --exact.")
            with av.open(file, "w", format=muxer(target)) as made:
                copied = {each.index: made.add_stream_from_template(each) for each in source.streams}
                describe_audio(copied, source)
                first_s, last_s = _copy(source, made, copied, (first_s, end_s))
        except (av.error.FFmpegError, OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            advice = "" if isinstance(error, OSError) else _advice(target)
            raise ExportError(
                f"The streams of {uri} ({source.codecs}) cannot be copied into {target.name}: {reason}.{advice}"
            ) from error
        if last_s <= start_s:
            raise ExportError(f"{uri} has nothing between {start_s:g} and {end_s:g} s.")
        return Clip(target, first_s, last_s)


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


def _advice(target: Path) -> str:
    return " Re-encode with --exact." if target.suffix == ".mkv" else " Name an .mkv file, or re-encode with --exact."


def _copy(
    source: Source, made: OutputContainer, copied: dict[int, Any], span_s: tuple[float, float]
) -> tuple[float, float]:
    """Copy the packets from a keyframe to an end. Return the start of the first and the end of the last."""
    first_s, end_s = span_s
    open_streams = set(copied)
    begun = source.video is None
    begins_s, last_s = end_s, 0.0
    # Frames at or after the end are held back, because frames before the end may depend on them.
    waiting: list[Any] = []
    for packet in _ordered(source.packets(first_s - _LEAD_S)):
        index = packet.stream.index
        time_s, decoded_s = time_of(packet), float(packet.dts * packet.time_base)
        if decoded_s >= end_s:
            open_streams.discard(index)
            if not open_streams or decoded_s >= end_s + TRAIL_S:
                break
            continue
        if index not in open_streams:
            continue
        is_video = source.video is not None and index == source.video.index
        begun = begun or (is_video and packet.is_keyframe and time_s >= first_s - SAME_S)
        if time_s < first_s - SAME_S or (is_video and not begun):
            continue  # audio before the keyframe, or frames that depend on earlier ones
        if time_s >= end_s:
            waiting += [packet] if is_video else []
            continue
        if packet.is_discard and is_video and time_s >= 0:
            raise ValueError("the edit list of the file cuts something out there")
        if packet.stream not in source.streams:
            raise ValueError("the streams have other parameters there than at the start of the file")
        ready = [*waiting, packet] if is_video else [packet]
        waiting = [] if is_video else waiting
        for each in ready:
            begins_s = min(begins_s, time_s)
            last_s = max(last_s, time_of(each) + float((each.duration or 0) * each.time_base))
            _move(each, -first_s)
            each.stream = copied[index]
            made.mux(each)
    return (first_s if source.video else begins_s), last_s


def _ordered(packets: Iterator[Any]) -> Iterator[Any]:
    """Give each packet a decoding time after the one before, as containers demand.

    Matroska has none, and FFmpeg finds it only after some packets. Where recordings were joined, they may overlap.
    """
    last: dict[Any, int] = {}
    for packet in _dated(packets):
        packet.dts = max(packet.dts, last.get(packet.stream, packet.dts - 1) + 1)
        packet.pts = max(packet.pts, packet.dts)
        last[packet.stream] = packet.dts
        yield packet


def _dated(packets: Iterator[Any]) -> Iterator[Any]:
    held: dict[Any, list[Any]] = {}
    due: dict[Any, int] = {}
    for packet in packets:
        if packet.pts is None:
            packet.pts = packet.dts = due.get(packet.stream)
        if packet.pts is None or not packet.size:
            continue  # before the first timestamp
        due[packet.stream] = packet.pts + (packet.duration or 1)
        waiting = held.setdefault(packet.stream, [])
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


def _move(packet: Any, by_s: float) -> None:  # noqa: ANN401 - a PyAV packet
    ticks = round(by_s / packet.time_base)
    packet.pts += ticks
    packet.dts += ticks
