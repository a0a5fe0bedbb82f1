from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from pipeline.lake import Lake, Origin, shard_id, staging, video_tables
from pipeline.lake.moment_views import MOMENT_VIEWS
from pipeline.lake.views import _column_types, described
from schemas.records import Sound, frame_id, sound_id
from schemas.tables import DESCRIPTIONS, TABLE_NAMES, table_schema, view_schema
from tests.pipeline.lake.conftest import ON_OBJECT_STORES_AT_NIGHT
from tests.pipeline.lake.lakes import (
    COORDINATED,
    NOON,
    REVISION,
    TEXT,
    VISION,
    analysis,
    contents,
    publish,
    run,
    stage,
    task,
)

KillAfter = Callable[[Callable[[], object], int], bool]
NEWER = "ffffffffffffffff"


def states(lake: Lake) -> dict[str, tuple[str, str]]:
    rows = lake.sql("SELECT video_id, status, shard FROM videos").to_pylist()
    return {row["video_id"]: (row["status"], row["shard"]) for row in rows}


def rows_by_shard(lake: Lake, table: str) -> dict[tuple[str, str], int]:
    rows = lake.sql(f"SELECT video_id, shard, count(*) AS n FROM {table} GROUP BY ALL").to_pylist()
    return {(row["video_id"], row["shard"]): row["n"] for row in rows}


def statuses(lake: Lake, revision: str) -> dict[str, tuple[str, str | None]]:
    """Return what a run at a revision makes of each video. The videos have one revision for all stages."""
    found = {}
    for row in lake.processed().to_pylist():
        status = "ok" if row["made"] == revision else "failed" if row["tried"] == revision else "outdated"
        found[row["video_id"]] = (status, row["kinds"])
    return found


@pytest.mark.slow
@ON_OBJECT_STORES_AT_NIGHT
def test_an_empty_lake_has_every_view_with_its_columns(any_lake: Lake) -> None:
    for table in TABLE_NAMES:
        found = any_lake.sql(f"FROM {table}")
        assert found.num_rows == 0
        assert found.schema.names == view_schema(table).names


@pytest.mark.slow
@ON_OBJECT_STORES_AT_NIGHT
def test_a_newer_success_replaces_an_older_one_in_every_table(any_lake: Lake) -> None:
    publish(any_lake, "01", ["v01", "v02"])
    publish(any_lake, "02", ["v01"], revision=NEWER, minutes=1)
    assert states(any_lake) == {"v01": ("ok", "02"), "v02": ("ok", "01")}
    for table in ("shots", "frames", "utterances", "scenes"):
        assert rows_by_shard(any_lake, table) == {("v01", "02"): 3, ("v02", "01"): 3}


def test_an_older_result_that_is_committed_late_does_not_replace_a_newer_one(lake: Lake) -> None:
    publish(lake, "02", ["v01"], revision=NEWER, minutes=1)
    publish(lake, "01", ["v01"], minutes=0)
    assert states(lake) == {"v01": ("ok", "02")}


def test_a_later_failure_does_not_hide_a_success(lake: Lake) -> None:
    publish(lake, "01", ["v01"])
    publish(lake, "02", ["v01"], failed=["v01"], revision=NEWER, minutes=1)
    assert states(lake) == {"v01": ("ok", "01")}
    assert contents(lake)["errors"] == []
    assert lake.sql("SELECT kind FROM all_errors").to_pylist() == [{"kind": "corrupt"}]


def test_a_success_hides_earlier_failures(lake: Lake) -> None:
    publish(lake, "01", ["v01"], failed=["v01"])
    assert [row["kind"] for row in contents(lake)["errors"]] == ["corrupt"]
    publish(lake, "02", ["v01"], minutes=1)
    assert states(lake) == {"v01": ("ok", "02")}
    assert contents(lake)["errors"] == []


def test_the_newer_of_two_failures_is_shown(lake: Lake) -> None:
    publish(lake, "01", ["v01"], failed=["v01"], kind="timeout")
    publish(lake, "02", ["v01"], failed=["v01"], kind="corrupt", minutes=1)
    assert [row["kind"] for row in contents(lake)["errors"]] == ["corrupt"]


