"""Records to rows: the analysis of one video as table rows. `pipeline.lake.records` turns rows into records."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.lake.text import well_formed
from pipeline.lake.validation import check_table
from pipeline.language import word_count
from schemas.errors import LakeError
from schemas.media import MediaInfo
from schemas.records import (
    Analysis,
    Embedding,
    Entity,
    Failure,
    Keyframe,
    Scene,
    Shot,
    Sound,
    StageState,
    Subtitle,
    Utterance,
    VideoTask,
    frame_id,
    sound_id,
    subtitle_id,
    utterance_id,
)
from schemas.tables import NO_ENCODER, VIDEO_TABLES, Encoder, table_schema

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What made some rows, and the commit they belong to."""

    revision: str
    """Digest of configuration and models."""
    shard: str
    """Commit that the rows belong to."""
    text: Encoder
    """Id and dimensions of the text encoder."""
    vision: Encoder
    """Id and dimensions of the frame encoder."""
    coordinated: Encoder = NO_ENCODER
    """Id and dimensions of the space that frames share with texts."""
    fused: Encoder | None = None
    """Id and dimensions of the joint vectors; default: those of text and vision, concatenated."""
    committed_at: datetime
    """Current time, with a time zone."""
    stages: tuple[StageState, ...] = ()
    """What each stage was made with."""
    analysed_at: datetime | None = None
    """Time of the analysis, if the rows are made again from it because of corrections."""


def time_after(before: datetime | None) -> datetime:
    """Return the current time, or one after that of the rows to replace, if another machine's clock was ahead.

    Of the rows of a video, the newest ones count.
    """
    now = datetime.now(UTC)
    return now if before is None else max(now, before + timedelta(microseconds=1))


def video_tables(
    task: VideoTask, analysis: Analysis, origin: Origin, failures: Sequence[Failure] = ()
) -> dict[str, pa.Table]:
    """Return the rows of an analysed video.

    Args:
        task: The video.
        analysis: Its analysis.
        origin: What made the rows, and when.
        failures: Why stages failed; at most one per stage.

    Returns:
        One table for each of `VIDEO_TABLES`, with the schemas of `schemas.tables`.

    Raises:
        LakeError: A value is invalid: not finite, missing, of the wrong dimensions, or a time out of order.
    """
    rows: dict[str, list[Row]] = {
        "videos": [_video(task, analysis, origin)],
        "shots": [
            _span(shot) | {"shot_index": shot.index, "transition": shot.transition, "score": shot.score}
            for shot in analysis.shots
        ],
        "frames": [_frame(task.video_id, frame) for frame in analysis.keyframes],
        "objects": [row for frame in analysis.keyframes for row in _objects(task.video_id, frame)],
        "utterances": [_utterance(task.video_id, utterance) for utterance in analysis.transcript.utterances],
        "sounds": [_sound(task.video_id, sound) for sound in analysis.sounds],
        "subtitles": [_subtitle(task.video_id, line) for line in analysis.subtitles],
        "scenes": [_scene(scene) for scene in analysis.scenes],
        "entities": [_entity(each) for each in analysis.entities],
        "summaries": [asdict(analysis.summary)],
        "errors": [_error(task, failure, origin) for failure in failures],
    }
    d_text, d_vision, d_shared = origin.text[1], origin.vision[1], origin.coordinated[1]
    d_fused = origin.fused[1] if origin.fused else d_text + d_vision
    embeddings: dict[str, dict[str, pa.Array]] = {
        "frames": {
            "embedding": _vectors([frame.embedding for frame in analysis.keyframes], d_vision),
            "text_embedding": _vectors([frame.text_embedding for frame in analysis.keyframes], d_text),
            "coordinated_embedding": _vectors([each.coordinated_embedding for each in analysis.keyframes], d_shared),
        },
        "utterances": {"embedding": _vectors([each.embedding for each in analysis.transcript.utterances], d_text)},
        "subtitles": {"embedding": _vectors([line.embedding for line in analysis.subtitles], d_text)},
        "scenes": {
            "text_embedding": _vectors([scene.text_embedding for scene in analysis.scenes], d_text),
            "vision_embedding": _vectors([scene.vision_embedding for scene in analysis.scenes], d_vision),
            "fused_embedding": _vectors([scene.fused_embedding for scene in analysis.scenes], d_fused),
            "coordinated_embedding": _vectors([scene.coordinated_embedding for scene in analysis.scenes], d_shared),
        },
    }
    return _tables(rows, embeddings, task.video_id, origin)


