"""Rows to records: one video as every reader of the lake gets it. `pipeline.lake.rows` turns records into rows."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Literal, TypeVar

import duckdb

from pipeline.lake.lake import Lake
from pipeline.lake.names import find_video
from pipeline.lake.query import fetch
from schemas.errors import LakeError
from schemas.records import (
    Chapter,
    DetectedObject,
    Entity,
    Evidence,
    Failure,
    Highlight,
    Label,
    LanguageShare,
    Occurrence,
    Shot,
    Sound,
    Subtitle,
    Summary,
    SummarySentence,
    Utterance,
    Word,
)

Part = Literal["shots", "keyframes", "objects", "scenes", "utterances", "words", "subtitles", "sounds", "entities"]
ALL_PARTS: frozenset[Part] = frozenset(
    {"shots", "keyframes", "objects", "scenes", "utterances", "words", "subtitles", "sounds", "entities"}
)
"""What a reader may leave out; the rows of `videos`, `summaries` and `errors` are always read."""

_BATCH = 256
"""Videos that are read, and held in memory, together."""

Row = Mapping[str, Any]
Given = TypeVar("Given")
Made = TypeVar("Made")

_SUMMARY = (
    "headline, sentences, chapters, highlights, keyframe_ids, topics, keyphrases, labels, abstract, abstract_source, "
    "abstract_dropped, auto_headline, auto_chapters, auto_topics"
)
_ERROR = "stage, kind, message, traceback, attempts"
_SHOT = "shot_index AS index, start_s, end_s, transition, score"
_KEYFRAME = "frame_id, time_s, shot_index, width, height, caption, text, labels"
_OBJECT = "frame_id, label, score, box"
_SCENE = "start_s, end_s, text, caption, topics, keyphrases, labels, text_weight, vision_weight"
_UTTERANCE = (
    "utterance_index AS index, start_s, end_s, text, translation, language, speaker, avg_logprob, no_speech_prob, "
    "compression_ratio, flags, auto_text, auto_flags, auto_speaker, heard_text, coalesce(sung, false) AS sung"
)
_ENTITY = "entity_index AS index, text, kind, normal, wikidata_id, occurrences, doubtful"
_SOUND = "sound_index AS index, start_s, end_s, label, score"
_SUBTITLE = "subtitle_index AS index, start_s, end_s, text, language, source, track"


@dataclass(frozen=True, slots=True)
class KeyframeRecord:
    """A keyframe without its JPEG and vectors; `pipeline.view.Thumbnails` has the JPEG."""

    frame_id: str
    time_s: float
    shot_index: int
    width: int
    height: int
    caption: str
    text: str
    """Text on screen."""
    labels: tuple[Label, ...]
    objects: tuple[DetectedObject, ...] = ()
    """Best score first; empty if objects were not read."""


@dataclass(frozen=True, slots=True)
class SceneRecord:
    """A scene without its vectors."""

    start_s: float
    end_s: float
    text: str
    """Speech and on-screen text."""
    caption: str
    topics: tuple[Label, ...]
    keyphrases: tuple[Label, ...]
    labels: tuple[Label, ...]
    text_weight: float
    vision_weight: float
    keyframes: tuple[KeyframeRecord, ...] = ()
    """Keyframes within the scene; empty if keyframes were not read."""


@dataclass(frozen=True, slots=True, eq=False)
class VideoRecord:
    """A video of the lake, without vectors and thumbnails. Parts that were not read are empty."""

    video_id: str
    row: Row
    """The row of the table `videos`."""
    summary: Summary
    """Empty if the analysis failed."""
    shots: tuple[Shot, ...]
    keyframes: tuple[KeyframeRecord, ...]
    scenes: tuple[SceneRecord, ...]
    utterances: tuple[Utterance, ...]
    errors: tuple[Failure, ...]
    """Why the analysis failed; of an analysed video, why stages of it failed."""
    subtitles: tuple[Subtitle, ...] = ()
    """Subtitles that came with the video."""
    entities: tuple[Entity, ...] = ()
    """Names in speech, on-screen text and subtitles; none in lakes of older versions."""
    sounds: tuple[Sound, ...] = ()
    """What is heard."""

    @property
    def uri(self) -> str:
        """First of its locations."""
        return str(self.row["uri"])

    @property
    def uris(self) -> tuple[str, ...]:
        """All locations where it is now, or was last if it is missing."""
        return tuple(self.row["uris"])

    @property
    def missing_since(self) -> datetime | None:
        """When a run found its last file gone; None while one is there."""
        found: datetime | None = self.row.get("missing_since")
        return found

    @property
    def status(self) -> str:
        """`ok` or `failed`."""
        return str(self.row["status"])

    @property
    def duration_s(self) -> float:
        """Duration."""
        return float(self.row["duration_s"])

    @property
    def fps(self) -> float:
        """Average frames per second; 0.0 without video."""
        return float(self.row["fps"])

    @property
    def frame_count(self) -> int:
        """Decoded frames."""
        return int(self.row["frame_count"])

    @property
    def clock_jumps(self) -> int:
        """Jumps of the file's clock; 0 in lakes that do not tell."""
        return int(self.row.get("clock_jumps") or 0)

    @property
    def audio_track(self) -> int | None:
        """Number of the audio track that was transcribed, from 0; None without audio, and in lakes that do not tell."""
        return self.row.get("audio_track")

    @property
    def has_video(self) -> bool:
        """Whether the file has a video stream."""
        return bool(self.row["has_video"])

    @property
    def has_audio(self) -> bool:
        """Whether the file has an audio stream."""
        return bool(self.row["has_audio"])

    @property
    def language(self) -> str | None:
        """Language of the speech, ISO 639-1; None without speech."""
        language: str | None = self.row["language"]
        return language

    @property
    def languages(self) -> tuple[LanguageShare, ...]:
        """All spoken languages, the one spoken longest first; in lakes that do not tell, only that one."""
        found = self.row.get("languages")
        if found is None:
            return (LanguageShare(self.language, 1.0),) if self.language else ()
        return tuple(LanguageShare(**each) for each in found)

    @property
    def headline(self) -> str:
        """One line about the video; empty if the analysis failed."""
        return self.summary.headline

    @property
    def chapters(self) -> tuple[Chapter, ...]:
        """Chapters of the summary."""
        return self.summary.chapters

    @property
    def file_chapters(self) -> tuple[Chapter, ...]:
        """Chapters that the file states."""
        return tuple(Chapter(**each) for each in self.row["file_chapters"] or ())

    @property
    def storyboard(self) -> tuple[KeyframeRecord, ...]:
        """The keyframes of the summary, in its order."""
        by_id = {keyframe.frame_id: keyframe for keyframe in self.keyframes}
        return tuple(by_id[frame_id] for frame_id in self.summary.keyframe_ids if frame_id in by_id)

    @property
    def speakers(self) -> tuple[str, ...]:
        """Names of speakers, in order of their first utterance."""
        return tuple(dict.fromkeys(each.speaker for each in self.utterances if each.speaker))

    @property
    def subtitle_sources(self) -> dict[str, str | None]:
        """The subtitles that came with the video, by source, with their language."""
        return {line.source: line.language for line in self.subtitles}

    @property
    def translated(self) -> bool:
        """Whether some utterance has a translation."""
        return any(each.translation for each in self.utterances)

    def utterances_of(self, speaker: str) -> tuple[Utterance, ...]:
        """Return the utterances of one speaker; all for an empty name."""
        return tuple(each for each in self.utterances if each.speaker == speaker) if speaker else self.utterances


