"""Rows to the analysis they were made of, so that some of its stages can be redone. The inverse of `video_tables`."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.lake.records import entity_of, if_any, labels_of, object_of, summary_of, words_of
from schemas.errors import LakeError
from schemas.media import AudioStream, MediaInfo, Track, VideoStream
from schemas.records import (
    Analysis,
    Chapter,
    ClassScores,
    DetectedObject,
    Embedding,
    Keyframe,
    Scene,
    Shot,
    Sound,
    StageState,
    Subtitle,
    SubtitleFile,
    TextLine,
    Transcript,
    Utterance,
    Voice,
)
from schemas.stages import STAGES

Row = Mapping[str, Any]


def analysis_of(tables: Mapping[str, pa.Table]) -> Analysis:
    """Return the analysis that `video_tables` made the rows of.

    Args:
        tables: All rows of one analysed video, in any order, by table: all of `VIDEO_TABLES` but `errors`. Columns that
            an older version did not write may be missing or null.

    Returns:
        All that the lake stores. Of the file, that is less than a probe finds: `info` must not be used to decode it.

    Raises:
        LakeError: There is not exactly one row in `videos` and `summaries`, as when the analysis failed.
    """
    videos, summaries = tables["videos"].to_pylist(), tables["summaries"].to_pylist()
    if len(videos) != 1 or len(summaries) != 1:
        raise LakeError(f"Expected the rows of one analysed video, not of {len(videos)} ({len(summaries)} summaries).")
    [video], [summary] = videos, summaries
    objects = _objects(tables["objects"])
    messages, parts = video["warnings"], video.get("warning_parts") or ()
    return Analysis(
        info=_info(video),
        duration_s=video["duration_s"],
        frame_count=video["frame_count"],
        corrupt_packets=video["corrupt_packets"],
        clock_jumps=video.get("clock_jumps") or 0,
        shots=tuple(_shot(row) for row in _rows(tables["shots"], "shot_index")),
        keyframes=tuple(
            _keyframe(row, tuple(objects.get(row["frame_index"], ()))) for row in _rows(tables["frames"], "frame_index")
        ),
        transcript=Transcript(
            language=video["language"],
            language_probability=video["language_probability"],
            speech_s=video["speech_s"],
            utterances=tuple(_utterance(row) for row in _rows(tables["utterances"], "utterance_index")),
            engine="",
            voices=tuple(_voice(each) for each in video.get("speaker_voices") or ()),
        ),
        scenes=tuple(_scene(row) for row in _rows(tables["scenes"], "scene_index")),
        summary=summary_of(summary),
        text_model=video.get("text_model") or "",
        timings_s=dict(video["timings_s"]),
        warnings=dict(zip(messages, parts or ["file"] * len(messages), strict=True)),
        file_chapters=tuple(Chapter(**each) for each in video.get("file_chapters") or ()),
        subtitle_files=tuple(_subtitle_file(each) for each in video.get("subtitle_files") or ()),
        subtitles=tuple(_subtitle(row) for row in _rows(tables["subtitles"], "subtitle_index")),
        entities=tuple(entity_of(row) for row in _rows(tables["entities"], "entity_index")),
        corrections_digest=video.get("corrections_digest"),
        sounds=tuple(_sound(row) for row in _rows(tables["sounds"], "sound_index")),
    )


def stage_states(tables: Mapping[str, pa.Table]) -> tuple[StageState, ...]:
    """Return what the stages of an analysed video were made with.

    Args:
        tables: As for `analysis_of`. An older version wrote one revision, which then stands for each stage.
    """
    [video] = tables["videos"].to_pylist()
    if video.get("stages") is None:
        return tuple(StageState(stage, video["revision"]) for stage in STAGES)
    return tuple(StageState(**each) for each in video["stages"])


def _rows(table: pa.Table, index: str) -> Iterator[dict[str, Any]]:
    """Yield rows in order, with their vectors as arrays."""
    table = table.sort_by(index)
    shaped = [field.name for field in table.schema if pa.types.is_fixed_size_list(field.type)]
    vectors = {name: _vectors(table.column(name)) for name in shaped}
    for number, row in enumerate(table.drop_columns(shaped).to_pylist()):
        # Copies, because a view of one row would keep all of them in memory.
        yield row | {name: rows[number].copy() for name, rows in vectors.items()}


def _vectors(column: pa.ChunkedArray) -> Embedding:
    """Return the vectors of a column, float32 (n, d)."""
    values = column.combine_chunks().flatten()
    return np.asarray(values.to_numpy(), dtype=np.float32).reshape(len(column), column.type.list_size)


def _info(row: Row) -> MediaInfo:
    tracks = tuple(Track(**each) for each in row.get("tracks") or ())
    video = VideoStream(
        index=next((track.index for track in tracks if track.kind == "video"), 0),
        codec=row["video_codec"] or "",
        width=row["width"],
        height=row["height"],
        fps=row["fps"],
        rotation=row.get("rotation") or 0,
        pixel_format="",
        fps_varies=bool(row.get("fps_varies")),
    )
    number = row.get("audio_track") or 0
    audio = AudioStream(
        index=next(iter([track.index for track in tracks if track.kind == "audio"][number:]), 0),
        codec=row["audio_codec"] or "",
        channels=0,
        sample_rate_hz=0,
        language=None,
        default=True,
        track=number,
    )
    return MediaInfo(
        uri=row["uri"],
        size_bytes=row["size_bytes"],
        container=row["container"],
        duration_s=row.get("stated_duration_s") or 0.0,
        video=video if row["has_video"] else None,
        audio=audio if row["has_audio"] else None,
        audio_tracks=row.get("audio_tracks") or 0,
        has_attached_picture=any(track.kind == "cover" for track in tracks),
        tracks=tracks,
        timecode=row.get("timecode"),
        created_at=row.get("created_at"),
    )


def _shot(row: Row) -> Shot:
    return Shot(row["shot_index"], row["start_s"], row["end_s"], row["transition"], row["score"])


def _objects(table: pa.Table) -> dict[int, list[DetectedObject]]:
    """Return the objects of each keyframe, by its index."""
    found: dict[int, list[DetectedObject]] = defaultdict(list)
    for row in table.sort_by([("frame_index", "ascending"), ("object_index", "ascending")]).to_pylist():
        found[row["frame_index"]].append(object_of(row))
    return found


def _keyframe(row: Row, objects: tuple[DetectedObject, ...]) -> Keyframe:
    classes, probabilities = row.get("classes"), row.get("class_probabilities")
    lines = (TextLine(each["text"], tuple(each["box"]), each["score"]) for each in row["text_lines"])
    return Keyframe(
        index=row["frame_index"],
        time_s=row["time_s"],
        shot_index=row["shot_index"],
        sharpness=row["sharpness"],
        phash=row["phash"],
        width=row["width"],
        height=row["height"],
        thumbnail=row["thumbnail"],
        labels=labels_of(row["labels"]),
        text_lines=tuple(lines),
        caption=row["caption"],
        caption_source=row["caption_source"],
        embedding=row["embedding"],
        text_embedding=row["text_embedding"],
        coordinated_embedding=row["coordinated_embedding"],
        classes=None
        if classes is None or probabilities is None
        else ClassScores(np.array(classes, dtype=np.int32), np.array(probabilities, dtype=np.float32)),
        objects=objects,
    )


def _utterance(row: Row) -> Utterance:
    return Utterance(
        index=row["utterance_index"],
        start_s=row["start_s"],
        end_s=row["end_s"],
        text=row["text"],
        language=row["language"],
        speaker=row["speaker"],
        words=words_of(row["words"]),
        avg_logprob=row["avg_logprob"],
        no_speech_prob=row["no_speech_prob"],
        compression_ratio=row["compression_ratio"],
        flags=tuple(row["flags"]),
        embedding=row["embedding"],
        translation=row["translation"],
        auto_text=row.get("auto_text"),
        auto_words=if_any(row.get("auto_words"), words_of),
        auto_flags=if_any(row.get("auto_flags"), tuple),
        auto_speaker=row.get("auto_speaker"),
        heard_text=row.get("heard_text"),
        heard_words=if_any(row.get("heard_words"), words_of),
        sung=bool(row.get("sung")),
    )


def _sound(row: Row) -> Sound:
    return Sound(row["sound_index"], row["start_s"], row["end_s"], row["label"], row["score"])


def _voice(row: Row) -> Voice:
    return Voice(row["speaker"], np.array(row["embedding"], np.float32), row["speech_s"], row["model"])


def _subtitle(row: Row) -> Subtitle:
    return Subtitle(
        index=row["subtitle_index"],
        start_s=row["start_s"],
        end_s=row["end_s"],
        text=row["text"],
        language=row["language"],
        source=row["source"],
        track=row["track"],
        embedding=row["embedding"],
    )


def _subtitle_file(row: Row) -> SubtitleFile:
    # Its location is not stored, and nothing reads it after the file has been read.
    return SubtitleFile("", row["name"], None, row["size_bytes"], row["mtime_ns"])


def _scene(row: Row) -> Scene:
    return Scene(
        index=row["scene_index"],
        start_s=row["start_s"],
        end_s=row["end_s"],
        shot_indices=tuple(row["shot_indices"]),
        text=row["text"],
        caption=row["caption"],
        topics=labels_of(row["topics"]),
        text_embedding=row["text_embedding"],
        vision_embedding=row["vision_embedding"],
        fused_embedding=row["fused_embedding"],
        text_weight=row["text_weight"],
        vision_weight=row["vision_weight"],
        keyphrases=labels_of(row["keyphrases"]),
        labels=labels_of(row["labels"]),
        coordinated_embedding=row["coordinated_embedding"],
        auto_topics=if_any(row.get("auto_topics"), labels_of),
    )
