"""The analysis that rows were made of, and the rows that are made of it."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings

from pipeline.lake import Origin, analysis_of, failure_tables, video_tables
from schemas.errors import LakeError
from schemas.records import Analysis, Failure
from tests.nightly import examples
from tests.pipeline.lake.analyses import analyses
from tests.pipeline.lake.lakes import COORDINATED, NOON, REVISION, TEXT, VISION, analysis, task

pytestmark = pytest.mark.slow

ORIGIN = Origin(revision=REVISION, shard="5a", text=TEXT, vision=VISION, coordinated=COORDINATED, committed_at=NOON)
_ADDED = {"videos": ["warning_parts"], "frames": ["classes", "class_probabilities"]}
"""Columns that lakes of older versions lack."""


def numbered(found: Analysis) -> Analysis:
    """Give its records the indexes that an analysis gives them."""

    def each(records: tuple) -> tuple:  # type: ignore[type-arg]
        return tuple(replace(record, index=index) for index, record in enumerate(records))

    return replace(
        found,
        shots=each(found.shots),
        keyframes=each(found.keyframes),
        transcript=replace(found.transcript, utterances=each(found.transcript.utterances)),
        scenes=each(found.scenes),
        subtitles=each(found.subtitles),
        entities=each(found.entities),
        sounds=each(found.sounds),
    )


def shuffled(table: pa.Table) -> pa.Table:
    """Return the rows in another order, in several chunks, as after compaction."""
    order = np.random.default_rng(0).permutation(table.num_rows)
    return pa.concat_tables([table.take(order[:1]), table.take(order[1:])])


@settings(max_examples=examples(15))
@given(analyses.map(numbered))
def test_an_analysis_of_rows_gives_the_same_rows(found: Analysis) -> None:
    rows = video_tables(task("v"), found, ORIGIN)
    again = video_tables(task("v"), analysis_of({name: shuffled(table) for name, table in rows.items()}), ORIGIN)
    for name, table in rows.items():
        assert again[name].equals(table, check_metadata=True), name


def test_columns_that_an_older_version_did_not_write_may_be_missing_or_null() -> None:
    rows = video_tables(task("v"), replace(analysis("v"), warnings={"Odd.": "audio"}), ORIGIN)
    without = {name: table.drop_columns(_ADDED.get(name, [])) for name, table in rows.items()}
    with_null = {
        name: table.append_column(column, pa.nulls(table.num_rows, rows[name].schema.field(column).type))
        for name, table in without.items()
        for column in _ADDED.get(name, [])[:1]
    }
    for found in (analysis_of(without), analysis_of(without | with_null)):
        assert found.warnings == {"Odd.": "file"}
        assert {frame.classes for frame in found.keyframes} == {None}


def test_the_rows_of_a_failed_video_are_no_analysis() -> None:
    failure = Failure("decode", "corrupt", "No frame could be decoded.", "", 1)
    with pytest.raises(LakeError, match="one analysed video"):
        analysis_of(failure_tables(task("v"), failure, None, ORIGIN))
