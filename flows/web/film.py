"""All that the page of one video shows."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from pipeline.lake import fetch, rows_of_video
from schemas.records import Chapter, Evidence, Failure, Highlight, Label, Shot, SummarySentence


@dataclass(frozen=True, slots=True)
class Line:
    """An utterance."""

    index: int
    start_s: float
    end_s: float
    text: str
    language: str | None
    translation: str | None
    speaker: str | None
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """A keyframe, without its bytes."""

    frame_id: str
    time_s: float
    shot_index: int
    width: int
    height: int
    caption: str
    text: str
    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class SceneView:
    """A scene, and why its modalities were weighed so."""

    index: int
    start_s: float
    end_s: float
    caption: str
    topics: tuple[Label, ...]
    keyphrases: tuple[Label, ...]
    labels: tuple[Label, ...]
    text_weight: float
    vision_weight: float
    words: int
    pictures: tuple[Picture, ...]

    @property
    def why(self) -> str:
        """Say why text and picture count as they do."""
        pictures = f"{len(self.pictures)} pictures show" if len(self.pictures) != 1 else "1 picture shows"
        words = f"{self.words} word{'s' if self.words != 1 else ''} said or written"
        if self.text_weight <= 0 and self.vision_weight <= 0:
            return "Nothing is said, written or seen here that could be compared."
        if self.text_weight <= 0:
            return "Nothing is said or written here, so the pictures alone count."
        if self.vision_weight <= 0:
            return f"There are no pictures here, so the {words} alone count."
        return f"{words} count for {self.text_weight:.0%}, what {pictures} for {self.vision_weight:.0%}."


@dataclass(frozen=True, slots=True)
class Film:
    """A video with all that was found out about it."""

    video_id: str
    uri: str
    uris: tuple[str, ...]
    status: str
    row: Mapping[str, Any]
    """Its row of the table `videos`."""
    headline: str
    summary: tuple[SummarySentence, ...]
    abstract: tuple[SummarySentence, ...]
    abstract_source: str
    abstract_dropped: int
    chapters: tuple[Chapter, ...]
    highlights: tuple[Highlight, ...]
    topics: tuple[Label, ...]
    keyphrases: tuple[Label, ...]
    labels: tuple[Label, ...]
    storyboard: tuple[Picture, ...]
    shots: tuple[Shot, ...]
    scenes: tuple[SceneView, ...]
    lines: tuple[Line, ...]
    error: Failure | None

    @property
    def speakers(self) -> tuple[str, ...]:
        """Who speaks, by when they first do."""
        return tuple(dict.fromkeys(line.speaker for line in self.lines if line.speaker))

    @property
    def translated(self) -> bool:
        """Whether there are translations."""
        return any(line.translation for line in self.lines)

    def lines_of(self, speaker: str) -> tuple[Line, ...]:
        """Return what one speaker says; everything for an empty name."""
        return tuple(line for line in self.lines if line.speaker == speaker) if speaker else self.lines

    @property
    def duration_s(self) -> float:
        """Length."""
        return float(self.row["duration_s"])

    @property
    def has_video(self) -> bool:
        """Whether there are moving pictures."""
        return bool(self.row["has_video"])


def begin_s(sentence: SummarySentence) -> float:
    """Return where a sentence's evidence begins: where it is said, else where it is seen."""
    said = [evidence.start_s for evidence in sentence.evidence if evidence.kind == "utterance"]
    return min(said or [evidence.start_s for evidence in sentence.evidence], default=0.0)


def spoken_line(sentence: SummarySentence) -> int | None:
    """Return the index of the first utterance that a sentence rests on; None where it rests on pictures."""
    said = (evidence for evidence in sentence.evidence if evidence.kind == "utterance")
    first = min(said, key=lambda evidence: evidence.start_s, default=None)
    number = first.id.rpartition("-u")[2] if first else ""
    return int(number) if number.isdecimal() else None