def read_video(
    lake: Lake, video: str, *, parts: Collection[Part] = ALL_PARTS, allow_failed: bool = False
) -> VideoRecord:
    """Read one video.

    Args:
        lake: The lake.
        video: Its id, a unique prefix of its id (at least 4 characters), a file name, a path or a URI.
        parts: What to read.
        allow_failed: Also return a video whose analysis failed.

    Raises:
        LakeError: No video has this name, several have it (the message lists them), or its analysis failed.
    """

    def read(connection: duckdb.DuckDBPyConnection) -> VideoRecord:
        return read_records(connection, [find_video(connection, video)], parts=parts)[0]

    found = lake.read(read, moments=False)
    if found.status != "ok" and not allow_failed:
        raise LakeError(f"{video} could not be analysed; `videolake show {found.video_id}` says why.")
    return found


def read_videos(
    lake: Lake, video_ids: Sequence[str] | None = None, *, parts: Collection[Part] = ALL_PARTS
) -> Iterator[VideoRecord]:
    """Read analysed videos in batches. Videos whose analysis failed are skipped.

    Args:
        lake: The lake.
        video_ids: Videos in the order to read them; None: all, ordered by location.
        parts: What to read.

    Raises:
        LakeError: The lake cannot be read.
    """
    if video_ids is None:
        found = lake.sql("SELECT video_id FROM videos WHERE status = 'ok' ORDER BY uri, video_id")
        video_ids = found["video_id"].to_pylist()
    for start in range(0, len(video_ids), _BATCH):
        group = video_ids[start : start + _BATCH]
        batch = lake.read(partial(read_records, video_ids=group, parts=parts), moments=False)
        yield from (video for video in batch if video.status == "ok")


