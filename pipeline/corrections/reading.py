"""Read transcripts that people corrected: SubRip, WebVTT, CSV and JSON."""

import csv
import html
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.analysis.media import decoded
from pipeline.language import parse_time
from schemas.errors import ConfigurationError

MAX_BYTES = 50_000_000
_STAMP = r"(?:\d+:)?\d{1,2}:\d{2}[.,]\d{1,3}"
_TIMES = re.compile(rf"^\s*({_STAMP})\s*-->\s*({_STAMP})")
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]*)>")
_VTT_TAG = re.compile(r"<[^>]*>")
_SRT_TAG = re.compile(r"</?(?:i|b|u|s|font)\b[^>]*>|\{\\[^}]*\}", re.IGNORECASE)
_INVISIBLE = "\u2060"
"""The SubRip export breaks what players would take for markup with it."""
_DASH = re.compile(r"^\s*[-–—]\s+")
_NAMES = {
    "start": ("start_s", "start", "begin", "time"),
    "end": ("end_s", "end", "stop"),
    "text": ("text", "transcript", "caption"),
    "speaker": ("speaker", "who", "name"),
}
"""Names of CSV columns, the first that a file has."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a corrected transcript."""

    start_s: float
    end_s: float | None
    """None if the file does not tell."""
    text: str
    speaker: str | None
    """None if the file does not tell; empty if it tells that the speaker is unknown."""


@dataclass(frozen=True, slots=True)
class CorrectedTranscript:
    """A corrected transcript."""

    lines: tuple[Line, ...]
    """In order of time."""
    headline: str | None = None


def read_transcript(path: Path) -> CorrectedTranscript:
    """Read a file by its extension.

    Raises:
        ConfigurationError: The file cannot be read, or has no lines with times.
    """
    readers = {".srt": _read_srt, ".vtt": _read_vtt, ".csv": _read_csv, ".json": _read_json}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise ConfigurationError(f"{path} is no transcript. Name a {', '.join(readers)} file.")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"Cannot read {path}: {error.strerror or error}.") from error
    if len(data) > MAX_BYTES:
        raise ConfigurationError(f"{path} is larger than {MAX_BYTES // 10**6} MB.")
    text, _ = decoded(data, None)
    try:
        found = reader(text)
    except (ValueError, KeyError, TypeError, csv.Error, ConfigurationError) as error:
        raise ConfigurationError(f"{path} cannot be read as {path.suffix[1:].upper()}: {error}") from error
    if not found.lines:
        raise ConfigurationError(f"{path} has no lines with times.")
    return CorrectedTranscript(tuple(sorted(found.lines, key=lambda line: line.start_s)), found.headline)


def _read_srt(text: str) -> CorrectedTranscript:
    lines = []
    for start_s, end_s, content in _cues(text):
        plain = (_SRT_TAG.sub("", each).replace(_INVISIBLE, "") for each in content)
        lines += [Line(start_s, end_s, each, None) for each in _voices_of_dashes(list(plain))]
    return CorrectedTranscript(tuple(lines))


def _voices_of_dashes(content: list[str]) -> list[str]:
    """Return the texts of a subtitle: one for each dash if all lines have one, which marks a change of speaker."""
    if len(content) > 1 and all(_DASH.match(each) for each in content):
        return [_DASH.sub("", each) for each in content]
    return [" ".join(_DASH.sub("", each) for each in content)]


def _read_vtt(text: str) -> CorrectedTranscript:
    lines = []
    for start_s, end_s, content in _cues(text):
        joined = "\n".join(content)
        marks = list(_VOICE.finditer(joined))
        bounds = [*(each.start() for each in marks), len(joined)]
        parts = [(None, joined[: bounds[0]])] if joined[: bounds[0]].strip() or not marks else []
        voiced = [(html.unescape(each[1]).strip(), joined[each.end() : bounds[n + 1]]) for n, each in enumerate(marks)]
        for speaker, part in [*parts, *voiced]:
            lines.append(Line(start_s, end_s, html.unescape(_VTT_TAG.sub("", part)).replace("\n", " "), speaker))
    # A file that names some speakers says of the other lines that theirs is unknown.
    if any(line.speaker for line in lines):
        lines = [line if line.speaker else Line(line.start_s, line.end_s, line.text, "") for line in lines]
    return CorrectedTranscript(tuple(lines))


def _cues(text: str) -> Iterator[tuple[float, float, list[str]]]:
    """Yield the times and lines of each subtitle. Whatever has no times, such as a header or a note, is left out."""
    content: list[str] | None = None
    for each in [*text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), ""]:
        times = _TIMES.match(each)
        if times:
            start_s, end_s = (parse_time(stamp.replace(",", ".")) for stamp in times.groups())
            content = []
        elif content is not None and each.strip():
            content.append(each)
        elif content is not None:
            yield start_s, end_s, content
            content = None


def _read_csv(text: str) -> CorrectedTranscript:
    sample = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=sample.count)
    rows = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    given = {str(name).strip().casefold(): name for name in rows.fieldnames or ()}
    columns = {key: next((given[name] for name in names if name in given), None) for key, names in _NAMES.items()}
    if columns["start"] is None or columns["text"] is None:
        listed = ", ".join(given) or "no names"
        raise ValueError(f"it needs columns start_s and text, and its first line has {listed}.")
    lines = []
    for row in rows:
        value = {key: (row[name] or "") if name is not None else None for key, name in columns.items()}
        start, end = ((value[key] or "").strip() for key in ("start", "end"))
        if start:
            speaker = None if value["speaker"] is None else _cell(value["speaker"])
            end_s = _csv_time(end) if end else None
            lines.append(Line(_csv_time(start), end_s, _cell(value["text"] or ""), speaker))
    return CorrectedTranscript(tuple(lines))


def _cell(text: str) -> str:
    """Return a cell without the quotation mark that keeps spreadsheets from running it as a formula."""
    return (text[1:] if text[:1] == "'" and text[1:2] in set("=+-@\t\r") else text).strip()


def _csv_time(text: str) -> float:
    text = text.replace(",", ".")
    try:
        return max(0.0, float(text))
    except ValueError:
        return parse_time(text)


def _read_json(text: str) -> CorrectedTranscript:
    found = json.loads(text)
    rows = found["utterances"] if isinstance(found, dict) else found
    headline = found.get("headline") if isinstance(found, dict) else None
    lines = tuple(_json_line(row) for row in rows)
    return CorrectedTranscript(lines, headline if isinstance(headline, str) and headline.strip() else None)


def _json_line(row: Mapping[str, Any]) -> Line:
    end_s = row.get("end_s")
    speaker = (row["speaker"] or "") if "speaker" in row else None
    return Line(float(row["start_s"]), None if end_s is None else float(end_s), str(row["text"]), speaker)