def test_rows_of_an_unfinished_commit_are_hidden(lake: Lake, kill_after: KillAfter) -> None:
    publish(lake, "01", ["v01"])
    before = contents(lake)
    stage(lake, "02", ["v01", "v02"], minutes=1)
    assert kill_after(lambda: lake.commit("02", REVISION), 6)
    assert len(lake._store.names("frames")) == 2
    assert contents(lake) == before


def test_all_videos_shows_every_revision(lake: Lake) -> None:
    publish(lake, "01", ["v01"])
    publish(lake, "02", ["v01"], revision=NEWER, minutes=1)
    assert lake.sql("SELECT count(*) AS n FROM all_videos")["n"][0].as_py() == 2


def test_embeddings_can_be_compared_in_sql(any_lake: Lake) -> None:
    publish(any_lake, "01", ["v01"])
    for table, column, dimensions in (
        ("frames", "embedding", VISION[1]),
        ("utterances", "embedding", TEXT[1]),
        ("subtitles", "embedding", TEXT[1]),
        ("scenes", "fused_embedding", TEXT[1] + VISION[1]),
    ):
        found = any_lake.sql(
            f"SELECT typeof({column}) AS kind, array_cosine_similarity({column}, {column}) AS one FROM {table} "
            "ORDER BY one DESC"
        ).to_pylist()
        assert found[0]["kind"] == f"FLOAT[{dimensions}]"
        assert found[0]["one"] == pytest.approx(1)


@pytest.mark.slow
@pytest.mark.parametrize("compacted", [False, True])
@ON_OBJECT_STORES_AT_NIGHT
def test_vectors_of_another_model_than_the_newest_are_null(any_lake: Lake, compacted: bool) -> None:
    publish(any_lake, "01", ["v01", "v02"])
    publish(any_lake, "02", ["v01"], revision=NEWER, minutes=1, vision=("clip", 5))
    if compacted:
        any_lake.compact()
    found = any_lake.sql("SELECT DISTINCT video_id, len(embedding) AS d FROM frames ORDER BY ALL").to_pylist()
    assert [tuple(row.values()) for row in found] == [("v01", 5), ("v02", None)]
    # The text model is the same in both: its vectors stay, those joined with the picture's do not.
    found = any_lake.sql(
        "SELECT DISTINCT video_id, len(text_embedding) AS t, len(fused_embedding) AS f FROM scenes ORDER BY ALL"
    ).to_pylist()
    assert [tuple(row.values()) for row in found] == [("v01", 6, 11), ("v02", 6, None)]


def test_vectors_of_another_model_with_the_same_dimensions_are_null_too(lake: Lake) -> None:
    publish(lake, "01", ["v01"])
    publish(lake, "02", ["v02"], revision=NEWER, minutes=1, text=("bert", TEXT[1]))
    found = lake.sql("SELECT video_id, count(embedding) AS n FROM utterances GROUP BY ALL ORDER BY ALL").to_pylist()
    assert [tuple(row.values()) for row in found] == [("v01", 0), ("v02", 2)]


def test_returning_to_an_earlier_model_restores_its_vectors(lake: Lake) -> None:
    publish(lake, "01", ["v01", "v02"])
    publish(lake, "02", ["v01"], revision=NEWER, minutes=1, vision=("clip", 5))
    publish(lake, "03", ["v01"], minutes=2)
    assert lake.sql("SELECT DISTINCT len(embedding) AS d FROM frames").to_pylist() == [{"d": VISION[1]}]


def test_without_speech_there_is_no_vector(lake: Lake) -> None:
    publish(lake, "01", ["v01"])
    found = lake.sql(
        "SELECT utterance_index, array_cosine_similarity(embedding, embedding) AS likeness FROM utterances "
        "ORDER BY likeness DESC, utterance_index"
    ).to_pylist()
    assert [row["utterance_index"] for row in found][-1] == 0
    assert found[-1]["likeness"] is None


