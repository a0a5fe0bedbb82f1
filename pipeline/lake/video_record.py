"""What the lake says of one video, gathered for showing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from pipeline.lake.lake import Lake
from pipeline.lake.query import fetch
from pipeline.lake.text import well_formed
from schemas.errors import LakeError
from schemas.records import Chapter, Evidence, Failure, Highlight, Label, Shot, SummarySentence

_MIN_PREFIX = 4
_LISTED = 10

_PLACES = """
SELECT DISTINCT video_id, uri FROM (
    SELECT video_id, uri, unnest(uris) AS place FROM videos
    UNION ALL
    SELECT videos.video_id, videos.uri, sources.uri FROM sources JOIN videos ON videos.video_id = sources.video_id
)
"""
_RULES = (
    ("video_id = $video", ("video",)),
    ("place IN ($video, $path)", ("video", "path")),
    ("parse_filename(place) = $video OR parse_filename(place, true) = $video", ("video",)),
    ("starts_with(video_id, lower($video))", ("video",)),
)
"""What may name a video, the surest first: its id, a place, a file name with or without ending, the start of its id."""
_NEAREST = """
SELECT parse_filename(uri) AS name FROM videos
GROUP BY name ORDER BY jaro_winkler_similarity(lower(name), lower($video)) DESC, name LIMIT $most
"""
_NEAR = 3


@dataclass(frozen=True, slots=True)
class TranscriptLine:
    """An utterance, as people read it."""

    start_s: float
    end_s: float
    text: str
    speaker: str | None
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VideoDescription:
    """All that is worth showing of a video."""

    video_id: str
    uri: str
    uris: tuple[str, ...]
    status: str
    headline: str
    """Empty for a video that failed."""
    facts: tuple[tuple[str, str], ...]
    """Name and value, in the order to show them."""
    chapters: tuple[Chapter, ...]
    summary: tuple[SummarySentence, ...]
    abstract: tuple[SummarySentence, ...]
    """In a model's own words; empty unless one was asked for."""
    abstract_source: str
    abstract_dropped: int
    """Sentences of that model that were left out, as the video does not support them."""
    highlights: tuple[Highlight, ...]
    topics: tuple[Label, ...]
    keyphrases: tuple[Label, ...]
    labels: tuple[Label, ...]
    transcript: tuple[TranscriptLine, ...]
    shots: tuple[Shot, ...]
    warnings: tuple[str, ...]
    error: Failure | None


def describe_video(lake: Lake, video: str) -> VideoDescription:
    """Gather what the lake says of one video.

    Args:
        lake: The lake.
        video: Id, start of an id that no other has (4 characters at least), file name, path or URI.

    Raises:
        LakeError: No video is called so, or several are; the message lists them.
    """

    def read(connection: duckdb.DuckDBPyConnection) -> VideoDescription:
        return _described(connection, find_video(connection, video))

    return lake.read(read)


def _described(connection: duckdb.DuckDBPyConnection, video_id: str) -> VideoDescription:
    row = rows_of_video(connection, "videos", video_id)[0]
    summary = next(iter(rows_of_video(connection, "summaries", video_id)), None)
    error = next(iter(rows_of_video(connection, "errors", video_id)), None)
    shots = rows_of_video(connection, "shots", video_id, order="shot_index")
    lines = "utterance_index, start_s, end_s, text, speaker, flags"
    utterances = rows_of_video(connection, "utterances", video_id, lines, order="utterance_index")
    return VideoDescription(
        video_id=video_id,
        uri=row["uri"],
        uris=tuple(row["uris"]),
        status=row["status"],
        headline=summary["headline"] if summary else "",
        facts=tuple(_facts(row).items()),
        chapters=tuple(Chapter(**each) for each in _each(summary, "chapters")),
        summary=tuple(_sentence(each) for each in _each(summary, "sentences")),
        abstract=tuple(_sentence(each) for each in _each(summary, "abstract")),
        abstract_source=(summary["abstract_source"] or "") if summary else "",
        abstract_dropped=(summary["abstract_dropped"] or 0) if summary else 0,
        highlights=tuple(Highlight(**each) for each in _each(summary, "highlights")),
        topics=tuple(Label(**each) for each in _each(summary, "topics")),
        keyphrases=tuple(Label(**each) for each in _each(summary, "keyphrases")),
        labels=tuple(Label(**each) for each in _each(summary, "labels")),
        transcript=tuple(_line(each) for each in utterances),
        shots=tuple(_shot(each) for each in shots),
        warnings=tuple(row["warnings"]),
        error=_failure(error) if error else None,
    )


