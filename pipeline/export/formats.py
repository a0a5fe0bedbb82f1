"""Export formats, by name and by file extension.

To add a format: write a function from a `VideoRecord` to text in a module of this package, add it to `FORMATS`, and add
its name to `schemas/export.py`, from where the command line takes it.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path

from pipeline.export import chapters, edl, otio, subtitles, transcripts
from pipeline.export.cuts import Cut, shots_of
from pipeline.lake import VideoRecord
from schemas.errors import ConfigurationError, ExportError
from schemas.export import STDOUT
from schemas.records import Subtitle


@dataclass(frozen=True, slots=True)
class Options:
    """Options of an export."""

    translation: bool = False
    fps: Fraction | None = None
    drop_frame: bool = False
    source: str | None = None
    """What came with the video is written instead: for chapters `file`, for subtitles their source."""


@dataclass(frozen=True, slots=True)
class Format:
    """An export format."""

    name: str
    ending: str
    meaning: str
    needs: str
    """What a video must have: an attribute of `VideoRecord` that is not empty."""
    write: Callable[[VideoRecord, Options], str]
    takes: frozenset[str] = frozenset()
    """Fields of `Options` that the format supports."""
    write_cuts: Callable[[Sequence[Cut], Options], str] | None = None
    """Writes time ranges of several videos, if the format can hold them."""
    needs_of_source: str = ""
    """What a video must have instead of `needs` if `Options.source` is set."""

    def lacks(self, video: VideoRecord, options: Options) -> str:
        """Return what a video lacks for this format; empty if it has everything."""
        needed = self.needs_of_source if options.source else self.needs
        return "" if getattr(video, needed) else needed.replace("_", " ")

    def text(self, video: VideoRecord, options: Options) -> str:
        """Write a video in this format.

        Raises:
            ExportError: The video has nothing to write, or breaks a rule of the format.
        """
        if lacking := self.lacks(video, options):
            raise ExportError(f"{video.uri} has no {lacking}, so there is nothing to write as {self.name}.")
        return self.write(video, options)


def _spoken(
    name: str, meaning: str, write: Callable[..., str], write_lines: Callable[[Sequence[Subtitle]], str]
) -> Format:
    def write_spoken(video: VideoRecord, options: Options) -> str:
        if options.source:
            if options.translation:
                raise ExportError("Subtitles that came with a video have no translation. Leave out --translation.")
            return write_lines(_lines_of(video, options.source))
        translated = video.language == "en" or any(each.translation is not None for each in video.utterances)
        if options.translation and not translated:
            message = f"{video.uri} has no translation. `videolake run … --set speech.translate=true` makes one."
            raise ExportError(message)
        return write(video, translation=options.translation)

    takes = frozenset({"translation", "source"})
    return Format(name, f".{name}", meaning, "utterances", write_spoken, takes, needs_of_source="subtitles")


def _lines_of(video: VideoRecord, source: str) -> list[Subtitle]:
    """Return the subtitles of a source, named as in the lake, or by the start of its name, or by a language.

    Raises:
        ExportError: There is none, or there are several.
    """
    sources = video.subtitle_sources
    wanted = source.casefold()
    for fits in (
        [name for name in sources if name.casefold() == wanted],
        [name for name in sources if name.casefold().startswith(f"{wanted} (")],
        [name for name, language in sources.items() if language == wanted],
    ):
        if len(fits) == 1:
            return [line for line in video.subtitles if line.source == fits[0]]
    listed = "; ".join(f"{name} ({language or 'language unknown'})" for name, language in sources.items())
    raise ExportError(f"{video.uri} has no single source of subtitles {source!r}. It has: {listed}.")


def _chapters(name: str, ending: str, meaning: str, made_by: Callable[[VideoRecord], str]) -> Format:
    def write(video: VideoRecord, options: Options) -> str:
        if options.source not in {None, _FILE}:
            raise ExportError(f"Chapters have no source {options.source!r}. --source {_FILE} writes those of the file.")
        return made_by(
            replace(video, summary=replace(video.summary, chapters=video.file_chapters)) if options.source else video
        )

    return Format(name, ending, meaning, "chapters", write, frozenset({"source"}), needs_of_source="file_chapters")


def _of_cuts(name: str, ending: str, meaning: str, takes: Collection[str], made_by: Callable[..., str]) -> Format:
    def write_cuts(cuts: Sequence[Cut], options: Options) -> str:
        return made_by(cuts, fps=options.fps, drop_frame=options.drop_frame)

    def write(video: VideoRecord, options: Options) -> str:
        return write_cuts(shots_of(video), options)

    return Format(name, ending, meaning, "shots", write, frozenset(takes), write_cuts)


_FILE = "file"

FORMATS = {
    each.name: each
    for each in (
        _spoken("srt", "Subtitles, SubRip.", subtitles.srt, subtitles.srt_of_lines),
        _spoken("vtt", "Subtitles, WebVTT: speakers, times.", subtitles.webvtt, subtitles.webvtt_of_lines),
        _spoken("txt", "Transcript to read.", transcripts.plain, transcripts.plain_lines),
        Format(
            "json", ".json", "Transcript for programs.", "utterances", lambda video, _: transcripts.as_json(video),
            frozenset({"translation"}),
        ),
        _chapters("chapters-vtt", ".chapters.vtt", "Chapters, WebVTT.", chapters.chapters_webvtt),
        _chapters("ffmetadata", ".ffmetadata", "Chapters for FFmpeg.", chapters.ffmetadata),
        _chapters("youtube", ".youtube.txt", "Chapters for YouTube.", chapters.youtube),
        _of_cuts("edl", ".edl", "Shots as an edit decision list, CMX 3600.", ("fps", "drop_frame"), edl.edl),
        _of_cuts("otio", ".otio", "Shots as OpenTimelineIO.", ("fps",), otio.timeline),
    )
}  # fmt: skip
"""By name."""


def format_of(name: str | None, output: Path | None, options: Options | None = None) -> Format:
    """Return the format with a name, or else the format of a file extension.

    Args:
        name: Name of the format.
        output: The file to write.
        options: Options to check.

    Raises:
        ConfigurationError: Neither gives a format, or the format does not support an option.
    """
    found = _named(name, output)
    asked = {name for name, value in asdict(options or Options()).items() if value}
    if unknown := sorted(asked - found.takes):
        listed = " and ".join(f"--{each.replace('_', '-')}" for each in unknown)
        raise ConfigurationError(f"{found.name} takes no {listed}.")
    return found


def _named(name: str | None, output: Path | None) -> Format:
    if name is not None:
        return FORMATS[name]
    if output is not None:
        # The longest first: `.chapters.vtt` is also a `.vtt`.
        for each in sorted(FORMATS.values(), key=lambda each: -len(each.ending)):
            if output.name.lower().endswith(each.ending):
                return each
    unknown = "" if output in {None, STDOUT} else f"No format has the ending of {output.name}. "
    raise ConfigurationError(f"{unknown}Name a format with --format: {', '.join(FORMATS)}.")