def test_tables_and_columns_have_comments(lake: Lake) -> None:
    found = lake.sql("SELECT view_name, comment FROM duckdb_views() WHERE comment IS NOT NULL").to_pylist()
    assert {row["view_name"]: row["comment"] for row in found} == dict(DESCRIPTIONS) | MOMENT_VIEWS
    [row] = lake.sql(
        "SELECT comment FROM duckdb_columns() WHERE table_name = 'shots' AND column_name = 'end_s'"
    ).to_pylist()
    assert row["comment"] == "End, exclusive."


def test_a_connection_keeps_seeing_the_lake_as_it_was(lake: Lake) -> None:
    publish(lake, "01", ["v01"])
    connection = lake.connect()
    publish(lake, "02", ["v02"])
    assert connection.sql("SELECT count(*) FROM videos").fetchall() == [(1,)]
    connection.close()


@ON_OBJECT_STORES_AT_NIGHT
def test_a_run_sees_what_is_done_at_its_revision(any_lake: Lake) -> None:
    publish(any_lake, "01", ["v01", "v02", "v03"], failed=["v02", "v03"], kind="timeout")
    publish(any_lake, "02", ["v01"], revision=NEWER, minutes=1)
    publish(any_lake, "03", ["v03"], minutes=2)
    assert statuses(any_lake, REVISION) == {
        "v01": ("outdated", None), "v02": ("failed", "timeout"), "v03": ("ok", None),
    }  # fmt: skip
    assert statuses(any_lake, NEWER) == {
        "v01": ("ok", None), "v02": ("outdated", "timeout"), "v03": ("outdated", None),
    }  # fmt: skip


def test_a_video_that_failed_at_this_revision_is_not_analysed_again_because_an_older_one_succeeded(lake: Lake) -> None:
    publish(lake, "01", ["v01"])
    publish(lake, "02", ["v01"], failed=["v01"], revision=NEWER, minutes=1)
    assert statuses(lake, NEWER) == {"v01": ("failed", "corrupt")}
    assert statuses(lake, REVISION) == {"v01": ("ok", "corrupt")}


def test_running_again_does_nothing(lake: Lake) -> None:
    run(lake, ["v01", "v02", "v03", "v04"])
    before = lake._store.tree("")
    run(lake, ["v01", "v02", "v03", "v04"])
    assert lake._store.tree("") == before


def test_a_video_that_is_analysed_again_gets_another_shard(lake: Lake) -> None:
    first = shard_id(REVISION, [("v01", None)])
    publish(lake, first, ["v01"], failed=["v01"], kind="timeout")
    [row] = lake.processed().to_pylist()
    second = shard_id(REVISION, [("v01", row["shard"])])
    assert second != first
    publish(lake, second, ["v01"], minutes=1)
    assert statuses(lake, REVISION) == {"v01": ("ok", None)}


def test_the_name_of_a_shard_does_not_depend_on_the_order_of_its_videos() -> None:
    videos = [("v01", None), ("v02", "5a"), ("v03", None)]
    assert shard_id(REVISION, videos) == shard_id(REVISION, reversed(videos))
    assert shard_id(REVISION, videos) != shard_id(NEWER, videos)
    assert shard_id(REVISION, videos) != shard_id(REVISION, videos[:2])


@pytest.mark.slow
@ON_OBJECT_STORES_AT_NIGHT
def test_a_failure_is_over_once_its_location_has_other_content(any_lake: Lake) -> None:
    publish(any_lake, "5a", ["v01", "v02"], failed=["v01", "v02"])
    assert len(any_lake.sql("FROM errors")) == 2
    repaired = replace(task("v03"), uris=task("v01").uris)
    later: dict[str, Any] = {
        "text": TEXT, "vision": VISION, "coordinated": COORDINATED, "committed_at": NOON + timedelta(hours=1),
    }  # fmt: skip
    tables = video_tables(repaired, analysis("v03"), Origin(revision=REVISION, shard="5b", **later))
    any_lake.stage("5b", "v03", tables)
    any_lake.commit("5b", REVISION)
    assert any_lake.sql("SELECT video_id FROM errors").column(0).to_pylist() == ["v02"]
    assert any_lake.sql("SELECT video_id FROM videos ORDER BY ALL").column(0).to_pylist() == ["v02", "v03"]
    assert len(any_lake.sql("FROM all_errors")) == 2


