"""The log against other writers, clocks, lost answers and kills."""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pipeline.lake import Lake, compaction, log
from pipeline.lake.layout import LAKE_FORMAT
from pipeline.lake.log import ConflictError
from pipeline.lake.store import Store
from schemas.errors import LakeError
from schemas.tables import VIDEO_TABLES
from tests.nightly import NIGHTLY
from tests.pipeline.lake.conftest import ON_OBJECT_STORES_AT_NIGHT, copied, new_folder
from tests.pipeline.lake.lakes import NOON, REVISION, contents, publish, run, seen, stage

KillAfter = Callable[[Callable[[], object], int], bool]


def ids(lake: Lake) -> list[str]:
    return [row["video_id"] for row in lake.sql("SELECT video_id FROM all_videos ORDER BY ALL").to_pylist()]


def before_entry(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Do something once, after a writer has written its files and before it adds them to the log."""
    original = Store.write_new
    left = [act]

    def write_new(store: Store, relative: str, content: bytes) -> bool:
        if relative.startswith("_log/") and left:
            left.pop()()
        return original(store, relative, content)

    monkeypatch.setattr(Store, "write_new", write_new)


@pytest.mark.slow
def test_writers_at_the_same_time_lose_nothing(any_lake: Lake) -> None:
    def write(writer: int) -> None:
        lake = Lake(any_lake.uri)
        for number in range(3):
            publish(lake, f"{writer}{number}", [f"v{writer}{number}"])
            lake.write_sources(
                f"run{writer}{number}",
                [{"uri": f"/{writer}{number}", "size_bytes": 1, "mtime_ns": 1, "video_id": "v", "seen_at": NOON}],
            )

    with ThreadPoolExecutor(3) as writers:
        list(writers.map(write, range(3)))
    assert ids(any_lake) == [f"v{writer}{number}" for writer in range(3) for number in range(3)]
    assert any_lake.known_sources().num_rows == 9


def test_a_commit_beside_another_one_of_the_same_shard_doubles_nothing(
    any_lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage(any_lake, "5a", ["v01", "v02"])
    other = Lake(any_lake.uri)
    before_entry(monkeypatch, lambda: other.commit("5a", REVISION, ["v01"]))
    assert any_lake.commit("5a", REVISION, ["v01", "v02"]) == 2
    assert ids(any_lake) == ["v01", "v02"]


def test_a_commit_whose_files_another_writer_removed_is_made_again(
    any_lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage(any_lake, "5a", ["v01", "v02"])
    other = Lake(any_lake.uri)

    def clean() -> None:
        monkeypatch.setattr("pipeline.lake.cleaning.staged_shards", lambda store: [])  # listed before they were there
        assert other.clean().files_removed == len(VIDEO_TABLES)

    before_entry(monkeypatch, clean)
    assert any_lake.commit("5a", REVISION) == 2
    assert {table: len(rows) for table, rows in contents(any_lake).items() if rows} == {
        "videos": 2, "shots": 6, "frames": 6, "objects": 12, "utterances": 6, "sounds": 2, "subtitles": 4,
        "scenes": 6, "entities": 2, "summaries": 2,
    }  # fmt: skip


@ON_OBJECT_STORES_AT_NIGHT
def test_results_that_the_next_run_published_are_not_published_again(
    any_lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage(any_lake, "5a", ["v01", "v02"])
    before_entry(monkeypatch, lambda: Lake(any_lake.uri).clean())
    assert any_lake.commit("5a", REVISION, ["v01", "v02"]) == 2
    assert ids(any_lake) == ["v01", "v02"]


@ON_OBJECT_STORES_AT_NIGHT
def test_of_two_compactions_at_the_same_time_one_gives_way(any_three: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = contents(any_three)
    other = Lake(any_three.uri)
    before_entry(monkeypatch, lambda: compaction.compact(other._log))
    with pytest.raises(ConflictError):
        compaction.compact(any_three._log)
    assert contents(any_three) == expected
    assert any_three.clean().files_removed == 0


@ON_OBJECT_STORES_AT_NIGHT
def test_a_compaction_beside_commits_loses_nothing(any_three: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Lake(any_three.uri)
    before_entry(monkeypatch, lambda: publish(other, "09", ["v0", "v9"], minutes=1))
    any_three.compact()
    assert [row["video_id"] for row in contents(any_three)["videos"]] == ["v0", "v1", "v2", "v9"]
    assert len(contents(any_three)["frames"]) == 12


def test_an_entry_whose_answer_was_lost_counts_once(any_lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    original = Store.write_new

    def lost(store: Store, relative: str, content: bytes) -> bool:
        original(store, relative, content)
        return False

    stage(any_lake, "5a", ["v01"])
    monkeypatch.setattr(Store, "write_new", lost)
    any_lake.commit("5a", REVISION)
    assert ids(any_lake) == ["v01"]
    assert any_lake._store.names("_log") == ["00000000000000000001.json"]


@pytest.mark.parametrize("hours", [0.1, 3])
def test_a_writer_that_stood_still_for_long_does_not_trust_its_entry(
    any_lake: Lake, monkeypatch: pytest.MonkeyPatch, hours: float
) -> None:
    now = [0.0]

    def stand_still() -> None:
        now[0] += hours * 3600

    monkeypatch.setattr("time.time", lambda: now[0])
    before_entry(monkeypatch, stand_still)
    if hours < 1:
        any_lake._log.append(any_lake._log.snapshot(), log.Change("rows"), lambda *_: True)
    else:
        with pytest.raises(ConflictError, match="too long"):
            any_lake._log.append(any_lake._log.snapshot(), log.Change("rows"), lambda *_: True)


def test_a_machine_that_sleeps_while_it_compacts_loses_nothing(three: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = contents(three)
    now = [time.time()]

    def sleep() -> None:
        now[0] += 3 * 3600

    monkeypatch.setattr("time.time", lambda: now[0])
    before_entry(monkeypatch, sleep)
    three.compact()
    assert contents(Lake(three.uri)) == expected


@ON_OBJECT_STORES_AT_NIGHT
def test_a_change_made_from_a_state_that_the_log_has_forgotten_is_refused(
    any_lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = any_lake._log.snapshot()
    now = [0.0]
    monkeypatch.setattr("time.time", lambda: now[0])
    for _ in range(60):
        now[0] += 600
        any_lake._log.append(any_lake._log.snapshot(), log.Change("rows"), lambda *_: True)
    with pytest.raises(ConflictError, match="many times"):
        any_lake._log.append(old, log.Change("rows"), lambda *_: True)
    assert any_lake._log.snapshot().version == 60


def test_opening_a_lake_reads_few_files_however_many_commits(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(204):
        lake._log.append(lake._log.snapshot(), log.Change("rows"), lambda *_: True)
    calls: list[str] = []
    for name in ("read", "names", "exists", "size"):
        original = getattr(Store, name)

        def counted(store: Store, path: str, name: str = name, original: Callable[..., object] = original) -> object:
            calls.append(f"{name} {path}")
            return original(store, path)

        monkeypatch.setattr(Store, name, counted)
    assert Lake(lake.uri)._log.snapshot().version == 204
    assert len(calls) <= 9, calls


@ON_OBJECT_STORES_AT_NIGHT
def test_entries_that_a_snapshot_replaced_an_hour_ago_are_removed(
    any_lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Lake(any_lake.uri)
    publish(any_lake, "01", ["v01"])
    assert ids(reader) == ["v01"]
    now = [0.0]
    monkeypatch.setattr("time.time", lambda: now[0])
    for _ in range(60):
        now[0] += 600
        any_lake._log.append(any_lake._log.snapshot(), log.Change("rows"), lambda *_: True)
    names = any_lake._store.names("_log")
    assert len([name for name in names if name.endswith(".json")]) <= 20
    assert len([name for name in names if name.endswith(".snapshot")]) <= 3
    assert ids(reader) == ids(Lake(any_lake.uri)) == ["v01"]


def test_a_damaged_entry_is_named(lake: Lake) -> None:
    publish(lake, "01", ["v01"])
    lake._store.write("_log/00000000000000000001.json", b"{")
    with pytest.raises(LakeError, match=r"00000000000000000001\.json .* is damaged"):
        Lake(lake.uri).sql("FROM videos")


def test_the_state_changes_with_every_commit_and_only_then(any_lake: Lake) -> None:
    states = [any_lake.state]
    publish(any_lake, "01", ["v01"])
    states.append(any_lake.state)
    any_lake.sql("FROM videos")
    assert any_lake.state == Lake(any_lake.uri).state == states[1] != states[0]


def make_format_2(lake: Lake) -> None:
    """Turn a lake into one as version 2 of the format wrote it: no log, and files named by their shards."""
    store = lake._store
    for table, files in lake._log.snapshot().files.items():
        for name in files:
            store.move(f"{table}/{name}", f"{table}/{name.rsplit('-', 1)[0]}.parquet")
    store.remove_folder("_log")
    store.write("_videolake.json", json.dumps({"format": 2}).encode())


@pytest.fixture(scope="module")
def of_format_2(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, dict[str, list[dict[str, Any]]]]:
    """A lake of that format in which a commit and a compaction were killed, and what it shows."""
    lake = Lake.create(str(tmp_path_factory.mktemp("older") / "lake"))
    publish(lake, "01", ["v01", "v02"], failed=["v02"])
    publish(lake, "02", ["v02", "v03"], minutes=1)
    expected = contents(lake)
    publish(lake, "99", ["v09"])
    make_format_2(lake)
    # A commit that was killed before its `videos` file, and a compaction before it removed what it replaces.
    lake._store.remove("videos/a1b2c3d4-99.parquet")
    lake._store.move("frames/a1b2c3d4-02.parquet", "frames/x")
    lake._store.write("frames/a1b2c3d4-compact-1-0000.parquet", lake._store.read("frames/x"))
    lake._store.write("frames/a1b2c3d4-02.parquet", lake._store.read("frames/x"))
    lake._store.remove("frames/x")
    note = {"table": "frames", "by": "a1b2c3d4-compact-1-0000.parquet", "replaced": ["a1b2c3d4-02.parquet"]}
    lake._store.write("_compactions/1.json", json.dumps({"files": [note]}).encode())
    return lake, expected


@ON_OBJECT_STORES_AT_NIGHT
def test_a_lake_of_the_previous_format_is_read_as_it_is_and_upgraded_by_the_first_writer(
    of_format_2: tuple[Lake, dict[str, list[dict[str, Any]]]], any_folder: str
) -> None:
    older, expected = of_format_2
    any_lake = copied(older, new_folder(any_folder))
    reader = Lake(any_lake.uri)
    assert contents(reader) == expected
    assert reader.state == Lake(any_lake.uri).state
    reader.read(lambda connection: connection.execute("FROM videos"))
    engine = reader._reader._engine
    reader.read(lambda connection: connection.execute("FROM videos"))
    assert reader._reader._engine is engine, "queries share an engine while nothing changes"
    assert not any_lake._store.exists("_log/00000000000000000001.json")
    writer = Lake.create(any_lake.uri)
    with writer.lock():
        assert writer.clean().files_removed == len(VIDEO_TABLES)
    assert json.loads(any_lake._store.read("_videolake.json")) == {"format": LAKE_FORMAT}
    publish(writer, "03", ["v04"], minutes=2)
    assert len(contents(reader)["videos"]) == 4
    writer.compact()
    assert [row for row in contents(reader)["frames"] if row["video_id"] != "v04"] == expected["frames"]
    assert any_lake._store.tree("_compactions") == []


def test_an_upgrade_killed_anywhere_is_finished_by_the_next_writer(lake: Lake, kill_after: KillAfter) -> None:
    publish(lake, "01", ["v01"])
    expected = contents(lake)
    make_format_2(lake)
    changes = 0
    while kill_after(lambda: Lake(lake.uri).clean(), changes):
        assert contents(Lake(lake.uri)) == expected
        changes += 1
    assert changes >= 3
    assert contents(Lake(lake.uri)) == expected
    assert Lake(lake.uri)._log.legacy() is False


@pytest.mark.slow
def test_a_run_killed_at_any_operation_loses_and_doubles_nothing(
    tmp_path: Path, kill_after: KillAfter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "SNAPSHOT_EVERY", 3)
    monkeypatch.setattr(compaction, "_FAN_IN", 2)
    videos = [f"v{number:02}" for number in range(4)]
    undisturbed = Lake.create(str(tmp_path / "undisturbed"))
    run(undisturbed, videos, shard_size=2, compact=True)
    expected = seen(undisturbed)
    killed = True
    operation = kills = 0
    while killed:
        lake = Lake.create(str(tmp_path / f"killed{operation}"))
        killed = kill_after(lambda lake=lake: run(lake, videos, shard_size=2, compact=True), operation)
        kills += killed
        for table, rows in seen(lake).items():
            assert all(row in expected[table] for row in rows), (operation, table)
        run(lake, videos, shard_size=2, compact=True)
        assert seen(lake) == expected, operation
        assert lake._store.tree("_staging") == []
        operation += 13 if NIGHTLY else 26
    assert kills >= 3