def failure_tables(task: VideoTask, failure: Failure, info: MediaInfo | None, origin: Origin) -> dict[str, pa.Table]:
    """Return the rows of a video whose analysis failed: one of `videos` and one of `errors`.

    Args:
        task: The video.
        failure: The reason.
        info: Result of the probe; None if the probe failed.
        origin: What made the rows, and when.

    Returns:
        One table for each of `VIDEO_TABLES`. Only `videos` and `errors` have rows.

    Raises:
        LakeError: A value is invalid.
    """
    duration_s = info.duration_s if info else 0.0
    rows: dict[str, list[Row]] = {
        "videos": [_EMPTY_VIDEO | _file(task, info, duration_s, origin) | {"status": "failed"}],
        "errors": [_error(task, failure, origin)],
    }
    return _tables(rows, {}, task.video_id, origin)


def table_of(table: str, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return a table without embeddings, made of rows that have a value for every column.

    Raises:
        LakeError: A value is invalid, or a column is unknown or missing.
    """
    schema = table_schema(table)
    for row in rows:
        if set(row) != set(schema.names):
            raise LakeError(f"A row of {table} has unknown or missing columns: {sorted(set(row) ^ set(schema.names))}.")
    columns = [_column([row[field.name] for row in rows], field, table) for field in schema]
    made = pa.Table.from_arrays(columns, schema=schema)
    check_table(made, table)
    return made


def _tables(
    rows: dict[str, list[Row]], embeddings: dict[str, dict[str, pa.Array]], video_id: str, origin: Origin
) -> dict[str, pa.Table]:
    keys = {"video_id": video_id, "revision": origin.revision, "shard": origin.shard}
    tables = {}
    for name in VIDEO_TABLES:
        schema = table_schema(
            name, text=origin.text, vision=origin.vision, coordinated=origin.coordinated, fused=origin.fused
        )
        found = rows.get(name, [])
        if not found:
            tables[name] = schema.empty_table()
            continue
        vectors = embeddings.get(name, {})
        columns = []
        for field in schema:
            if field.name in vectors:
                columns.append(_as_field(vectors[field.name], field, name))
            else:
                values = [keys[field.name] if field.name in keys else row[field.name] for row in found]
                columns.append(_column(values, field, name))
        tables[name] = pa.Table.from_arrays(columns, schema=schema)
        check_table(tables[name], f"{name} of video {video_id}")
    return tables


def _column(values: list[Any], field: pa.Field, table: str) -> pa.Array:
    try:
        return pa.array(_well_formed(values), type=field.type)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
        raise LakeError(f"{table}.{field.name} cannot hold a value: {error}") from error


def _as_field(vectors: pa.Array, field: pa.Field, table: str) -> pa.Array:
    if vectors.type.list_size != field.type.list_size:
        raise LakeError(f"{table}.{field.name} has {field.type.list_size} dimensions, not {vectors.type.list_size}.")
    return pa.FixedSizeListArray.from_arrays(vectors.values, type=field.type)


def _vectors(embeddings: Sequence[Embedding | None], dimensions: int) -> pa.Array:
    """Return vectors as one column. A missing vector becomes zeros."""
    flat = np.zeros((len(embeddings), dimensions), dtype=np.float32)
    for index, embedding in enumerate(embeddings):
        if embedding is None:
            continue
        if embedding.shape != (dimensions,):
            raise LakeError(f"An embedding has the shape {embedding.shape}; its model makes ({dimensions},).")
        flat[index] = embedding
    return pa.FixedSizeListArray.from_arrays(pa.array(flat.reshape(-1)), dimensions)


def _well_formed(value: Any) -> Any:  # noqa: ANN401 - whatever a column may hold
    """Return a value with every text in it valid as UTF-8."""
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, list):
        return [_well_formed(item) for item in value]
    if isinstance(value, tuple):
        return tuple(_well_formed(item) for item in value)
    if isinstance(value, dict):
        return {key: _well_formed(item) for key, item in value.items()}
    return value


_EMPTY_VIDEO: Row = {
    "frame_count": 0,
    "corrupt_packets": 0,
    "clock_jumps": 0,
    "language": None,
    "language_probability": 0.0,
    "languages": [],
    "speech_s": 0.0,
    "shots": 0,
    "frames": 0,
    "objects": 0,
    "utterances": 0,
    "words": 0,
    "subtitles": 0,
    "subtitle_files": [],
    "scenes": 0,
    "speakers": 0,
    "speaker_voices": [],
    "text_model": "",
    "file_chapters": [],
    "warnings": [],
    "warning_parts": [],
    "timings_s": [],
    "corrections_digest": None,
}


def _error(task: VideoTask, failure: Failure, origin: Origin) -> Row:
    return asdict(failure) | {"uri": task.uris[0], "failed_at": origin.committed_at}


def _file(task: VideoTask, info: MediaInfo | None, duration_s: float, origin: Origin) -> Row:
    video, audio = (info.video, info.audio) if info else (None, None)
    return {
        "uri": task.uris[0],
        "uris": task.uris,
        "size_bytes": task.size_bytes,
        "mtime_ns": task.mtime_ns,
        "container": info.container if info else "",
        "video_codec": video.codec if video else None,
        "audio_codec": audio.codec if audio else None,
        "audio_tracks": info.audio_tracks if info else 0,
        "audio_track": audio.track if audio else None,
        "width": video.width if video else 0,
        "height": video.height if video else 0,
        "fps": video.fps if video else 0.0,
        "fps_varies": bool(video and video.fps_varies),
        "rotation": video.rotation if video else 0,
        "duration_s": duration_s,
        "stated_duration_s": (info.duration_s or None) if info else None,
        "timecode": info.timecode if info else None,
        "created_at": info.created_at if info else None,
        "tracks": [asdict(track) for track in info.tracks] if info else [],
        "has_video": video is not None,
        "has_audio": audio is not None,
        "stages": [asdict(stage) for stage in origin.stages],
        "committed_at": origin.committed_at,
        "analysed_at": origin.analysed_at,
    }


def _video(task: VideoTask, analysis: Analysis, origin: Origin) -> Row:
    transcript = analysis.transcript
    return _file(task, analysis.info, analysis.duration_s, origin) | {
        "status": "ok",
        "frame_count": analysis.frame_count,
        "corrupt_packets": analysis.corrupt_packets,
        "clock_jumps": analysis.clock_jumps,
        "language": transcript.language,
        "language_probability": transcript.language_probability,
        "languages": [asdict(each) for each in transcript.languages],
        "speech_s": transcript.speech_s,
        "shots": len(analysis.shots),
        "frames": len(analysis.keyframes),
        "objects": sum(len(frame.objects) for frame in analysis.keyframes),
        "utterances": len(transcript.utterances),
        "words": sum(len(each.words) or word_count(each.text, each.language) for each in transcript.utterances),
        "subtitles": len(analysis.subtitles),
        "subtitle_files": [
            {"name": each.name, "size_bytes": each.size_bytes, "mtime_ns": each.mtime_ns}
            for each in analysis.subtitle_files
        ],
        "scenes": len(analysis.scenes),
        "speakers": len({each.speaker for each in transcript.utterances if each.speaker}),
        "speaker_voices": [asdict(each) for each in transcript.voices],
        "text_model": analysis.text_model,
        "file_chapters": [asdict(chapter) for chapter in analysis.file_chapters],
        "warnings": list(analysis.warnings),
        "warning_parts": list(analysis.warnings.values()),
        "timings_s": list(analysis.timings_s.items()),
        "corrections_digest": analysis.corrections_digest,
    }


def _frame(video_id: str, frame: Keyframe) -> Row:
    return {
        "frame_id": frame_id(video_id, frame.index),
        "frame_index": frame.index,
        "time_s": frame.time_s,
        "shot_index": frame.shot_index,
        "sharpness": frame.sharpness,
        "phash": frame.phash,
        "width": frame.width,
        "height": frame.height,
        "thumbnail": frame.thumbnail,
        "labels": [asdict(each) for each in frame.labels],
        "text_lines": [asdict(each) for each in frame.text_lines],
        "text": "\n".join(line.text for line in frame.text_lines),
        "caption": frame.caption,
        "caption_source": frame.caption_source,
        "classes": None if frame.classes is None else frame.classes.indices,
        "class_probabilities": None if frame.classes is None else frame.classes.probabilities,
    }


def _objects(video_id: str, frame: Keyframe) -> list[Row]:
    place = {
        "frame_id": frame_id(video_id, frame.index),
        "frame_index": frame.index,
        "shot_index": frame.shot_index,
        "time_s": frame.time_s,
    }
    return [
        place
        | {"object_index": index, "label": each.label, "score": each.score}
        | {"box": dict(zip(("x0", "y0", "x1", "y1"), each.box, strict=True))}
        for index, each in enumerate(frame.objects)
    ]


def _utterance(video_id: str, utterance: Utterance) -> Row:
    return _span(utterance) | {
        "utterance_id": utterance_id(video_id, utterance.index),
        "utterance_index": utterance.index,
        "text": utterance.text,
        "translation": utterance.translation,
        "language": utterance.language,
        "speaker": utterance.speaker,
        "words": [asdict(each) for each in utterance.words],
        "avg_logprob": utterance.avg_logprob,
        "no_speech_prob": utterance.no_speech_prob,
        "compression_ratio": utterance.compression_ratio,
        "flags": utterance.flags,
        "auto_text": utterance.auto_text,
        "auto_words": None if utterance.auto_words is None else [asdict(each) for each in utterance.auto_words],
        "auto_flags": utterance.auto_flags,
        "auto_speaker": utterance.auto_speaker,
        "heard_text": utterance.heard_text,
        "heard_words": None if utterance.heard_words is None else [asdict(each) for each in utterance.heard_words],
        "sung": utterance.sung,
    }


def _sound(video_id: str, sound: Sound) -> Row:
    return _span(sound) | {
        "sound_id": sound_id(video_id, sound.index),
        "sound_index": sound.index,
        "label": sound.label,
        "score": sound.score,
    }


def _subtitle(video_id: str, line: Subtitle) -> Row:
    return _span(line) | {
        "subtitle_id": subtitle_id(video_id, line.index),
        "subtitle_index": line.index,
        "text": line.text,
        "language": line.language,
        "source": line.source,
        "track": line.track,
    }


def _entity(entity: Entity) -> Row:
    return {
        "entity_index": entity.index,
        "text": entity.text,
        "kind": entity.kind,
        "normal": entity.normal,
        "wikidata_id": entity.wikidata_id,
        "occurrences": [asdict(each) for each in entity.occurrences],
        "doubtful": entity.doubtful,
    }


def _scene(scene: Scene) -> Row:
    return _span(scene) | {
        "scene_index": scene.index,
        "shot_indices": scene.shot_indices,
        "text": scene.text,
        "caption": scene.caption,
        "topics": [asdict(each) for each in scene.topics],
        "auto_topics": None if scene.auto_topics is None else [asdict(each) for each in scene.auto_topics],
        "keyphrases": [asdict(each) for each in scene.keyphrases],
        "labels": [asdict(each) for each in scene.labels],
        "text_weight": scene.text_weight,
        "vision_weight": scene.vision_weight,
    }


def _span(record: Shot | Utterance | Sound | Subtitle | Scene) -> Row:
    return {"start_s": record.start_s, "end_s": record.end_s}