def read_film(connection: duckdb.DuckDBPyConnection, video_id: str) -> Film | None:
    """Gather what the lake says of a video; None where there is no such video."""
    row = next(iter(rows_of_video(connection, "videos", video_id)), None)
    if row is None:
        return None
    summary = next(iter(rows_of_video(connection, "summaries", video_id)), {})
    error = next(iter(rows_of_video(connection, "errors", video_id, "stage, kind, message, traceback, attempts")), None)
    frames = rows_of_video(connection, "frames", video_id, _PICTURE_COLUMNS, "frame_index")
    pictures = [_picture(each) for each in frames]
    by_id = {picture.frame_id: picture for picture in pictures}
    return Film(
        video_id=video_id,
        uri=row["uri"],
        uris=tuple(row["uris"]),
        status=row["status"],
        row=row,
        headline=summary.get("headline", ""),
        summary=_sentences(summary.get("sentences")),
        abstract=_sentences(summary.get("abstract")),
        abstract_source=summary.get("abstract_source") or "",
        abstract_dropped=summary.get("abstract_dropped") or 0,
        chapters=tuple(Chapter(**each) for each in summary.get("chapters") or ()),
        highlights=tuple(Highlight(**each) for each in summary.get("highlights") or ()),
        topics=_labels(summary.get("topics")),
        keyphrases=_labels(summary.get("keyphrases")),
        labels=_labels(summary.get("labels")),
        storyboard=tuple(by_id[name] for name in summary.get("keyframe_ids") or () if name in by_id),
        shots=tuple(Shot(**each) for each in rows_of_video(connection, "shots", video_id, _SHOT_COLUMNS, "index")),
        scenes=_scenes(connection, video_id, pictures),
        lines=tuple(_line(each) for each in rows_of_video(connection, "utterances", video_id, _LINE_COLUMNS, "index")),
        error=Failure(**error) if error else None,
    )


def read_lines(
    connection: duckdb.DuckDBPyConnection, video_id: str, speaker: str, start: int, count: int
) -> list[Line]:
    """Read some lines of a transcript.

    Args:
        connection: Of `LakeReader.ask`.
        video_id: The video.
        speaker: Whose lines; empty: everybody's.
        start: How many of them to pass over.
        count: Lines at most.
    """
    found = fetch(
        connection,
        f"SELECT {_LINE_COLUMNS} FROM utterances WHERE video_id = $video AND ($speaker = '' OR speaker = $speaker) "  # noqa: S608
        f"ORDER BY utterance_index LIMIT {int(count)} OFFSET {int(start)}",
        video=video_id,
        speaker=speaker,
    )
    return [_line(each) for each in found]


_PICTURE_COLUMNS = "frame_id, time_s, shot_index, width, height, caption, text, labels"
_SHOT_COLUMNS = "shot_index AS index, start_s, end_s, transition, score"
_LINE_COLUMNS = "utterance_index AS index, start_s, end_s, text, language, translation, speaker, flags"
_SCENE_COLUMNS = (
    "scene_index AS index, start_s, end_s, caption, topics, keyphrases, labels, text_weight, vision_weight, "
    "len(string_split_regex(trim(text), '\\s+')) * CAST(trim(text) <> '' AS INTEGER) AS words"
)


def _scenes(connection: duckdb.DuckDBPyConnection, video_id: str, pictures: Sequence[Picture]) -> tuple[SceneView, ...]:
    scenes = []
    in_time = sorted(pictures, key=_time_s)
    for row in rows_of_video(connection, "scenes", video_id, _SCENE_COLUMNS, "index"):
        row |= {name: _labels(row[name]) for name in ("topics", "keyphrases", "labels")}
        first, last = (bisect_left(in_time, row[edge], key=_time_s) for edge in ("start_s", "end_s"))
        scenes.append(SceneView(**row, pictures=tuple(in_time[first:last])))
    return tuple(scenes)


def _time_s(picture: Picture) -> float:
    return picture.time_s


def _labels(rows: Sequence[Mapping[str, Any]] | None) -> tuple[Label, ...]:
    return tuple(Label(each["label"], each["score"]) for each in rows or ())


def _sentences(rows: Sequence[Mapping[str, Any]] | None) -> tuple[SummarySentence, ...]:
    return tuple(
        SummarySentence(each["text"], each["score"], tuple(Evidence(**one) for one in each["evidence"]))
        for each in rows or ()
    )


def _picture(row: Mapping[str, Any]) -> Picture:
    return Picture(**{**row, "labels": _labels(row["labels"])})


def _line(row: Mapping[str, Any]) -> Line:
    return Line(**{**row, "flags": tuple(row["flags"])})
