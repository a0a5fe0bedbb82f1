"""Lines of text subtitles, from the tracks of a file and from subtitle files. FFmpeg decodes both."""

import re
import struct
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any, cast

import av
from av.container import InputContainer

from pipeline.analysis.media.metadata import codec_name, language_of, title_of
from pipeline.analysis.media.timeline import seconds
from pipeline.language import clean, language_code
from schemas.records import Subtitle

_MAX_TRACKS = 64
_MAX_LINES = 50_000
_MAX_ALL_LINES = 100_000
_MAX_LENGTH = 2_000
_MAX_SHOWN_S = 10.0
"""A line without a duration is shown until the next one, and no longer than this."""
_STYLE = re.compile(r"\{\\[^}]*\}")
_STYLE_OR_COMMENT = re.compile(r"\{[^}]*\}")
_DRAWING = re.compile(r"\{[^}]*\\p[1-9]")
_BREAK = re.compile(r"\\[Nnh]")


@dataclass(slots=True)
class SubtitleTrack:
    """Collects the lines of one track. Memory is bounded: no more than 50,000 lines of 2,000 characters are kept.

    Args:
        stream: A PyAV stream of text subtitles.
        source: Name of the track or file.
        language: ISO 639-1; None if unknown.
        index: Index of the track in its video; None for a subtitle file.
    """

    stream: Any
    source: str
    language: str | None
    index: int | None
    lines: list[Subtitle] = field(default_factory=list)
    unreadable: int = 0
    """Lines that could not be decoded."""
    left_out: int = 0

    def add(self, packet: Any, offset_s: float) -> None:  # noqa: ANN401 - a PyAV packet
        """Decode a packet.

        Args:
            packet: A packet of the stream.
            offset_s: Seconds from the time of the packet to its time in the video.
        """
        if packet.pts is None or not packet.size:
            return
        if len(self.lines) >= _MAX_LINES:
            self.left_out += 1
            return
        text = self._text(packet)
        start_s = seconds(packet.pts, packet.time_base) + offset_s
        end_s = start_s + seconds(packet.duration or 0, packet.time_base)
        if not text or end_s < 0:
            return
        last = self.lines[-1] if self.lines else None
        if last is None or (last.text, last.end_s) != (text, end_s):  # layers of an outline repeat a line
            self.lines.append(Subtitle(0, max(0.0, start_s), end_s, text, self.language, self.source, self.index))

    def finish(self, duration_s: float) -> list[Subtitle]:
        """Return the lines in order of time, within the video."""
        self.lines.sort(key=lambda line: line.start_s)
        return list(_within(self.lines, duration_s))

    def notes(self) -> Iterator[str]:
        """Yield what a reader of the lines must know."""
        if self.unreadable:
            yield f"{self.unreadable} lines of the subtitles {self.source} could not be read."
        if self.left_out:
            yield f"Only the first {_MAX_LINES} lines of the subtitles {self.source} were read."

    def _text(self, packet: Any) -> str:  # noqa: ANN401
        context = self.stream.codec_context
        try:
            found = context.decode(packet)
        except (av.error.FFmpegError, ValueError):  # a kind of line that PyAV does not know
            found = self._decoded_from_other_encoding(packet)
        styles = _STYLE_OR_COMMENT if codec_name(self.stream) == "ass" else _STYLE
        events = (line.ass.decode("utf-8", "replace").split(",", 8)[-1] for line in found if hasattr(line, "ass"))
        texts = (styles.sub("", event) for event in events if not _DRAWING.search(event))
        lines = (clean(line) for text in texts for line in _BREAK.sub("\n", text).splitlines())
        return "\n".join(filter(None, lines))[:_MAX_LENGTH]

    def _decoded_from_other_encoding(self, packet: Any) -> Sequence[Any]:  # noqa: ANN401
        """Decode a line that is not UTF-8, as old tools wrote it, as Windows-1252."""
        data = bytes(packet)
        prefixed = codec_name(self.stream) == "mov_text"
        text = data[2 : 2 + int.from_bytes(data[:2])] if prefixed else data
        recoded = text.decode("cp1252", "replace").encode()
        try:
            packet = av.Packet(struct.pack(">H", len(recoded)) * prefixed + recoded)
            return cast("Sequence[Any]", self.stream.codec_context.decode(packet))
        except (av.error.FFmpegError, ValueError, struct.error):
            self.unreadable += 1
            return ()


class SubtitleReader:
    """Reads the text subtitles of a file. Subtitles that are images are left out.

    Args:
        container: The file.
        origin_s: Start of the video on the clock of the file.
    """

    def __init__(self, container: InputContainer, origin_s: float) -> None:
        streams = [each for each in container.streams.subtitles if _is_text(each)]
        self._origin_s = origin_s
        self._tracks = {
            each.index: SubtitleTrack(each, _name(each), language_code(language_of(each)), each.index)
            for each in streams[:_MAX_TRACKS]
        }

    @property
    def indexes(self) -> Set[int]:
        """Indexes of the streams to read."""
        return self._tracks.keys()

    def add(self, packet: Any, offset_s: float) -> None:  # noqa: ANN401 - a PyAV packet
        """Decode a packet of one of the streams.

        Args:
            packet: The packet.
            offset_s: Seconds to add to its time to repair the clock of the file.
        """
        self._tracks[packet.stream_index].add(packet, offset_s - self._origin_s)

    def finish(
        self, files: Sequence[SubtitleTrack], duration_s: float, warn: Callable[[str], None]
    ) -> tuple[Subtitle, ...]:
        """Return the lines of all tracks and files, one after another, and warn about what is missing.

        Args:
            files: Subtitle files beside the video.
            duration_s: Measured duration of the video; what lies beyond is left out.
            warn: Called with a message for each problem.
        """
        tracks = (*self._tracks.values(), *files)
        for note in (note for track in tracks for note in track.notes()):
            warn(note)
        lines = tuple(line for track in tracks for line in track.finish(duration_s))
        if len(lines) > _MAX_ALL_LINES:
            warn(f"Only the first {_MAX_ALL_LINES} of {len(lines)} lines of subtitles are in the lake.")
        return lines[:_MAX_ALL_LINES]


def _is_text(stream: Any) -> bool:  # noqa: ANN401
    return stream.codec_context is not None and stream.codec_context.codec.text_sub


def _name(stream: Any) -> str:  # noqa: ANN401
    title = title_of(stream)
    return f"track {stream.index}" + (f" ({title})" if title else "")


def _within(lines: Sequence[Subtitle], duration_s: float) -> Iterator[Subtitle]:
    next_starts_s = [*(line.start_s for line in lines[1:]), duration_s]
    for line, next_s in zip(lines, next_starts_s, strict=False):
        end_s = line.end_s if line.end_s > line.start_s else min(next_s, line.start_s + _MAX_SHOWN_S)
        if line.start_s < duration_s:
            yield replace(line, end_s=min(max(end_s, line.start_s), duration_s))
