"""The forms in which a video is exported, by name and by the ending of the file."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

from pipeline.export import chapters, edl, otio, subtitles, transcripts
from pipeline.export.cuts import Cut, shots_of
from pipeline.lake import VideoRecord
from schemas.errors import ConfigurationError, ExportError


@dataclass(frozen=True, slots=True)
class Options:
    """What can be asked of an export."""

    translation: bool = False
    fps: Fraction | None = None
    drop_frame: bool = False


@dataclass(frozen=True, slots=True)
class Format:
    """A form in which a video is exported."""

    name: str
    ending: str
    meaning: str
    needs: str
    """What a video must have for it: a field of `VideoRecord` that is not empty."""
    write: Callable[[VideoRecord, Options], str]
    takes: frozenset[str] = frozenset()
    """Fields of `Options` that make a difference."""
    write_cuts: Callable[[Sequence[Cut], Options], str] | None = None
    """Writes stretches of any videos, where the form holds such."""

    def text(self, video: VideoRecord, options: Options) -> str:
        """Write a video in this form.

        Raises:
            ExportError: The video has nothing to write, or it breaks a rule of the form.
        """
        if not getattr(video, self.needs):
            raise ExportError(f"{video.uri} has no {self.needs}, so there is nothing to write as {self.name}.")
        return self.write(video, options)


def _spoken(write: Callable[..., str]) -> Callable[[VideoRecord, Options], str]:
    return lambda video, options: write(video, translation=options.translation)


def _whole(write: Callable[[VideoRecord], str]) -> Callable[[VideoRecord, Options], str]:
    return lambda video, _: write(video)


def _of_cuts(name: str, ending: str, meaning: str, takes: Collection[str], made_by: Callable[..., str]) -> Format:
    def write_cuts(cuts: Sequence[Cut], options: Options) -> str:
        return made_by(cuts, fps=options.fps, drop_frame=options.drop_frame)

    def write(video: VideoRecord, options: Options) -> str:
        return write_cuts(shots_of(video), options)

    return Format(name, ending, meaning, "shots", write, frozenset(takes), write_cuts)


_SPOKEN = frozenset({"translation"})
"""What forms of speech take; the transcript for programs has translations anyway."""

FORMATS = {
    each.name: each
    for each in (
        Format("srt", ".srt", "Subtitles, SubRip.", "utterances", _spoken(subtitles.srt), _SPOKEN),
        Format("vtt", ".vtt", "Subtitles, WebVTT: speakers, times.", "utterances", _spoken(subtitles.webvtt), _SPOKEN),
        Format("txt", ".txt", "Transcript to read.", "utterances", _spoken(transcripts.plain), _SPOKEN),
        Format("json", ".json", "Transcript for programs.", "utterances", _whole(transcripts.as_json), _SPOKEN),
        Format("chapters-vtt", ".chapters.vtt", "Chapters, WebVTT.", "chapters", _whole(chapters.chapters_webvtt)),
        Format("ffmetadata", ".ffmetadata", "Chapters for FFmpeg.", "chapters", _whole(chapters.ffmetadata)),
        Format("youtube", ".youtube.txt", "Chapters for YouTube.", "chapters", _whole(chapters.youtube)),
        _of_cuts("edl", ".edl", "Shots as an edit decision list, CMX 3600.", ("fps", "drop_frame"), edl.edl),
        _of_cuts("otio", ".otio", "Shots as OpenTimelineIO.", ("fps",), otio.timeline),
    )
}  # fmt: skip
"""By name."""


def format_of(name: str | None, output: Path | None, options: Options | None = None) -> Format:
    """Return the form that was asked for by name, or that the file's ending tells.

    Args:
        name: Of the form.
        output: The file.
        options: What is asked of it.

    Raises:
        ConfigurationError: Neither tells, or the form does not know what is asked.
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
        for each in sorted(FORMATS.values(), key=lambda form: -len(form.ending)):
            if output.name.lower().endswith(each.ending):
                return each
    raise ConfigurationError(f"Name a format with --format: {', '.join(FORMATS)}.")