def clock(seconds: float) -> str:
    """Write a time as `1:02:03` or `2:03`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def find_video(connection: duckdb.DuckDBPyConnection, video: str) -> str:
    """Return the id of the video that goes by a name.

    Args:
        connection: Of `Lake.connect`.
        video: Id, start of an id that no other has (4 characters at least), file name, path or URI.

    Raises:
        LakeError: No video is called so, or several are; the message lists them.
    """
    video = well_formed(video)
    values = {"video": video, "path": str(Path(video).absolute())}
    for condition, names in _RULES:
        if condition.startswith("starts_with") and len(video) < _MIN_PREFIX:
            continue
        bound = {name: values[name] for name in names}
        found = connection.execute(f"{_PLACES} WHERE {condition} ORDER BY uri", bound).fetchall()
        if len(found) > 1:
            listed = "\n".join(f"  {video_id}  {uri}" for video_id, uri in found[:_LISTED])
            more = f"\n  and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
            raise LakeError(f"{video} may be any of {len(found)} videos; name one by its id:\n{listed}{more}")
        if found:
            return str(found[0][0])
    listing = 'videolake sql "SELECT video_id, uri FROM videos"'
    near = [name for (name,) in connection.execute(_NEAREST, {"video": video, "most": _NEAR}).fetchall()]
    named = f" Names most like it: {', '.join(near)}." if near else ""
    raise LakeError(f"There is no video {video} in the lake.{named} `{listing}` lists them.")


def rows_of_video(
    connection: duckdb.DuckDBPyConnection, table: str, video_id: str, columns: str = "*", order: str = "video_id"
) -> list[dict[str, Any]]:
    """Read what a table says of a video.

    Args:
        connection: Of the lake.
        table: Its name, not a person's words; so are columns and order.
        video_id: Whole id.
        columns: Which, in SQL.
        order: By which of them.
    """
    query = f"SELECT {columns} FROM {table} WHERE video_id = $video ORDER BY {order}"  # noqa: S608 - fixed names
    return fetch(connection, query, video=video_id)


def _each(row: Mapping[str, Any] | None, column: str) -> list[dict[str, Any]]:
    """Return the items of a list; none where the lake's format is too old to have the column."""
    return list(row[column] or ()) if row else []


def _sentence(row: Mapping[str, Any]) -> SummarySentence:
    return SummarySentence(row["text"], row["score"], tuple(Evidence(**each) for each in row["evidence"]))


def _line(row: Mapping[str, Any]) -> TranscriptLine:
    return TranscriptLine(row["start_s"], row["end_s"], row["text"], row["speaker"], tuple(row["flags"]))


def _shot(row: Mapping[str, Any]) -> Shot:
    return Shot(row["shot_index"], row["start_s"], row["end_s"], row["transition"], row["score"])


def _failure(row: Mapping[str, Any]) -> Failure:
    return Failure(row["stage"], row["kind"], row["message"], row["traceback"], row["attempts"])


def _facts(row: Mapping[str, Any]) -> dict[str, str]:
    facts = {"Length": clock(row["duration_s"])}
    if row["has_video"]:
        fps = f", {row['fps']:.4g} frames/s" if row["fps"] else ""
        turned = f", turned by {row['rotation']}°" if row["rotation"] else ""
        facts["Picture"] = f"{row['width']} x {row['height']}{fps}, {row['video_codec']}{turned}"
    if row["has_audio"]:
        tracks = f", {row['audio_tracks']} tracks" if row["audio_tracks"] > 1 else ""
        facts["Sound"] = f"{row['audio_codec']}{tracks}"
    if row["language"]:
        facts["Language"] = f"{row['language']} ({row['language_probability']:.0%})"
        facts["Speech"] = f"{clock(row['speech_s'])}, {row['words']} words"
    if row["status"] == "ok":
        facts["Found"] = f"{row['shots']} shots, {row['frames']} keyframes, {row['scenes']} scenes"
    facts["Size"] = _megabytes(row["size_bytes"])
    if row["corrupt_packets"]:
        facts["Damage"] = f"{row['corrupt_packets']} packets could not be decoded"
    compute_s = sum(seconds for _, seconds in row["timings_s"])
    if compute_s:
        facts["Computed in"] = f"{compute_s:.1f} s ({row['duration_s'] / compute_s:.1f} x real time)"
    facts["Written"] = _moment(row["committed_at"])
    facts["Revision"] = row["revision"]
    return facts


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.1f} MB" if size_bytes >= 100_000 else f"{size_bytes:,} bytes"


def _moment(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
