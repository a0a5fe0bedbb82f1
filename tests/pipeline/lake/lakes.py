"""Invented analyses of invented videos, and lakes filled with them."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from pipeline.lake import Lake, Origin, analysis_of, failure_tables, query, shard_id, video_tables
from schemas.media import AudioStream, MediaInfo, Track, VideoStream
from schemas.records import (
    Analysis,
    Chapter,
    DetectedObject,
    Embedding,
    Entity,
    Evidence,
    Failure,
    Highlight,
    Keyframe,
    Label,
    Occurrence,
    Scene,
    Shot,
    Sound,
    StageState,
    Subtitle,
    Summary,
    SummarySentence,
    TextLine,
    Transcript,
    Utterance,
    VideoTask,
    Word,
    frame_id,
    utterance_id,
)
from schemas.tables import TABLE_NAMES

REVISION = "a1b2c3d4e5f60718"
TEXT, VISION, COORDINATED = ("minilm", 6), ("efficientnet", 4), ("conse", 5)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
_KEPT_LAKES = 32


def task(video_id: str) -> VideoTask:
    return VideoTask(video_id, (f"/archive/{video_id}.mp4", f"/archive/copies/{video_id}.mp4"), 1000, 1_700_000_000)


def unit(rng: np.random.Generator, dimensions: int) -> Embedding:
    vector = rng.standard_normal(dimensions).astype(np.float32)
    return vector / np.linalg.norm(vector)


def media_info(uri: str) -> MediaInfo:
    video = VideoStream(0, "h264", 1280, 720, 25.0, 90, "yuv420p")
    audio = AudioStream(3, "aac", 2, 48_000, "ger", default=False, track=1)
    tracks = (
        Track(0, "video", "h264", None, None, None, default=True),
        Track(1, "audio", "aac", "eng", 2, "Stereo", default=True),
        Track(2, "subtitle", "mov_text", "deu", None, None, default=False),
        Track(3, "audio", "aac", "ger", 2, None, default=False),
    )
    return MediaInfo(
        uri,
        1000,
        "mov,mp4,m4a,3gp,3g2,mj2",
        30.5,
        video,
        audio,
        2,
        has_attached_picture=False,
        tracks=tracks,
        timecode="10:00:00:00",
        created_at=NOON,
    )


def analysis(video_id: str, *, shots: int = 3, text: int = TEXT[1], vision: int = VISION[1]) -> Analysis:
    """Make up the same analysis each time for the same video."""
    coordinated = COORDINATED[1]
    rng = np.random.default_rng(list(video_id.encode()))
    label = Label("bicycle", 0.75)
    frames = tuple(
        Keyframe(
            index=index,
            time_s=index * 10.0 + 1,
            shot_index=index,
            sharpness=float(rng.uniform(10, 1000)),
            phash=int(rng.integers(0, 2**64, dtype=np.uint64)),
            width=1280,
            height=720,
            thumbnail=rng.bytes(200),
            labels=(label, Label("road", 0.125)),
            text_lines=(TextLine("STOP", (0.0, 0.25, 0.5, 1.0), 0.9375), TextLine("Straße", (0, 0, 1, 1), 0.5)),
            caption="A bicycle on a road.",
            caption_source="composed",
            embedding=unit(rng, vision),
            text_embedding=unit(rng, text),
            coordinated_embedding=unit(rng, coordinated),
            objects=(
                *[DetectedObject("person", 0.875, (0.25, 0.25, 0.5, 1.0))] * index,
                DetectedObject("bicycle", 0.5, (0.0, 0.5, 0.25, 1.0)),
            ),
        )
        for index in range(shots)
    )
    spoken = tuple(
        Utterance(
            index=index,
            start_s=index * 10.0,
            end_s=index * 10.0 + 2,
            text=f"Sentence {index} of {video_id}.",
            language="en",
            speaker=None,
            words=(Word("Sentence", index * 10.0, index * 10.0 + 1, 0.5),),
            avg_logprob=-0.25,
            no_speech_prob=0.0,
            compression_ratio=1.5,
            flags=("low_logprob",) if index == 1 else (),
            embedding=unit(rng, text) if index else None,
        )
        for index in range(shots)
    )
    scenes = tuple(
        Scene(
            index=index,
            start_s=index * 10.0,
            end_s=index * 10.0 + 10,
            shot_indices=(index,),
            text=f"Sentence {index}",
            caption="A bicycle.",
            topics=(Label("cycling", 0.5),),
            text_embedding=spoken[index].embedding if index else unit(rng, text),
            vision_embedding=frames[index].embedding,
            fused_embedding=unit(rng, text + vision),
            text_weight=0.5,
            vision_weight=0.5,
            keyphrases=(Label("city traffic", 0.5),),
            labels=(label,),
            coordinated_embedding=frames[index].coordinated_embedding,
        )
        for index in range(shots)
    )
    evidence = (
        Evidence("utterance", utterance_id(video_id, 0), 0.0, 2.0),
        Evidence("frame", frame_id(video_id, 0), 1.0, 1.0),
    )
    return Analysis(
        info=media_info(task(video_id).uris[0]),
        duration_s=shots * 10.0,
        frame_count=shots * 250,
        corrupt_packets=0,
        shots=tuple(
            Shot(index, index * 10.0, index * 10.0 + 10, "cut" if index else "start", 1.0) for index in range(shots)
        ),
        keyframes=frames,
        transcript=Transcript("en", 0.875, 6.0, spoken, "faster-whisper"),
        scenes=scenes,
        summary=Summary(
            headline=f"Bicycles in {video_id}",
            sentences=(SummarySentence("Somebody cycles.", 0.5, evidence),),
            chapters=(Chapter("All of it", 0.0, shots * 10.0),),
            highlights=(Highlight(1.0, 2.0, "loud", 0.5),),
            keyframe_ids=tuple(frame_id(video_id, index) for index in range(shots)),
            topics=(Label("cycling", 0.5),),
            keyphrases=(Label("city traffic", 0.5),),
            labels=(label,),
            abstract=(SummarySentence("A person cycles.", 0.75, evidence),),
            abstract_source="model:tiny-bart",
            abstract_dropped=2,
        ),
        text_model=TEXT[0],
        timings_s={"decode": 1.5, "speech": 2.0},
        warnings={"two sound tracks": "audio"},
        entities=(
            Entity(
                0,
                "Ann Lee",
                "person",
                "ann lee",
                "Q1",
                (
                    Occurrence("speech", utterance_id(video_id, 0), 0.5, 1.0, "Ann"),
                    Occurrence("screen", frame_id(video_id, 1), 11.0, 21.0, "ANN LEE"),
                ),
            ),
        ),
        subtitles=(
            Subtitle(0, 0.5, 2.5, f"Satz null von {video_id}.", "de", "track 2", 2, unit(rng, text)),
            Subtitle(1, 10.5, 12.5, f"Line one\nof {video_id}.", None, f"{video_id}.srt", None, None),
        ),
        file_chapters=(Chapter("Intro", 0.0, 5.0), Chapter("", 5.0, shots * 10.0)),
        sounds=(Sound(0, 2.5, 19.5, "music", 0.75),),
    )


def wordless(video_id: str) -> Analysis:
    """Make up the analysis of a video in which nothing is said or written."""
    full = analysis(video_id)
    return replace(
        full,
        transcript=replace(full.transcript, utterances=()),
        keyframes=tuple(replace(each, text_lines=(), text_embedding=None) for each in full.keyframes),
        scenes=tuple(replace(each, text="", text_embedding=None) for each in full.scenes),
    )


def pictureless(video_id: str) -> Analysis:
    """Make up the analysis of a recording of sound alone."""
    full = analysis(video_id)
    scenes = (replace(each, vision_embedding=None, coordinated_embedding=None, labels=()) for each in full.scenes)
    return replace(full, keyframes=(), shots=(), scenes=tuple(scenes))


def stage(
    lake: Lake,
    shard: str,
    videos: Iterable[str],
    *,
    failed: Collection[str] = (),
    revision: str = REVISION,
    minutes: float = 0,
    text: tuple[str, int] = TEXT,
    vision: tuple[str, int] = VISION,
    kind: str = "corrupt",
    made_up: Callable[[str], Analysis] | None = None,
    incomplete: Collection[str] = (),
    stages: tuple[StageState, ...] = (),
) -> None:
    """Stage videos as a worker would, some of them as failures or without sound, so many minutes after noon."""
    origin = Origin(
        revision=revision,
        shard=shard,
        text=text,
        vision=vision,
        coordinated=COORDINATED,
        committed_at=NOON + timedelta(minutes=minutes),
        stages=stages,
    )
    for video_id in videos:
        if video_id in failed:
            tables = _failed_tables(video_id, kind, origin)
        elif made_up:
            tables = video_tables(task(video_id), made_up(video_id), origin, _failures(video_id, incomplete))
        else:
            tables = _video_tables(video_id, origin, _failures(video_id, incomplete))
        lake.stage(shard, video_id, tables)


@lru_cache(maxsize=128)
def _failed_tables(video_id: str, kind: str, origin: Origin) -> dict[str, pa.Table]:
    failure = Failure("decode", kind, f"{video_id} is broken.", "", 1)
    return failure_tables(task(video_id), failure, media_info("x"), origin)


@lru_cache(maxsize=128)
def _video_tables(video_id: str, origin: Origin, failures: tuple[Failure, ...]) -> dict[str, pa.Table]:
    made = analysis(video_id, text=origin.text[1], vision=origin.vision[1])
    return video_tables(task(video_id), made, origin, failures)


def _failures(video_id: str, incomplete: Collection[str]) -> tuple[Failure, ...]:
    return (Failure("sound", "internal", f"Nobody can hear {video_id}.", "", 1),) if video_id in incomplete else ()


def publish(lake: Lake, shard: str, videos: Iterable[str], *, revision: str = REVISION, **how: Any) -> None:
    """Stage videos and commit their shard."""
    stage(lake, shard, videos, revision=revision, **how)
    lake.commit(shard, revision)


def contents(lake: Lake) -> dict[str, list[dict[str, Any]]]:
    """Return what every view shows, in a fixed order. What a lake of the same bytes has shown is not read again."""
    key = _bytes_of(lake)
    found = _shown.get(key) if key else None
    if found is None:
        found = query.read(lake._log, _shown_by, moments=False)
        if key:
            _shown[key] = found
        if len(_shown) > _KEPT_LAKES:
            del _shown[next(iter(_shown))]
    return {table: [dict(row) for row in rows] for table, rows in found.items()}


_shown: dict[str, dict[str, list[dict[str, Any]]]] = {}


def _shown_by(connection: duckdb.DuckDBPyConnection) -> dict[str, list[dict[str, Any]]]:
    found = {}
    for table in TABLE_NAMES:
        rows = connection.sql(f"FROM {table}").to_arrow_table().to_pylist()
        found[table] = sorted(rows, key=lambda row: repr({**row, "shard": None}))
    return found


def _bytes_of(lake: Lake) -> str:
    """Return a digest of all that the views are made from; nothing on an object store, or if a file has moved."""
    if not lake._store.local:
        return ""
    digest, snapshot = hashlib.sha256(), lake._log.snapshot()
    try:
        for table in TABLE_NAMES:
            for file in snapshot.of(table):
                known = (table, file.name.rsplit("-", 1)[0], file.schema, file.rows, dict(file.holds))
                digest.update(repr(known).encode())  # the rest of the name is chosen at random
                digest.update(hashlib.sha256(lake._store.read(file.path)).digest())
    except FileNotFoundError:
        return ""
    return digest.hexdigest()


def run(lake: Lake, videos: Iterable[str], *, shard_size: int = 3, compact: bool = False) -> None:
    """Do what a run does with a lake: put it in order, then analyse, stage and commit what is missing."""
    with lake.lock():
        lake.clean()
        known = {row["video_id"]: row for row in lake.processed().to_pylist()}
        missing = [each for each in sorted(videos) if REVISION not in _attempts(known.get(each, {}))]
        for start in range(0, len(missing), shard_size):
            group = missing[start : start + shard_size]
            shard = shard_id(REVISION, [(each, known.get(each, {}).get("shard")) for each in group])
            stage(lake, shard, sorted(set(group) - lake.staged(shard)), failed={"v03"})
            lake.commit(shard, REVISION)
        if compact:
            lake.compact()


def redo(
    lake: Lake,
    videos: Iterable[str],
    headline: str = "Redone",
    *,
    revision: str = REVISION,
    minutes: float = 1,
    shard_size: int = 3,
    again: bool = False,
    compact: bool = False,
) -> None:
    """Do what a run does that only redoes understanding: give videos another headline, from their rows in the lake.

    Args:
        lake: The lake.
        videos: Those of them are redone that have results of another revision.
        headline: Their new headline.
        revision: Their new revision.
        minutes: When, in minutes after noon.
        shard_size: Videos of a commit.
        again: Whether those that have results of the same revision are redone, too.
        compact: Whether to compact the lake in the end.
    """
    with lake.lock():
        lake.clean()
        known = {row["video_id"]: row for row in lake.processed().to_pylist()}
        due = [each for each in sorted(videos) if known.get(each, {}).get("made_by")]
        due = [each for each in due if again or known[each]["made"] != revision]
        for start in range(0, len(due), shard_size):
            group = due[start : start + shard_size]
            shard = shard_id(revision, [(each, f"{known[each]['shard']} understanding") for each in group])
            for video_id in sorted(set(group) - lake.staged(shard)):
                rows = lake.rows_of(video_id, known[video_id]["made_by"])
                assert rows is not None
                before = analysis_of(rows)
                after = replace(before, summary=replace(before.summary, headline=headline))
                made_up = lambda _, after=after: after  # type: ignore[misc]  # noqa: E731
                stage(lake, shard, [video_id], revision=revision, minutes=minutes, made_up=made_up)
            lake.commit(shard, revision, group)
        if compact:
            lake.compact()


def _attempts(row: Mapping[str, Any]) -> set[str | None]:
    return {row.get("made"), row.get("tried")}


def seen(lake: Lake) -> dict[str, list[dict[str, Any]]]:
    """Return what every view shows, without the names of the commits."""
    return {
        table: [{name: value for name, value in row.items() if name != "shard"} for row in rows]
        for table, rows in contents(lake).items()
    }
