from dataclasses import asdict, replace
from math import inf, nan
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pipeline.lake import Origin, failure_tables, video_tables
from pipeline.lake.parquet import RowGroupWriter
from schemas.errors import LakeError
from schemas.records import (
    Analysis,
    Chapter,
    Evidence,
    Failure,
    Highlight,
    Keyframe,
    Label,
    Scene,
    Shot,
    Summary,
    SummarySentence,
    TextLine,
    Transcript,
    Utterance,
    Word,
)
from schemas.tables import VIDEO_TABLES, table_schema
from tests.pipeline.lake.lakes import COORDINATED, NOON, REVISION, TEXT, VISION, analysis, media_info, task

MADE: dict[str, Any] = {
    "revision": REVISION, "shard": "5a", "text": TEXT, "vision": VISION, "coordinated": COORDINATED,
    "committed_at": NOON,
}  # fmt: skip

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
score = st.floats(0, 1, width=32)
number = st.floats(-1e6, 1e6, width=32)
index = st.integers(0, 2**31 - 1)


def records(kind: type, /, **fields: Any) -> st.SearchStrategy[Any]:
    return st.builds(kind, **fields)


def some(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(strategy, max_size=3).map(tuple)


def spans(kind: type, /, **fields: Any) -> st.SearchStrategy[Any]:
    times = st.tuples(st.floats(0, 1e5), st.floats(0, 1e5)).map(sorted)
    return st.tuples(times, st.fixed_dictionaries(fields)).map(
        lambda drawn: kind(start_s=drawn[0][0], end_s=drawn[0][1], **drawn[1])
    )


def vectors(dimensions: int) -> st.SearchStrategy[Any]:
    return hnp.arrays(np.float32, dimensions, elements=st.floats(-1, 1, width=32))


label = records(Label, label=text, score=score)
evidence = spans(Evidence, kind=st.sampled_from(["utterance", "frame"]), id=text)
analyses = st.builds(
    Analysis,
    info=st.just(media_info("x")),
    duration_s=st.floats(0, 1e6),
    frame_count=index,
    corrupt_packets=index,
    shots=some(spans(Shot, index=index, transition=st.sampled_from(["cut", "slide"]), score=score)),
    keyframes=some(
        records(
            Keyframe,
            index=index,
            time_s=st.floats(0, 1e5),
            shot_index=index,
            sharpness=number,
            phash=st.integers(0, 2**64 - 1),
            width=index,
            height=index,
            thumbnail=st.binary(max_size=20),
            labels=some(label),
            text_lines=some(
                records(TextLine, text=text, box=st.tuples(score, score, score, score), score=score),
            ),
            caption=text,
            caption_source=text,
            embedding=vectors(VISION[1]),
            text_embedding=vectors(TEXT[1]),
            coordinated_embedding=vectors(COORDINATED[1]),
        )
    ),
    transcript=st.builds(
        Transcript,
        language=st.none() | st.just("de"),
        language_probability=score,
        speech_s=st.floats(0, 1e5),
        utterances=some(
            spans(
                Utterance,
                index=index,
                text=text,
                language=st.just("de"),
                speaker=st.none() | text,
                words=some(spans(Word, word=text, probability=score)),
                avg_logprob=number,
                no_speech_prob=score,
                compression_ratio=number,
                flags=some(text),
                embedding=st.none() | vectors(TEXT[1]),
                translation=st.none() | text,
            )
        ),
        engine=text,
    ),
    scenes=some(
        spans(
            Scene,
            index=index,
            shot_indices=some(index),
            text=text,
            caption=text,
            topics=some(label),
            text_embedding=vectors(TEXT[1]),
            vision_embedding=vectors(VISION[1]),
            fused_embedding=vectors(TEXT[1] + VISION[1]),
            text_weight=score,
            vision_weight=score,
            keyphrases=some(label),
            labels=some(label),
            coordinated_embedding=vectors(COORDINATED[1]),
        )
    ),
    summary=st.builds(
        Summary,
        headline=text,
        sentences=some(records(SummarySentence, text=text, score=score, evidence=some(evidence))),
        chapters=some(spans(Chapter, title=text)),
        highlights=some(spans(Highlight, reason=text, score=score)),
        keyframe_ids=some(text),
        topics=some(label),
        keyphrases=some(label),
        labels=some(label),
        abstract=some(records(SummarySentence, text=text, score=score, evidence=some(evidence))),
        abstract_source=text,
        abstract_dropped=index,
    ),
    text_model=text,
    timings_s=st.dictionaries(text, st.floats(0, 1e6), max_size=3),
    warnings=some(text),
)


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
            assert row[renamed.get(name, name)] == plain(value), name


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(analyses)
def test_an_analysis_survives_the_round_trip_through_parquet(tmp_path: Path, found: Analysis) -> None:
    tables = video_tables(task("v"), found, Origin(**MADE))
    rows = {name: through_parquet(table, tmp_path / name) for name, table in tables.items()}
    assert_kept(rows["shots"], found.shots, index="shot_index")
    assert_kept(rows["frames"], found.keyframes, index="frame_index")
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
    assert video["warnings"] == list(found.warnings)
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
    assert (video["stated_duration_s"], video["timecode"], len(video["tracks"])) == (30.5, "10:00:00:00", 3)


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
