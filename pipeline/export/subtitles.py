"""Subtitles as SubRip and WebVTT."""

import re
from collections.abc import Iterator, Sequence

from pipeline.export.cues import DASH, Cue, limits_for, make_cues
from pipeline.export.text import milliseconds, one_line, stamp
from pipeline.lake import VideoRecord
from schemas.records import Subtitle

_MARKUP = re.compile(r"([<{])(?=[A-Za-z/\\!?])")
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def srt(video: VideoRecord, *, translation: bool = False) -> str:
    """Write subtitles as SubRip.

    The format cannot name speakers, so a dash marks each of several that are shown at once. It cannot escape markup
    either, so an invisible character (U+2060) breaks what players would take for markup.

    Args:
        video: The video.
        translation: Write translations of utterances that have one.
    """
    blocks = []
    for number, (cue, start_ms, end_ms) in enumerate(_clocked(video, translation=translation), 1):
        lines = (_MARKUP.sub("\\1\u2060", line.replace("-->", "→")) for line in cue.texts)
        text = "\n".join(DASH * cue.at_once + line for line in lines)
        blocks.append(f"{number}\n{stamp(start_ms, decimal=',')} --> {stamp(end_ms, decimal=',')}\n{text}\n")
    return "\n".join(blocks)


def webvtt(video: VideoRecord, *, translation: bool = False) -> str:
    """Write subtitles as WebVTT, with speakers as voices, aligned times of words, and the language in the header.

    Subtitles in another language are tagged with it.

    Args:
        video: The video.
        translation: Write translations of utterances that have one.
    """
    language = _language(video, translation=translation)
    header = "WEBVTT\nKind: " + ("subtitles" if translation else "captions")
    blocks = [f"{header}\nLanguage: {one_line(language)}\n" if language else f"{header}\n"]
    for cue, start_ms, end_ms in _clocked(video, translation=translation):
        voice = f"<v {escaped(one_line(cue.speaker))}>" if cue.speaker else ""
        text = "\n".join(_timed_lines(cue, start_ms, end_ms))
        spoken = {piece.language for line in cue.lines for piece in line} - {language}
        # A subtitle in two languages has no tag: it would be half wrong.
        if len(spoken) == 1 and all(piece.language in spoken for line in cue.lines for piece in line):
            text = f"<lang {escaped(one_line(spoken.pop()))}>{text}</lang>"
        text = voice + text
        blocks.append(f"{stamp(start_ms)} --> {stamp(end_ms)}\n{text}\n")
    return "\n".join(blocks)


def srt_of_lines(lines: Sequence[Subtitle]) -> str:
    """Write subtitles that came with a video as SubRip, line by line as they are."""
    blocks = []
    for number, (line, start_ms, end_ms) in enumerate(_clocked_lines(lines), 1):
        text = "\n".join(_MARKUP.sub("\\1\u2060", one_line(part).replace("-->", "→")) for part in line.text.split("\n"))
        blocks.append(f"{number}\n{stamp(start_ms, decimal=',')} --> {stamp(end_ms, decimal=',')}\n{text}\n")
    return "\n".join(blocks)


def webvtt_of_lines(lines: Sequence[Subtitle]) -> str:
    """Write subtitles that came with a video as WebVTT, line by line as they are."""
    language = next((line.language for line in lines if line.language), None)
    blocks = [f"WEBVTT\nKind: subtitles\n{f'Language: {language}' + chr(10) if language else ''}"]
    for line, start_ms, end_ms in _clocked_lines(lines):
        text = "\n".join(escaped(one_line(part)) for part in line.text.split("\n"))
        blocks.append(f"{stamp(start_ms)} --> {stamp(end_ms)}\n{text}\n")
    return "\n".join(blocks)


def escaped(text: str) -> str:
    """Escape a text for WebVTT."""
    return text.translate(_ENTITIES)


def _language(video: VideoRecord, *, translation: bool) -> str | None:
    translated = translation and any(each.translation is not None for each in video.utterances)
    return "en" if translated else video.language


def _clocked(video: VideoRecord, *, translation: bool) -> list[tuple[Cue, int, int]]:
    """Return subtitles in order with their times in milliseconds. Each lasts at least 1 ms and ends before the next.

    Subtitles that may be shown at once only end before the next one of the same speaker.
    """
    cues = make_cues(video.utterances, limits_for(_language(video, translation=translation)), translation=translation)
    clocked: list[tuple[Cue, int, int]] = []
    free_ms: dict[str | None, int] = {}
    turn_ms = last_ms = 0
    for cue in cues:
        if not cue.at_once:
            turn_ms = last_ms
        start_ms = max(milliseconds(cue.start_s), turn_ms, free_ms.get(cue.speaker, 0))
        end_ms = max(milliseconds(cue.end_s), start_ms + 1)
        free_ms[cue.speaker] = end_ms
        last_ms = max(last_ms, end_ms)
        if not cue.at_once:
            turn_ms = end_ms
        clocked.append((cue, start_ms, end_ms))
    return sorted(clocked, key=lambda each: each[1])


def _clocked_lines(lines: Sequence[Subtitle]) -> Iterator[tuple[Subtitle, int, int]]:
    for line in lines:
        start_ms = milliseconds(line.start_s)
        yield line, start_ms, max(milliseconds(line.end_s), start_ms + 1)


def _timed_lines(cue: Cue, start_ms: int, end_ms: int) -> Sequence[str]:
    """Return the lines with the times of aligned words, except the first, which starts with the subtitle."""
    lines = []
    last_ms = start_ms
    for line in cue.lines:
        parts = []
        for number, piece in enumerate(line):
            space = " " if piece.spaced and number else ""
            at_ms = milliseconds(piece.start_s)
            if piece.timed and last_ms < at_ms < end_ms:
                space += f"<{stamp(at_ms)}>"
                last_ms = at_ms
            parts.append(space + escaped(piece.text))
        lines.append("".join(parts))
    return cue.noted(lines)
