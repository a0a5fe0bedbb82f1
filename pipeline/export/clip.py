"""Cut a stretch out of a video as it is: packets are copied, nothing is decoded, nothing is lost.

A copy can begin only at a keyframe. So it begins at the last one before the stretch, a few seconds early in most
files, and `Clip` says when; it ends with the frame at the end. Picture and sound keep step: both are moved by the same
time.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import av
from av.container import InputContainer, OutputContainer

from pipeline.analysis.media import open_media
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
"""Of the files that clips are written in."""
_LOOK_BACK_S = (0.0, 10.0, 60.0)
_LEAD_S = 3.0
"""Files interleave picture and sound: the sound of a moment may stand so much before its picture."""
TRAIL_S = 10.0
"""And so much after it: a stream that had nothing until then has ended, or is silent, and is not waited for."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A file that was cut out of a video."""

    path: Path
    start_s: float
    """Where in the video it begins."""
    end_s: float
    """Where in the video it ends."""


@dataclass(frozen=True, slots=True)
class Streams:
    """What of a file goes into a clip: its pictures, and all its sound tracks."""

    picture: Any
    """A PyAV stream, or None."""
    sounds: Sequence[Any]
    origin_s: float
    """Where the video starts, in the streams' time."""

    @property
    def all(self) -> list[Any]:
        """All streams."""
        return [*([self.picture] if self.picture else []), *self.sounds]

    @property
    def codecs(self) -> str:
        """Their codecs, for messages."""
        return ", ".join(stream.codec_context.name for stream in self.all)


def clip_ending(uri: str, *, has_video: bool) -> str:
    """Return the ending of a file into which a video's streams can be copied: its own, else Matroska's."""
    ending = Path(uri).suffix.lower()
    return ending if ending in _KEPT_ENDINGS else ".mkv" if has_video else ".mka"


def copy_clip(uri: str, start_s: float, end_s: float, target: Path) -> Clip:
    """Cut a stretch out of a video without encoding it anew.

    Args:
        uri: The video.
        start_s: Seconds from its start.
        end_s: Seconds from its start.
        target: File to make; its ending names the container.

    Returns:
        The clip, and what stretch of the video it holds: it begins at the keyframe at or before `start_s`;
        sound alone at the first packet after.

    Raises:
        MediaError: The video cannot be read.
        ExportError: It is shorter, its streams do not fit the container, or the file cannot be written.
    """
    with open_media(uri) as source, output_file(target) as file:
        streams = streams_of(source)
        try:
            first_s = _keyframe_before(source, streams, start_s) if streams.picture else start_s
            seek(source, streams, first_s - _LEAD_S)
            with av.open(file, "w", format=muxer(target)) as made:
                copied = {each.index: made.add_stream_from_template(each) for each in streams.all}
                first_s, last_s = _copy(source, made, streams, copied, (first_s, end_s))
        except (av.error.FFmpegError, OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            advice = "" if isinstance(error, OSError) else " Name an .mkv file, or encode anew with --exact."
            raise ExportError(
                f"The streams of {uri} ({streams.codecs}) cannot be copied into {target.name}: {reason}.{advice}"
            ) from error
        if last_s <= start_s:
            raise ExportError(f"{uri} has nothing between {start_s:g} and {end_s:g} s.")
        return Clip(target, first_s, last_s)


def streams_of(source: InputContainer) -> Streams:
    """Choose what goes into a clip: the default or largest picture that moves, and every sound track."""
    disposition = av.stream.Disposition
    still = disposition.attached_pic | disposition.timed_thumbnails
    pictures = [each for each in source.streams.video if each.codec_context and not each.disposition & still]
    best = max(
        pictures,
        key=lambda each: (bool(each.disposition & disposition.default), each.width * each.height, -each.index),
        default=None,
    )
    sounds = [each for each in source.streams.audio if each.codec_context]
    for each in source.streams:
        if each is not best and each not in sounds:
            each.discard = av.stream.Discard.all
    return Streams(best, sounds, (source.start_time or 0) / av.time_base)


def seek(source: InputContainer, streams: Streams, time_s: float) -> None:
    """Go to a place at or before a time of the video."""
    at = round((max(0.0, time_s) + streams.origin_s) * av.time_base)
    source.seek(at, backward=True)


def muxer(target: Path) -> str:
    """Return FFmpeg's name of the container that a file's ending means.

    Raises:
        ExportError: It means none that clips are written in.
    """
    ending = target.suffix.lower()
    if ending not in _MUXERS:
        raise ExportError(f"{target.name} is no file that clips are written in; name one of {', '.join(_MUXERS)}.")
    return _MUXERS[ending]


@contextmanager
def output_file(target: Path) -> Iterator[IO[bytes]]:
    """Give a file to write that takes its place once all is well; FFmpeg gets no name that it could misread."""
    muxer(target)
    with whole_file(target) as path, path.open("w+b") as file:
        yield file


def time_of(stamp: int | None, time_base: Fraction | None, streams: Streams) -> float | None:
    """Return a stream's time as seconds from the start of the video."""
    return None if stamp is None or time_base is None else float(stamp * time_base) - streams.origin_s


def _keyframe_before(source: InputContainer, streams: Streams, start_s: float) -> float:
    """Return the time of the last keyframe at or before a time; of the first one where there is none."""
    found = None
    for back_s in (*_LOOK_BACK_S, start_s):
        seek(source, streams, start_s - back_s)
        for packet in source.demux(streams.picture):
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
        raise ExportError("The picture has no keyframe whose time is known. Encode anew with --exact.")
    return found


def _copy(
    source: InputContainer,
    made: OutputContainer,
    streams: Streams,
    copied: dict[int, Any],
    span_s: tuple[float, float],
) -> tuple[float, float]:
    """Copy the packets from a keyframe to an end; return when the first one begins and the last one ends."""
    first_s, end_s = span_s
    open_streams = {each.index for each in streams.all}
    begun = streams.picture is None
    begins_s, last_s = end_s, 0.0
    # Frames at or after the end are kept back: those that come before the end may need them.
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
        picture = streams.picture is not None and index == streams.picture.index
        begun = begun or (picture and packet.is_keyframe and time_s >= first_s - 1e-6)
        if time_s < first_s - 1e-6 or (picture and not begun):
            continue  # sound before the keyframe, or pictures that need what is before it
        if time_s >= end_s:
            waiting += [packet] if picture else []
            continue
        ready = [*waiting, packet] if picture else [packet]
        waiting = [] if picture else waiting
        for each in ready:
            ends_s = float((each.pts + (each.duration or 0)) * each.time_base) - streams.origin_s
            begins_s, last_s = min(begins_s, time_s), max(last_s, ends_s)
            _moved(each, first_s + streams.origin_s)
            each.stream = copied[index]
            made.mux(each)
    return (first_s if streams.picture else begins_s), last_s


def _ordered(packets: Iterator[Any]) -> Iterator[Any]:
    """Give each packet a decoding time: Matroska has none, and FFmpeg finds it only after some packets."""
    held: dict[int, list[Any]] = {}
    for packet in packets:
        if not packet.size:
            continue
        if packet.pts is None:
            raise ValueError("packets have no times")
        waiting = held.setdefault(packet.stream.index, [])
        waiting.append(packet)
        if packet.dts is not None:
            for place, each in enumerate(waiting):
                each.dts = packet.dts - (len(waiting) - 1 - place) * (packet.duration or 1)
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
