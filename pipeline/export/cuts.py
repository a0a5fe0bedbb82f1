"""Cuts for an editing program: the shots of one video, or time ranges of several."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.export.text import one_line
from pipeline.lake import VideoRecord, file_name

_LONGEST_NOTE = 120


@dataclass(frozen=True, slots=True)
class Marker:
    """A note at a time of a video."""

    time_s: float
    text: str
    chapter: bool
    """Whether it is the title of a chapter; else it is speech."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A time range of a video, with markers."""

    video: VideoRecord
    start_s: float
    end_s: float
    name: str
    markers: tuple[Marker, ...]


def shots_of(video: VideoRecord) -> list[Cut]:
    """Return the shots of a video, each with the chapters and utterances that start in it."""
    return cuts_of(video, [(shot.start_s, shot.end_s, f"Shot {shot.index + 1}") for shot in video.shots])


def cuts_of(video: VideoRecord, spans: Sequence[tuple[float, float, str]]) -> list[Cut]:
    """Return time ranges of a video, each with the chapters and utterances that start in it.

    Args:
        video: The video.
        spans: Start in seconds, end in seconds, and name of each.
    """
    markers = [
        *(Marker(chapter.start_s, _note(chapter.title), chapter=True) for chapter in video.chapters),
        *(Marker(each.start_s, _note(each.text), chapter=False) for each in video.utterances),
    ]
    markers = sorted((marker for marker in markers if marker.text), key=lambda marker: marker.time_s)
    times_s = [marker.time_s for marker in markers]
    return [
        Cut(video, start_s, end_s, name, tuple(markers[bisect_left(times_s, start_s) : bisect_left(times_s, end_s)]))
        for start_s, end_s, name in spans
    ]


def title_of(cuts: Sequence[Cut]) -> str:
    """Return a title for a timeline of these cuts."""
    names = {cut.video.uri: one_line(cut.video.headline) or one_line(file_name(cut.video.uri)) for cut in cuts}
    return next(iter(names.values())) if len(names) == 1 else f"Moments of {len(names)} videos"


def _note(text: str) -> str:
    line = one_line(text)
    return line if len(line) <= _LONGEST_NOTE else line[: _LONGEST_NOTE - 1] + "…"
