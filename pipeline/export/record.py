"""One video as exports need it, read from the lake."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import duckdb
import pyarrow as pa

from pipeline.lake import Lake, find_video
from schemas.errors import LakeError
from schemas.records import Chapter, Shot, Utterance, Word

_BATCH = 256
"""Videos that are read, and held in memory, together."""

_COLUMNS = {
    "videos": "uri, status, language, duration_s, fps, frame_count, has_video, has_audio",
    "summaries": "headline, chapters",
    "shots": "shot_index, start_s, end_s, transition, score",
    "scenes": "start_s, end_s, caption",
    "utterances": """utterance_index, start_s, end_s, text, translation, language, speaker, words,
        avg_logprob, no_speech_prob, compression_ratio, flags""",
}


@dataclass(frozen=True, slots=True)
class SceneSpan:
    """When a scene is, and what it shows."""

    start_s: float
    end_s: float
    caption: str


@dataclass(frozen=True, slots=True)
class VideoRecord:
    """What the lake knows of one video that was analysed."""

    video_id: str
    uri: str
    headline: str
    language: str | None
    duration_s: float
    fps: float
    """Average frames a second; 0.0 without moving pictures."""
    frame_count: int
    has_video: bool
    has_audio: bool
    utterances: tuple[Utterance, ...]
    chapters: tuple[Chapter, ...]
    shots: tuple[Shot, ...]
    scenes: tuple[SceneSpan, ...]


def read_video(lake: Lake, video: str) -> VideoRecord:
    """Read one video.

    Args:
        lake: The lake.
        video: Its id, the start of its id, a path, URI or file name.

    Raises:
        LakeError: There is no such video, several may be meant, or its analysis failed.
    """

    def read(connection: duckdb.DuckDBPyConnection) -> tuple[str, list[VideoRecord]]:
        video_id = find_video(connection, video)
        return video_id, _read(connection, [video_id])

    video_id, found = lake.read(read)
    if not found:
        raise LakeError(f"{video} could not be analysed; `videolake show {video_id}` says why.")
    return found[0]


def read_videos(lake: Lake, video_ids: Sequence[str] | None = None) -> Iterator[VideoRecord]:
    """Read videos, some at a time; those whose analysis failed are left out.

    Args:
        lake: The lake.
        video_ids: Which, in the order wanted; None: all, in order of place.

    Raises:
        LakeError: The lake cannot be read.
    """
    wanted = _analysed(lake) if video_ids is None else video_ids
    for start in range(0, len(wanted), _BATCH):
        yield from lake.read(partial(_read, video_ids=wanted[start : start + _BATCH]))


def _analysed(lake: Lake) -> Sequence[str]:
    found = lake.sql("SELECT video_id FROM videos WHERE status = 'ok' ORDER BY uri, video_id")
    return [str(video_id) for video_id in found["video_id"].to_pylist()]


def _read(connection: duckdb.DuckDBPyConnection, video_ids: Sequence[str]) -> list[VideoRecord]:
    """Read some videos in the order named; those whose analysis failed are left out."""
    rows = {table: _rows(connection, table, columns, video_ids) for table, columns in _COLUMNS.items()}
    videos = {video_id: each[0] for video_id, each in rows["videos"].items() if each[0]["status"] == "ok"}
    return [_record(video_id, videos[video_id], rows) for video_id in video_ids if video_id in videos]


def _rows(
    connection: duckdb.DuckDBPyConnection, table: str, columns: str, video_ids: Sequence[str]
) -> dict[str, list[dict[str, Any]]]:
    """Return rows by video, ordered by the first column."""
    wanted = "video_id IN (SELECT unnest($ids))"
    query = f"SELECT video_id, {columns} FROM {table} WHERE {wanted} ORDER BY 2"  # noqa: S608 - fixed names
    found: pa.Table = connection.sql(query, params={"ids": list(video_ids)}).to_arrow_table()
    by_video: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in found.to_pylist():
        by_video[row["video_id"]].append(row)
    return by_video


def _record(video_id: str, video: Mapping[str, Any], rows: Mapping[str, Mapping[str, list[Any]]]) -> VideoRecord:
    def of(table: str) -> list[dict[str, Any]]:
        return rows[table].get(video_id, [])

    nothing: dict[str, Any] = {"headline": "", "chapters": []}
    summary = next(iter(of("summaries")), nothing)
    return VideoRecord(
        video_id=video_id,
        uri=video["uri"],
        headline=summary["headline"],
        language=video["language"],
        duration_s=video["duration_s"],
        fps=video["fps"],
        frame_count=video["frame_count"],
        has_video=video["has_video"],
        has_audio=video["has_audio"],
        utterances=tuple(_utterance(row) for row in of("utterances")),
        chapters=tuple(Chapter(**each) for each in summary["chapters"]),
        shots=tuple(
            Shot(row["shot_index"], row["start_s"], row["end_s"], row["transition"], row["score"])
            for row in of("shots")
        ),
        scenes=tuple(SceneSpan(row["start_s"], row["end_s"], row["caption"]) for row in of("scenes")),
    )


def _utterance(row: Mapping[str, Any]) -> Utterance:
    return Utterance(
        index=row["utterance_index"],
        start_s=row["start_s"],
        end_s=row["end_s"],
        text=row["text"],
        language=row["language"],
        speaker=row["speaker"],
        words=tuple(Word(**word) for word in row["words"]),
        avg_logprob=row["avg_logprob"],
        no_speech_prob=row["no_speech_prob"],
        compression_ratio=row["compression_ratio"],
        flags=tuple(row["flags"]),
        translation=row["translation"],
    )
