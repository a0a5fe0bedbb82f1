"""Chapters for players, FFmpeg and YouTube."""

import re
from collections.abc import Sequence
from dataclasses import replace

from pipeline.export.subtitles import escaped
from pipeline.export.text import milliseconds, one_line, stamp
from pipeline.lake import VideoRecord
from schemas.errors import ExportError
from schemas.records import Chapter

_SPECIAL = re.compile(r"([=;#\\\n])")
_YOUTUBE_CHAPTERS, _YOUTUBE_S = 3, 10


def chapters_webvtt(video: VideoRecord) -> str:
    """Write chapters as a WebVTT track of the kind `chapters`, for HTML's `<track>`."""
    blocks = ["WEBVTT\nKind: chapters\n"]
    for chapter, start_ms, end_ms in _clocked(video):
        blocks.append(f"{stamp(start_ms)} --> {stamp(end_ms)}\n{escaped(_title(chapter))}\n")
    return "\n".join(blocks)


def ffmetadata(video: VideoRecord) -> str:
    """Write chapters for FFmpeg: `ffmpeg -i talk.mp4 -i this -map_metadata 1 -codec copy out.mp4`."""
    lines = [";FFMETADATA1"]
    if video.headline:
        lines.append(f"title={_quoted(one_line(video.headline))}")
    for chapter, start_ms, end_ms in _clocked(video):
        lines += [
            "[CHAPTER]",
            "TIMEBASE=1/1000",
            f"START={start_ms}",
            f"END={end_ms}",
            f"title={_quoted(_title(chapter))}",
        ]
    return "\n".join(lines) + "\n"


def youtube(video: VideoRecord) -> str:
    """Write chapters for the description of a video on YouTube.

    YouTube requires at least three chapters of at least ten seconds, the first at 0:00. Shorter ones are joined with
    the one before.

    Raises:
        ExportError: There are fewer than three such chapters.
    """
    chapters = _long(video.chapters)
    if len(chapters) < _YOUTUBE_CHAPTERS:
        short = f" of {_YOUTUBE_S} s or longer" if len(chapters) < len(video.chapters) else ""
        raise ExportError(
            f"{video.uri} has {len(chapters)} chapter{'s' * (len(chapters) != 1)}{short}, and YouTube shows no "
            f"chapters if there are fewer than {_YOUTUBE_CHAPTERS}. chapters-vtt and ffmetadata have no such rule."
        )
    hours = chapters[-1].start_s >= 3600
    return "".join(f"{_clock(chapter.start_s, hours=hours)} {_youtube_title(chapter)}\n" for chapter in chapters)


def _long(chapters: Sequence[Chapter]) -> list[Chapter]:
    """Join chapters that are too short, in whole seconds as written, with the one before or after."""
    kept: list[Chapter] = []
    for chapter in chapters:
        start_s, end_s = int(chapter.start_s), int(chapter.end_s)
        if kept and (end_s - start_s < _YOUTUBE_S or kept[-1].end_s - int(kept[-1].start_s) < _YOUTUBE_S):
            kept[-1] = replace(kept[-1], end_s=chapter.end_s)
        else:
            kept.append(replace(chapter, start_s=chapter.start_s if kept else 0.0))
    return kept


def _clock(seconds: float, *, hours: bool) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _youtube_title(chapter: Chapter) -> str:
    return _title(chapter).replace("<", "(").replace(">", ")")  # YouTube refuses angle brackets


def _title(chapter: Chapter) -> str:
    return one_line(chapter.title) or "Chapter"


def _quoted(text: str) -> str:
    # FFmpeg takes a backslash at the end of a line, even an escaped one, to escape the end of the line.
    return _SPECIAL.sub(r"\\\1", f"{text} " if text.endswith("\\") else text)


def _clocked(video: VideoRecord) -> list[tuple[Chapter, int, int]]:
    """Return chapters with their times in milliseconds, each at least 1 ms long."""
    clocked = []
    for chapter in video.chapters:
        start_ms = milliseconds(chapter.start_s)
        clocked.append((chapter, start_ms, max(milliseconds(chapter.end_s), start_ms + 1)))
    return clocked