def read_records(
    connection: duckdb.DuckDBPyConnection, video_ids: Sequence[str], *, parts: Collection[Part] = ALL_PARTS
) -> list[VideoRecord]:
    """Read some videos, failed ones included.

    Args:
        connection: A connection to the lake.
        video_ids: Videos in the order to read them; unknown ids are skipped.
        parts: What to read.
    """
    if not video_ids:
        return []

    def rows(table: str, columns: str, order: str, part: Part | None = None) -> dict[str, list[Row]]:
        return _rows_by_video(connection, table, columns, order, video_ids) if part is None or part in parts else {}

    videos = rows("videos", "*", "uri")
    summaries = rows("summaries", _SUMMARY, "headline")
    errors = rows("errors", _ERROR, "stage")
    shots = rows("shots", _SHOT, "shot_index", "shots")
    keyframes = rows("frames", _KEYFRAME, "frame_index", "keyframes")
    objects = rows("objects", _OBJECT, "frame_id, object_index", "objects") if keyframes else {}
    scenes = rows("scenes", _SCENE, "scene_index", "scenes")
    words = ", words, auto_words, heard_words" if "words" in parts else ""
    utterances = rows("utterances", _UTTERANCE + words, "utterance_index", "utterances")
    subtitles = rows("subtitles", _SUBTITLE, "subtitle_index", "subtitles")
    entities = rows("entities", _ENTITY, "entity_index", "entities")
    sounds = rows("sounds", _SOUND, "sound_index", "sounds")
    records = []
    for video_id in video_ids:
        if video_id not in videos:
            continue
        of_frame: dict[str, list[DetectedObject]] = defaultdict(list)
        for row in objects.get(video_id, ()):
            of_frame[row["frame_id"]].append(object_of(row))
        found = tuple(_keyframe(row, of_frame[row["frame_id"]]) for row in keyframes.get(video_id, ()))
        records.append(
            VideoRecord(
                video_id=video_id,
                row=videos[video_id][0],
                summary=summary_of(next(iter(summaries.get(video_id, ())), {})),
                shots=tuple(Shot(**row) for row in shots.get(video_id, ())),
                keyframes=found,
                scenes=_scenes(scenes.get(video_id, ()), found),
                utterances=tuple(_utterance(row) for row in utterances.get(video_id, ())),
                subtitles=tuple(Subtitle(**row) for row in subtitles.get(video_id, ())),
                entities=tuple(entity_of(row) for row in entities.get(video_id, ())),
                sounds=tuple(Sound(**row) for row in sounds.get(video_id, ())),
                errors=tuple(Failure(**row) for row in errors.get(video_id, ())),
            )
        )
    return records


def read_utterances(
    connection: duckdb.DuckDBPyConnection, video_id: str, *, speaker: str = "", start: int = 0, count: int
) -> list[Utterance]:
    """Read a range of a transcript, without words.

    Args:
        connection: A connection to the lake.
        video_id: The video.
        speaker: Only utterances of this speaker; empty: of all.
        start: Utterances to skip.
        count: Maximum number of utterances.
    """
    query = (
        f"SELECT {_UTTERANCE} FROM utterances WHERE video_id = $video AND ($speaker = '' OR speaker = $speaker) "  # noqa: S608 - fixed names
        "ORDER BY utterance_index LIMIT $count OFFSET $start"
    )
    found = fetch(connection, query, video=video_id, speaker=speaker, count=count, start=start)
    return [_utterance(row) for row in found]


@dataclass(frozen=True, slots=True)
class SubtitleSource:
    """Subtitles that came with a video."""

    source: str
    language: str | None
    """ISO 639-1; None if unknown."""
    lines: int


def read_subtitle_sources(connection: duckdb.DuckDBPyConnection, video_id: str) -> list[SubtitleSource]:
    """Return the subtitles that came with a video, in the order of its rows."""
    query = (
        "SELECT source, any_value(language) AS language, count(*) AS lines FROM subtitles WHERE video_id = $video "
        "GROUP BY source ORDER BY min(subtitle_index)"
    )
    return [SubtitleSource(**row) for row in fetch(connection, query, video=video_id)]


def read_subtitles(
    connection: duckdb.DuckDBPyConnection, video_id: str, source: str, *, start: int = 0, count: int
) -> list[Subtitle]:
    """Read a range of the subtitles of one source.

    Args:
        connection: A connection to the lake.
        video_id: The video.
        source: As in `SubtitleSource.source`.
        start: Lines to skip.
        count: Maximum number of lines.
    """
    query = (
        f"SELECT {_SUBTITLE} FROM subtitles WHERE video_id = $video AND source = $source "  # noqa: S608 - fixed names
        "ORDER BY subtitle_index LIMIT $count OFFSET $start"
    )
    found = fetch(connection, query, video=video_id, source=source, count=count, start=start)
    return [Subtitle(**row) for row in found]