def test_missing_columns_of_an_older_version_are_null(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    def older(lake: Lake, shard: str, video_id: str, tables: Mapping[str, pa.Table]) -> None:
        frames = tables["frames"].drop_columns(["text_embedding", "coordinated_embedding"])
        summaries = tables["summaries"].drop_columns(["keyphrases"])
        staging.stage(lake._store, shard, video_id, {**tables, "frames": frames, "summaries": summaries})

    with monkeypatch.context() as patch:
        patch.setattr(Lake, "stage", older)
        publish(lake, "01", ["v01"])
    assert lake.sql("SELECT DISTINCT text_embedding IS NULL AS gone, caption FROM frames").to_pylist() == [
        {"gone": True, "caption": "A bicycle on a road."}
    ]
    publish(lake, "02", ["v02"], revision=NEWER, minutes=1)
    rows = lake.sql("SELECT video_id, bool_or(text_embedding IS NULL) AS gone FROM frames GROUP BY ALL ORDER BY ALL")
    assert rows.to_pylist() == [{"video_id": "v01", "gone": True}, {"video_id": "v02", "gone": False}]


def test_a_shot_has_the_largest_number_of_objects_seen_at_once(lake: Lake):
    publish(lake, "01", ["v01"])
    query = "SELECT shot_index, label, count, frame_id, start_s FROM shot_objects WHERE count >= 2 OR shot_index = 0"
    assert lake.sql(f"{query} ORDER BY ALL").to_pylist() == [
        {"shot_index": 0, "label": "bicycle", "count": 1, "frame_id": "v01-f00000", "start_s": 0.0},
        {"shot_index": 2, "label": "person", "count": 2, "frame_id": "v01-f00002", "start_s": 20.0},
    ]
    moments = lake.sql("SELECT text, start_s, end_s FROM moments WHERE kind = 'object' ORDER BY start_s").to_pylist()
    assert [each["text"] for each in moments] == ["bicycle", "bicycle, person", "person (2), bicycle"]
    assert [each["start_s"] for each in moments] == [0.0, 10.0, 20.0]
    at = lake.sql("SELECT text FROM \"at\"('v01', 25) WHERE kind = 'object'").to_pylist()
    assert at == [{"text": "person (2), bicycle"}]


def test_sounds_other_than_speech_are_moments_with_the_frame_of_that_time(lake: Lake) -> None:
    sounds = (Sound(0, 0.0, 20.0, "speech", 0.5), Sound(1, 12.5, 20.0, "music", 0.75))
    publish(lake, "01", ["v01"], made_up=lambda video: replace(analysis(video), sounds=sounds))
    [moment] = lake.sql("SELECT * FROM moments WHERE kind = 'sound'").to_pylist()
    assert (moment["moment_id"], moment["text"]) == (sound_id("v01", 1), "music")
    assert (moment["start_s"], moment["end_s"], moment["frame_id"]) == (12.5, 20.0, frame_id("v01", 1))


@pytest.mark.parametrize("table", TABLE_NAMES)
def test_columns_have_the_types_that_duckdb_itself_gives_them(table: str) -> None:
    with duckdb.connect() as connection:
        for own, theirs in zip(
            *(types(table_schema(table)).values() for types in (_column_types, described)), strict=True
        ):
            [found] = connection.execute(f"SELECT typeof(NULL::{own}) = typeof(NULL::{theirs})").fetchone()
            assert found, (own, theirs)


def test_a_column_of_an_unknown_type_is_described_by_duckdb() -> None:
    assert _column_types(pa.schema({"day": pa.date32()})) == {"day": "DATE"}
