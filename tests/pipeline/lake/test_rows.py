from dataclasses import asdict, astuple, replace
from math import inf, nan
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings

from pipeline.lake import Origin, failure_tables, video_tables
from pipeline.lake.parquet import RowGroupWriter
from schemas.errors import LakeError
from schemas.records import (
    Analysis,
    Failure,
    Word,
)
from schemas.tables import VIDEO_TABLES, table_schema
from tests.nightly import examples
from tests.pipeline.lake.analyses import analyses
from tests.pipeline.lake.lakes import COORDINATED, NOON, REVISION, TEXT, VISION, analysis, media_info, task

MADE: dict[str, Any] = {
    "revision": REVISION, "shard": "5a", "text": TEXT, "vision": VISION, "coordinated": COORDINATED,
    "committed_at": NOON,
}  # fmt: skip


def plain(value: Any) -> Any:
    """Write records and arrays as Arrow gives them back."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def through_parquet(table: pa.Table, path: Path) -> list[dict[str, Any]]:
    with RowGroupWriter(path, table.schema) as writer:
        writer.add(table)
    read = pq.read_table(path)
    assert read.schema.equals(table.schema)
    assert read.schema.metadata == table.schema.metadata
    assert [field.metadata for field in read.schema] == [field.metadata for field in table.schema]
    return read.to_pylist()


def assert_kept(rows: list[dict[str, Any]], found: tuple[Any, ...], **renamed: str) -> None:
    """Check that every field of every record is in its row."""
    assert len(rows) == len(found)
    for row, record in zip(rows, found, strict=True):
        for name, value in asdict(record).items():
            if name == "classes" and value is not None:
                assert row["classes"] == plain(value["indices"])
                assert row["class_probabilities"] == plain(value["probabilities"])
                continue
            if name != "objects":
                assert row[renamed.get(name, name)] == plain(value), name


@pytest.mark.slow
@settings(max_examples=examples(15), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(analyses)
def test_an_analysis_survives_the_round_trip_through_parquet(tmp_path: Path, found: Analysis) -> None:
    tables = video_tables(task("v"), found, Origin(**MADE))
    rows = {name: through_parquet(table, tmp_path / name) for name, table in tables.items()}
    assert_kept(rows["shots"], found.shots, index="shot_index")
    assert_kept(rows["frames"], found.keyframes, index="frame_index")
    found_objects = [(frame, each) for frame in found.keyframes for each in frame.objects]
    assert [
        (row["frame_index"], row["time_s"], row["shot_index"], row["label"], row["score"], tuple(row["box"].values()))
        for row in rows["objects"]
    ] == [(frame.index, frame.time_s, frame.shot_index, *astuple(each)) for frame, each in found_objects]
    silent = [replace(each, embedding=np.zeros(TEXT[1], np.float32)) for each in found.transcript.utterances]
    spoken = tuple(
        each if each.embedding is not None else zeros
        for each, zeros in zip(found.transcript.utterances, silent, strict=True)
    )
    assert_kept(rows["utterances"], spoken, index="utterance_index")
    assert_kept(rows["scenes"], found.scenes, index="scene_index")
    assert_kept(rows["summaries"], (found.summary,))
    [video] = rows["videos"]
    assert video["duration_s"] == found.duration_s
    assert dict(video["timings_s"]) == found.timings_s
    assert dict(zip(video["warnings"], video["warning_parts"], strict=True)) == found.warnings
    assert (video["shots"], video["frames"], video["scenes"]) == (
        len(found.shots), len(found.keyframes), len(found.scenes),
    )  # fmt: skip
    assert rows["errors"] == []


def test_tables_have_exactly_the_documented_schemas() -> None:
    for name, table in video_tables(task("v"), analysis("v"), Origin(**MADE)).items():
        schema = table_schema(name, text=TEXT, vision=VISION, coordinated=COORDINATED)
        assert table.schema.equals(schema, check_metadata=True)


def test_every_row_names_its_video_revision_and_shard() -> None:
    for table in video_tables(task("v"), analysis("v"), Origin(**MADE)).values():
        for row in table.to_pylist():
            assert (row["video_id"], row["revision"], row["shard"]) == ("v", REVISION, "5a")


def test_a_failure_has_a_row_in_videos_and_one_in_errors() -> None:
    failure = Failure("probe", "empty_file", "It holds no bytes.", "", 1)
    tables = failure_tables(task("v"), failure, None, Origin(**MADE))
    assert set(tables) == set(VIDEO_TABLES)
    assert {name for name, table in tables.items() if table.num_rows} == {"videos", "errors"}
    [video], [error] = tables["videos"].to_pylist(), tables["errors"].to_pylist()
    assert video["status"] == "failed"
    assert (error["stage"], error["kind"], error["message"], error["attempts"]) == (
        "probe", "empty_file", "It holds no bytes.", 1,
    )  # fmt: skip


def test_a_failure_after_the_probe_keeps_what_the_probe_found() -> None:
    failure = Failure("decode", "corrupt", "No frame could be decoded.", "", 1)
    [video] = failure_tables(task("v"), failure, media_info("x"), Origin(**MADE))["videos"].to_pylist()
    assert (video["width"], video["duration_s"], video["video_codec"]) == (1280, 30.5, "h264")
    assert (video["stated_duration_s"], video["timecode"], len(video["tracks"])) == (30.5, "10:00:00:00", 4)


def test_a_file_name_that_is_not_unicode_is_kept_readable() -> None:
    odd = replace(task("v"), uris=("/archive/caf\udce9.mp4",))
    [video] = video_tables(odd, analysis("v"), Origin(**MADE))["videos"].to_pylist()
    assert video["uri"] == "/archive/caf?.mp4"


def with_shot(**changes: Any) -> Analysis:
    found = analysis("v")
    return replace(found, shots=(replace(found.shots[0], **changes), *found.shots[1:]))


def with_embedding(embedding: Any) -> Analysis:
    found = analysis("v")
    return replace(found, keyframes=(replace(found.keyframes[0], embedding=embedding),))


def with_word(word: Word) -> Analysis:
    found = analysis("v")
    spoken = replace(found.transcript.utterances[0], words=(word,))
    return replace(found, transcript=replace(found.transcript, utterances=(spoken,)))


@pytest.mark.parametrize(
    ("found", "column"),
    [
        (with_shot(score=nan), "score"),
        (with_shot(start_s=-1.0), "start_s"),
        (with_shot(end_s=inf), "end_s"),
        (with_shot(start_s=5.0, end_s=4.0), "end_s"),
        (with_embedding(np.full(VISION[1], nan, np.float32)), "embedding"),
        (with_embedding(np.zeros(VISION[1] + 1, np.float32)), "embedding"),
        (with_word(Word("a", 1.0, 0.5, 1.0)), "words.end_s"),
        (with_word(Word("a", 0.5, 1.0, nan)), "words.probability"),
        (replace(analysis("v"), duration_s=-1.0), "duration_s"),
        (replace(analysis("v"), timings_s={"decode": nan}), "timings_s"),
        (replace(analysis("v"), frame_count=None), "frame_count"),
        (replace(analysis("v"), corrupt_packets=2**31), "corrupt_packets"),
    ],
)
def test_invalid_values_are_refused_and_named(found: Analysis, column: str) -> None:
    with pytest.raises(LakeError, match=column):
        video_tables(task("v"), found, Origin(**MADE))