def _rows_by_video(
    connection: duckdb.DuckDBPyConnection, table: str, columns: str, order: str, video_ids: Sequence[str]
) -> dict[str, list[Row]]:
    # Constants are filters of the scan, which then skips the row groups of other videos; a subquery is not.
    ids = {f"id{index}": video_id for index, video_id in enumerate(video_ids)}
    wanted = f"video_id IN ({', '.join(f'${name}' for name in ids)})"
    query = f"SELECT video_id AS of_video, {columns} FROM {table} WHERE {wanted} ORDER BY {order}"  # noqa: S608 - fixed names
    by_video: dict[str, list[Row]] = defaultdict(list)
    for row in fetch(connection, query, **ids):
        by_video[row.pop("of_video")].append(row)
    return by_video


def summary_of(row: Row) -> Summary:
    """Return the summary of a row of `summaries`; an empty one for no row."""
    # Columns are NULL in the files of older formats that lack them.
    return Summary(
        headline=row.get("headline") or "",
        sentences=_sentences(row.get("sentences")),
        chapters=tuple(Chapter(**each) for each in row.get("chapters") or ()),
        highlights=tuple(Highlight(**each) for each in row.get("highlights") or ()),
        keyframe_ids=tuple(row.get("keyframe_ids") or ()),
        topics=labels_of(row.get("topics")),
        keyphrases=labels_of(row.get("keyphrases")),
        labels=labels_of(row.get("labels")),
        abstract=_sentences(row.get("abstract")),
        abstract_source=row.get("abstract_source") or "",
        abstract_dropped=row.get("abstract_dropped") or 0,
        auto_headline=row.get("auto_headline"),
        auto_chapters=if_any(row.get("auto_chapters"), lambda rows: tuple(Chapter(**each) for each in rows)),
        auto_topics=if_any(row.get("auto_topics"), labels_of),
    )


def if_any(value: Given | None, convert: Callable[[Given], Made]) -> Made | None:
    """Convert a value that is not NULL."""
    return None if value is None else convert(value)


def _sentences(rows: Sequence[Row] | None) -> tuple[SummarySentence, ...]:
    return tuple(
        SummarySentence(row["text"], row["score"], tuple(Evidence(**each) for each in row["evidence"]))
        for row in rows or ()
    )


def labels_of(rows: Sequence[Row] | None) -> tuple[Label, ...]:
    """Return a column of labels."""
    return tuple(Label(**row) for row in rows or ())


def object_of(row: Row) -> DetectedObject:
    """Return the object of a row of `objects`."""
    box = row["box"]
    return DetectedObject(row["label"], row["score"], (box["x0"], box["y0"], box["x1"], box["y1"]))


def _keyframe(row: Row, objects: Sequence[DetectedObject]) -> KeyframeRecord:
    return KeyframeRecord(**{**row, "labels": labels_of(row["labels"]), "objects": tuple(objects)})


def _scenes(rows: Sequence[Row], keyframes: Sequence[KeyframeRecord]) -> tuple[SceneRecord, ...]:
    in_order = sorted(keyframes, key=_time_s)
    scenes = []
    for row in rows:
        labels = {name: labels_of(row[name]) for name in ("topics", "keyphrases", "labels")}
        first, last = (bisect_left(in_order, row[edge], key=_time_s) for edge in ("start_s", "end_s"))
        scenes.append(SceneRecord(**{**row, **labels}, keyframes=tuple(in_order[first:last])))
    return tuple(scenes)


def _time_s(keyframe: KeyframeRecord) -> float:
    return keyframe.time_s


def _utterance(row: Row) -> Utterance:
    lists = {
        "words": words_of(row.get("words") or ()),
        "auto_words": if_any(row.get("auto_words"), words_of),
        "flags": tuple(row["flags"]),
        "auto_flags": if_any(row.get("auto_flags"), tuple),
        "heard_words": if_any(row.get("heard_words"), words_of),
    }
    return Utterance(**{**row, **lists})


def entity_of(row: Row) -> Entity:
    """Return the name of a row of `entities`."""
    return Entity(
        index=row["index"] if "index" in row else row["entity_index"],
        text=row["text"],
        kind=row["kind"],
        normal=row["normal"],
        wikidata_id=row["wikidata_id"],
        occurrences=tuple(Occurrence(**each) for each in row["occurrences"]),
        doubtful=bool(row.get("doubtful")),
    )


def words_of(rows: Sequence[Row]) -> tuple[Word, ...]:
    """Return the words of a row."""
    return tuple(Word(**word) for word in rows)
