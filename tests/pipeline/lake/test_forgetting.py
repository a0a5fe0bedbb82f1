"""Videos that are forgotten leave nothing behind, on any store and however the command ends."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipeline.lake import Lake, Origin, shard_id, video_tables
from pipeline.lake import forgetting as module
from pipeline.lake.log import Log
from schemas.corrections import Correction
from schemas.errors import LakeError
from schemas.records import VideoTask
from schemas.tables import table_schema
from tests.nightly import nightly
from tests.pipeline.lake.conftest import ON_OBJECT_STORES_AT_NIGHT, copied, new_folder
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
)
from tests.pipeline.lake.remains import contents_of, remains, traces_of

pytestmark = pytest.mark.slow

LEFT = ["v02", "v03"]
_MOMENTS = [14, 16, 18, 34, 48, 56]
"""Numbers of changes to the files of the lake after which the command is killed."""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake with three videos of which one comes in two revisions, its locations, its runs and their reports."""
    lake = Lake.create(str(tmp_path_factory.mktemp("filled") / "lake"))
    publish(lake, "01", ["v01", "v02", "v03"], failed=["v03"])
    publish(lake, "02", ["v01"], revision="b" * 16, minutes=3)
    lake.write_sources("r1", [source("v01"), source("v02"), source("v01", "/elsewhere/v01.mp4")])
    lake.write_run(run_row("r1", ["/archive", "/archive/v01.mp4"]))
    lake.write_corrections([correction(each) for each in ("v01", "v02")])
    lake.write_report("r1", "<h3>v01.mp4</h3>")
    lake.write_report("r2", "<h3>v02.mp4</h3>")
    return lake


@pytest.fixture
def full(filled: Lake, tmp_path: Path) -> Lake:
    """A copy of that lake, to change it."""
    return copied(filled, tmp_path / "full")


@pytest.fixture
def any_full(filled: Lake, any_folder: str) -> Lake:
    """The same on either kind of store."""
    return copied(filled, new_folder(any_folder))


def source(video_id: str, uri: str = "") -> dict[str, Any]:
    uri = uri or f"/archive/{video_id}.mp4"
    return {"uri": uri, "size_bytes": 1000, "mtime_ns": 1, "video_id": video_id, "digest": "full", "seen_at": NOON}


