import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from pipeline.lake import Lake
from schemas.tables import VIDEO_TABLES
from tests.pipeline.lake.conftest import ON_OBJECT_STORES_AT_NIGHT, copied
from tests.pipeline.lake.lakes import NOON, REVISION, contents, publish

KillAfter = Callable[[Callable[[], object], int], bool]
KillMoments = Callable[[Lake, Callable[[Lake], object]], list[int]]
OTHER = "ffffffffffffffff"


Facts = tuple[Any, ...]


@pytest.fixture(scope="module")
def small_commits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, Facts]:
    """A lake of small commits, superseded rows, failures, runs and sources; and what is in it."""
    lake = Lake.create(str(tmp_path_factory.mktemp("small") / "lake"))
    publish(lake, "01", ["v01", "v02", "v03"], failed=["v03"])
    publish(lake, "02", ["v03", "v04"], failed=["v04"], minutes=1)
    publish(lake, "03", ["v02", "v04"], failed=["v04"], minutes=2, kind="timeout")
    publish(lake, "04", ["v01", "v05"], failed=["v05"], minutes=3, revision=OTHER)
    publish(lake, "05", ["v02"], failed=["v02"], minutes=4, revision=OTHER)
    for number, video in enumerate(["v01", "v02"]):
        source = {"uri": "/a.mp4", "size_bytes": 1, "mtime_ns": number, "video_id": video, "seen_at": NOON}
        lake.write_sources(f"run{number}", [source | {"seen_at": NOON.replace(minute=number)}])
    assert set(files(lake).values()) == {5}
    return lake, facts(lake)


@pytest.fixture(scope="module")
def compacted(small_commits: tuple[Lake, Facts], any_folder: str) -> tuple[Lake, Facts]:
    """A copy of that lake on either kind of store, compacted; and what was in it before."""
    lake, before = small_commits
    any_lake = copied(lake, f"{any_folder}/used")
    any_lake.compact()
    return any_lake, before


def files(lake: Lake) -> dict[str, int]:
    return {table: len(lake._store.names(table)) for table in VIDEO_TABLES}


def facts(lake: Lake) -> Facts:
    return contents(lake), lake.processed(), lake.known_sources()


def kept(lake: Lake) -> list[str]:
    """Return the files of a lake, apart from those of the writer lock."""
    return [path for path in lake._store.tree("") if not path.startswith(("_lock", "_leases"))]


@pytest.mark.slow
def test_compaction_changes_nothing_that_readers_see(compacted: tuple[Lake, Facts]) -> None:
    assert facts(compacted[0]) == compacted[1]


def test_compaction_leaves_one_file_per_table_and_revision_if_files_are_small(compacted: tuple[Lake, Facts]) -> None:
    assert set(files(compacted[0]).values()) == {2}


@pytest.mark.slow
def test_compaction_removes_superseded_rows(compacted: tuple[Lake, Facts]) -> None:
    lake, _ = compacted
    rows = lake.sql("SELECT video_id, status, shard FROM all_videos ORDER BY ALL").to_pylist()
    assert [tuple(row.values()) for row in rows] == [
        ("v01", "ok", "04"),
        ("v02", "failed", "05"),  # the newest attempt failed: what is seen is the one before
        ("v02", "ok", "03"),
        ("v03", "ok", "02"),
        ("v04", "failed", "03"),
        ("v05", "failed", "04"),
    ]
    assert len(lake._store.names("sources")) == 1


def test_compacting_again_finds_nothing_to_do(compacted: tuple[Lake, Facts]) -> None:
    lake, _ = compacted
    before = kept(lake)
    assert lake.compact().rows_removed == 0
    assert kept(lake) == before


def test_large_files_without_superseded_rows_are_left_alone(lake: Lake) -> None:
    publish(lake, "01", ["v01"])
    publish(lake, "02", ["v02"])
    lake.compact(target_bytes=1000)
    assert set(files(lake).values()) == {2}


def test_compaction_of_an_empty_lake_does_nothing(any_lake: Lake) -> None:
    assert any_lake.compact().files_after == 0


@pytest.mark.slow
def test_compaction_killed_anywhere_never_doubles_or_hides_a_row(
    lake: Lake, tmp_path: Path, kill_after: KillAfter, kill_moments: KillMoments, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.lake.log.SNAPSHOT_EVERY", 3)
    publish(lake, "01", ["v01", "v02", "v03"], failed=["v03"])
    publish(lake, "02", ["v01", "v04"], minutes=1)
    expected = contents(lake)
    moments = kill_moments(lake, Lake.compact)
    for changes in moments:
        killed = copied(lake, tmp_path / str(changes))
        assert kill_after(killed.compact, changes)
        assert contents(killed) == expected
        # A new commit makes the next compaction a different one.
        publish(killed, "03", ["w01"], minutes=2)
        published = contents(killed)
        kept = {name: [row for row in rows if row["video_id"] != "w01"] for name, rows in published.items()}
        assert kept == expected
        assert not kill_after(killed.compact, 1000)
        assert contents(killed) == published
    assert len(moments) >= 10


@pytest.mark.slow
def test_cleaning_finishes_a_killed_compaction(three: Lake, kill_after: KillAfter) -> None:
    expected = contents(three)
    for changes in range(3, 30, 4):
        if not kill_after(three.compact, changes):
            break
        three.clean()
        assert contents(three) == expected
        raw = pq.ParquetDataset(f"{three.uri}/videos").read()
        assert sorted(raw["video_id"].to_pylist()) == ["v0", "v1", "v2"]


def test_a_connection_opened_before_compaction_still_reads(any_three: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.lake.files._SMALL_BYTES", 0)  # so that files are opened, not read whole
    connection = any_three.connect()
    any_three.compact()
    assert connection.sql("SELECT count(*) FROM frames").fetchall() == [(9,)]
    connection.close()


@ON_OBJECT_STORES_AT_NIGHT
def test_files_that_were_replaced_more_than_an_hour_ago_are_removed(
    any_three: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = any_three.connect()
    any_three.compact()
    any_three.clean()
    assert len(any_three._store.tree("_replaced")) == 3 * len(VIDEO_TABLES)
    any_three._store.write("_replaced/.DS_Store", b"of a file manager")
    later = time.time() + 3700
    monkeypatch.setattr("time.time", lambda: later)
    any_three.clean()
    assert any_three._store.tree("_replaced") == [".DS_Store"]
    with pytest.raises(Exception, match="does not exist any more"):
        connection.sql("SELECT count(*) FROM frames").fetchall()
    connection.close()


def test_a_query_starts_again_if_its_files_have_gone(three: Lake) -> None:
    counts = []

    def count(connection: duckdb.DuckDBPyConnection) -> int:
        if not counts:
            three.compact()
            three._store.remove_folder("_replaced")
        counts.append(0)
        [(found,)] = connection.sql("SELECT count(*) FROM frames").fetchall()
        return int(found)

    assert three.read(count) == 9
    assert len(counts) == 2


@pytest.mark.slow
def test_commits_compact_by_themselves_and_nothing_else_changes(lake: Lake, tmp_path: Path) -> None:
    undisturbed = Lake.create(str(tmp_path / "undisturbed"))
    for number in range(12):
        publish(lake, f"{number:02}", [f"v{number % 7}"], minutes=number)
    for number in range(5, 12):
        publish(undisturbed, f"{number:02}", [f"v{number % 7}"], minutes=number)
    assert contents(lake) == contents(undisturbed)
    assert max(files(lake).values()) < 10
    assert lake.commit("11", REVISION, ["v4"]) == 1