def run_row(run_id: str, archive: list[str]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for column in table_schema("runs"):
        empty = {"string": "", "double": 0.0, "int32": 0, "timestamp[us, tz=UTC]": NOON}
        row[column.name] = None if column.nullable else empty.get(str(column.type), [])
    return row | {"run_id": run_id, "archive": archive}


def correction(video_id: str) -> Correction:
    return Correction(
        correction_id=f"c{video_id}", video_id=video_id, field="headline", place=None, spans=(), from_value=None,
        to_value=f"Bicycles in {video_id}", author="nobody", made_at=NOON,
    )  # fmt: skip


def visible(lake: Lake) -> list[str]:
    ids: list[str] = lake.sql("SELECT video_id FROM videos ORDER BY video_id")["video_id"].to_pylist()
    return ids


def others(found: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """Leave out the rows of v01, and what forgetting it changes on purpose."""
    return {
        table: [row for row in rows if row.get("video_id") != "v01"]
        for table, rows in found.items()
        if table not in {"runs", "forgotten"}
    }


@ON_OBJECT_STORES_AT_NIGHT
def test_the_traces_are_found_before(any_full: Lake) -> None:
    stage(any_full, "77", ["v01"], minutes=9)
    found = remains(any_full, "v01")
    assert {path.split("/")[0] for path in found} >= {
        "videos", "shots", "frames", "utterances", "sounds", "subtitles", "scenes", "summaries", "sources", "runs",
        "corrections", "_reports", "_staging",
    }  # fmt: skip
    assert set(traces_of("v01")) <= {trace for traces in found.values() for trace in traces}


@pytest.mark.parametrize(
    ("any_folder", "compacted"),
    [
        ("disk", False),
        nightly("disk", True),
        pytest.param("object store", True, marks=pytest.mark.s3),
        nightly("object store", False),
    ],
    indirect=["any_folder"],
)
def test_no_byte_of_a_forgotten_video_is_left_and_all_others_are_untouched(any_full: Lake, compacted: bool) -> None:
    if compacted:
        any_full.compact()  # its files are set aside for readers of older snapshots
    stage(any_full, "77", ["v01"], minutes=9)
    any_full.begin_attempt("78", "v01", "node")
    before = contents(any_full)
    done = any_full.forget(["v01.mp4"])
    assert remains(any_full, "v01") == {}
    assert others(contents(any_full)) == others(before)
    assert visible(any_full) == LEFT
    assert any_full.reports() == ["r2"]
    assert any_full.sql("SELECT archive FROM runs")["archive"].to_pylist() == [["/archive", "(forgotten)"]]
    assert any_full.sql("SELECT video_id FROM forgotten")["video_id"].to_pylist() == ["v01"]
    assert (done.videos, done.reports) == (1, 1)
    assert done.rows["videos"] >= 2
    assert (done.rows["sources"], done.rows["corrections"]) == (2, 1)
    assert done.bytes > 0


def test_every_view_hides_a_video_as_soon_as_its_tombstone_is_there(full: Lake) -> None:
    before = contents(full)
    module.hide(full._log, full.held(["v01"]))
    assert remains(full, "v01")
    assert others(contents(full)) == others(before)
    for view in ("videos", "all_videos", "frames", "utterances", "sources", "moments", "words", "chapters"):
        assert "v01" not in full.sql(f"FROM {view}")["video_id"].to_pylist()
    assert full.sql("FROM all_errors")["video_id"].to_pylist() == ["v03"]
    assert sorted(full.video_ids()) == LEFT
    assert full.sql("FROM find_videos('v01')").num_rows == 0


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_the_video_whole_or_hidden_and_the_next_clean_up_does_the_rest(
    full: Lake, tmp_path: Path, kill_after: Callable[[Callable[[], object], int], bool]
) -> None:
    """`benchmarks/faults.py` tries many more moments."""
    before = contents(full)
    stage(full, "77", ["v04"], minutes=9)
    hidden = []
    for changes in _MOMENTS:
        lake = copied(full, tmp_path / str(changes))
        assert kill_after(lambda lake=lake: lake.forget(["v01"]), changes)  # type: ignore[misc]
        lake = Lake(lake.uri)
        now = contents(lake)
        hidden.append(not [row for row in now["videos"] if row["video_id"] == "v01"])
        left = {table: [row for row in rows if row.get("video_id") != "v04"] for table, rows in now.items()}
        assert others(left) == others(before)
        if hidden[-1]:
            assert not [row for table in others(left) for row in left[table] if row.get("video_id") == "v01"]
            lake.clean()
        else:
            assert left == before
            lake.forget(["v01"])
        assert remains(lake, "v01") == {}
        assert visible(lake) == [*LEFT, "v04"]
        assert lake.forgotten() == {"v01"}
        assert not lake._log.snapshot().pending
    assert hidden == sorted(hidden)
    assert {*hidden} == {False, True}


def test_forgetting_is_finished_by_the_same_command_by_name(
    full: Lake, kill_after: Callable[[Callable[[], object], int], bool]
) -> None:
    assert kill_after(lambda: module.purge(full._log), 0) is False
    module.hide(full._log, full.held(["v01"]))
    [found] = full.held(["v01.mp4"])
    assert found.pending
    assert full.forget(["v01.mp4"]).rows["videos"] == 2
    assert remains(full, "v01") == {}
    assert full.forget(["v01"]).videos == 0


@ON_OBJECT_STORES_AT_NIGHT
def test_what_a_worker_staged_meanwhile_is_dropped_by_the_commit(any_full: Lake) -> None:
    shard = shard_id(REVISION, [("v01", "02"), ("v05", None)])
    any_full.forget(["v01"])
    stage(any_full, shard, ["v01", "v05"], minutes=9)
    assert any_full.commit(shard, REVISION, ["v01", "v05"]) == 1
    assert visible(any_full) == [*LEFT, "v05"]
    assert remains(any_full, "v01") == {}
    stage(any_full, "77", ["v01"], minutes=9)
    assert any_full.commit("77", REVISION, ["v01"]) == 0
    stage(any_full, "78", ["v01"], minutes=9)
    any_full.clean()
    assert remains(any_full, "v01") == {}


def test_a_tombstone_that_comes_while_a_shard_is_committed_wins(full: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    other, append = Lake(full.uri), Log.append
    stage(full, "77", ["v01", "v05"], minutes=9)

    def late(self: Log, *arguments: Any) -> Any:
        monkeypatch.setattr(Log, "append", append)
        other.forget(["v01"])
        return append(self, *arguments)

    monkeypatch.setattr(Log, "append", late)
    # The commit's files are deleted, so no clean-up is needed. What `clean` published would be there twice.
    monkeypatch.setattr("pipeline.lake.cleaning.clean", lambda log: None)
    assert full.commit("77", REVISION, ["v01", "v05"]) == 1
    assert visible(full) == [*LEFT, "v05"]
    assert remains(full, "v01") == {}


def test_a_run_neither_records_the_location_of_a_forgotten_video_nor_analyses_it(full: Lake) -> None:
    full.forget(["v01"])
    full.write_sources("r3", [source("v01"), source("v06")])
    full.write_sources("r4", [source("v01")])
    assert full.sql("SELECT video_id FROM sources ORDER BY uri")["video_id"].to_pylist() == ["v02", "v06"]
    assert {row["video_id"]: row["forgotten"] for row in full.processed().to_pylist()} == {
        "v01": True, "v02": False, "v03": False,
    }  # fmt: skip
    assert remains(full, "v01") == {}


def test_an_undone_tombstone_lets_the_next_run_analyse_the_video_again(full: Lake) -> None:
    full.forget(["v01", "v02"])
    full.undo_forget(["v01"])
    assert full.forgotten() == {"v02"}
    run(full, ["v01"])
    assert visible(full) == ["v01", "v03"]
    with pytest.raises(LakeError, match="v77 is no video that"):
        full.undo_forget(["v77"])


def test_a_failure_that_the_video_hid_does_not_come_back(lake: Lake) -> None:
    publish(lake, "01", ["v01"], failed=["v01"])
    unreadable = lake.sql("SELECT uri FROM videos")["uri"].to_pylist()
    lake.stage("v09", "v09", _at(unreadable[0], "v09", 5))
    lake.commit("v09", REVISION)
    assert visible(lake) == ["v09"]
    lake.forget(["v09"])
    assert visible(lake) == []
    assert not [path for path, content in contents_of(lake) if b"/archive/v01.mp4" in content]


def _at(uri: str, video_id: str, minutes: float) -> dict[str, pa.Table]:
    origin = Origin(
        revision=REVISION, shard=video_id, text=TEXT, vision=VISION, coordinated=COORDINATED,
        committed_at=NOON + timedelta(minutes=minutes),
    )  # fmt: skip
    return video_tables(VideoTask(video_id, (uri,), 9, 0), analysis(video_id), origin)


def test_content_that_the_video_replaced_is_missing_and_not_back_at_its_location(lake: Lake) -> None:
    place = "/archive/talk.mp4"
    for minutes, video_id in enumerate(["v01", "v02"]):
        lake.stage(video_id, video_id, _at(place, video_id, minutes))
        lake.commit(video_id, REVISION)
        lake.write_sources("r1", [source(video_id, place) | {"seen_at": NOON + timedelta(minutes=minutes)}])
    assert visible(lake) == ["v02"]
    lake.forget([place])
    [row] = lake.sql("SELECT video_id, uri, missing_since FROM videos").to_pylist()
    assert row == {"video_id": "v01", "uri": place, "missing_since": NOON + timedelta(minutes=1)}
    assert remains(lake, "v02") == {}


def test_a_reader_of_an_older_state_starts_again_instead_of_reading_half(any_full: Lake) -> None:
    reader = Lake(any_full.uri)
    states: list[list[str]] = []

    def work(connection: Any) -> int:
        states.append([each for (each,) in connection.sql("SELECT video_id FROM videos ORDER BY 1").fetchall()])
        if len(states) == 1:
            any_full.forget(["v01"])
        return len(connection.sql("SELECT thumbnail FROM frames").fetchall())

    frames = reader.read(work)
    assert frames == (3 if states[-1] == LEFT else 6)


def test_forgetting_is_refused_while_another_process_writes(full: Lake) -> None:
    other = Lake(full.uri)
    with full.lock(), pytest.raises(LakeError, match="is being written by"):
        other.forget(["v01"])
    assert "v01" in visible(full)


def test_a_lake_of_an_older_format_gets_a_newer_one_before_anything_is_forgotten(full: Lake) -> None:
    full._store.write("_videolake.json", b'{"format": 3}')
    older = Lake(full.uri)
    older.forget(["v01"])
    assert full._store.read("_videolake.json") == b'{"format": 4}'
    assert remains(older, "v01") == {}
