from collections.abc import Callable

import pytest

from pipeline.lake import Lake
from pipeline.lake.cleaning import Cleaned
from pipeline.lake.staging import StagingError, open_staged
from schemas.errors import LakeError
from schemas.tables import VIDEO_TABLES
from tests.pipeline.lake.conftest import ON_OBJECT_STORES_AT_NIGHT
from tests.pipeline.lake.lakes import REVISION, contents, publish, stage

KillAfter = Callable[[Callable[[], object], int], bool]
VIDEOS = ["v01", "v02", "v03"]


def test_staged_videos_are_listed_and_not_yet_visible(any_lake: Lake) -> None:
    stage(any_lake, "5a", VIDEOS[:2])
    assert any_lake.staged("5a") == {"v01", "v02"}
    assert any_lake.staged("5b") == set()
    assert contents(any_lake)["videos"] == []


def test_a_video_is_one_object_that_appears_whole(lake: Lake, kill_after: KillAfter) -> None:
    assert kill_after(lambda: stage(lake, "5a", ["v01"]), 0)
    assert lake.staged("5a") == set()
    assert not kill_after(lambda: stage(lake, "5a", ["v01"]), 1)
    assert lake._store.tree("_staging") == ["5a/v01.staged"]


@pytest.mark.parametrize("length", [2, 5])
def test_staged_numbers_begin_at_multiples_of_their_size(lake: Lake, length: int) -> None:
    shard = "5a" + "b" * length  # the first line says it
    stage(lake, shard, ["v01"])
    with open_staged(lake._store, shard, ["v01"]) as [video]:
        buffers = [
            buffer
            for table in VIDEO_TABLES
            for rows in video.batches(table)
            for column in rows.columns
            for buffer in column.chunk(0).buffers()
            if buffer is not None
        ]
        assert len(buffers) > 100
        assert all(buffer.address % 8 == 0 for buffer in buffers)


def test_a_video_staged_again_is_the_later_attempt(lake: Lake) -> None:
    stage(lake, "5a", ["v01"])
    stage(lake, "5a", ["v01"], failed=["v01"])
    lake.commit("5a", REVISION)
    assert [row["status"] for row in contents(lake)["videos"]] == ["failed"]


def test_a_commit_publishes_all_staged_videos_and_clears_the_staging(any_lake: Lake) -> None:
    stage(any_lake, "5a", VIDEOS, failed=["v03"])
    assert any_lake.commit("5a", REVISION) == 3
    found = contents(any_lake)
    assert [(row["video_id"], row["status"]) for row in found["videos"]] == [
        ("v01", "ok"), ("v02", "ok"), ("v03", "failed"),
    ]  # fmt: skip
    assert {table: len(rows) for table, rows in found.items()} == {
        "videos": 3, "shots": 6, "frames": 6, "objects": 12, "utterances": 6, "sounds": 2, "subtitles": 4,
        "scenes": 6, "entities": 2, "summaries": 2, "errors": 1, "runs": 0, "sources": 0, "forgotten": 0,
        "corrections": 0,
    }  # fmt: skip
    assert any_lake.staged("5a") == set()


@pytest.mark.slow
def test_a_commit_killed_anywhere_shows_nothing_or_all_and_completes_when_repeated(
    lake: Lake, kill_after: KillAfter
) -> None:
    publish(lake, "01", ["v00"])
    stage(lake, "5a", VIDEOS, failed=["v03"])
    before = contents(lake)
    outcomes = []
    while kill_after(lambda: lake.commit("5a", REVISION, VIDEOS), len(outcomes)):
        now = contents(lake)
        outcomes.append(len(now["videos"]) - len(before["videos"]))
        if outcomes[-1]:
            break
        assert now == before
    assert outcomes == [0] * (len(VIDEO_TABLES) + 1) + [3]
    after = contents(lake)
    assert lake.commit("5a", REVISION, VIDEOS) == 3
    assert contents(lake) == after
    assert lake.staged("5a") == set()


@ON_OBJECT_STORES_AT_NIGHT
def test_committing_twice_changes_nothing(any_lake: Lake) -> None:
    publish(any_lake, "5a", VIDEOS)
    before = contents(any_lake)
    assert any_lake.commit("5a", REVISION) == 3
    assert contents(any_lake) == before


@ON_OBJECT_STORES_AT_NIGHT
def test_a_shard_is_known_as_committed_after_compaction(any_lake: Lake) -> None:
    publish(any_lake, "5a", VIDEOS)
    publish(any_lake, "5b", ["v09"])
    any_lake.compact()
    assert any_lake.commit("5a", REVISION) == 3


def test_committing_a_shard_without_staged_files_is_an_error(any_lake: Lake) -> None:
    with pytest.raises(LakeError, match="Nothing is staged"):
        any_lake.commit("5a", REVISION)


def test_a_commit_that_misses_a_promised_video_publishes_nothing_and_says_which(any_lake: Lake) -> None:
    stage(any_lake, "5a", VIDEOS[:2])
    with pytest.raises(StagingError, match="v03") as raised:
        any_lake.commit("5a", REVISION, VIDEOS)
    assert raised.value.missing == {"v03"}
    assert contents(any_lake)["videos"] == []
    assert any_lake.staged("5a") == {"v01", "v02"}
    stage(any_lake, "5a", ["v03"])
    assert any_lake.commit("5a", REVISION, VIDEOS) == 3


def test_a_commit_that_an_earlier_one_did_in_part_adds_the_rest(any_lake: Lake) -> None:
    publish(any_lake, "5a", VIDEOS[:2])
    stage(any_lake, "5a", VIDEOS[1:])
    assert any_lake.commit("5a", REVISION, VIDEOS) == 3
    assert [row["video_id"] for row in contents(any_lake)["videos"]] == VIDEOS
    assert any_lake.sql("FROM all_videos").num_rows == 3


def test_rows_of_another_revision_are_dropped_and_must_be_made_again(lake: Lake) -> None:
    stage(lake, "5a", ["v01"], revision="0" * 16)
    with pytest.raises(StagingError, match="v01"):
        lake.commit("5a", REVISION)
    assert contents(lake)["videos"] == []
    assert lake.staged("5a") == set()


def test_a_video_with_other_columns_than_its_shard_is_dropped_and_must_be_made_again(lake: Lake) -> None:
    stage(lake, "5a", ["v01", "v03"])
    stage(lake, "5a", ["v02"], vision=("other", 9))
    with pytest.raises(StagingError, match="v02"):
        lake.commit("5a", REVISION, VIDEOS)
    assert lake.staged("5a") == {"v01", "v03"}


def test_a_video_without_all_tables_cannot_be_staged(lake: Lake) -> None:
    with pytest.raises(LakeError, match="is staged with the tables"):
        lake.stage("5a", "v01", {})


@pytest.mark.parametrize("name", ["../escape", "a/b", "", "_hidden", ".", "compact-1"])
def test_names_that_would_leave_their_folder_are_refused(lake: Lake, name: str) -> None:
    with pytest.raises(LakeError, match="cannot name a file"):
        stage(lake, name, ["v01"])


def test_what_a_killed_run_had_staged_is_published_by_the_next(any_lake: Lake) -> None:
    stage(any_lake, "5a", VIDEOS)
    assert any_lake.clean() == Cleaned(videos_published=3, files_removed=0)
    assert len(contents(any_lake)["videos"]) == 3


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "foreign": lambda _: b"not ours",
    "foreign, with a line": lambda _: b"{}\n" + bytes(100),
    "cut off": lambda content: content[: len(content) // 2],
    "cut off in the first line": lambda content: content[:40],
    "longer": lambda content: content + b"more",
    "one byte changed": lambda content: content[:-999] + bytes([content[-999] ^ 1]) + content[-998:],
    "of another video": lambda content: content.replace(b'"video_id": "v01"', b'"video_id": "v77"'),
    "of a newer version": lambda content: content.replace(b'"shots": [', b'"shotz": [', 1),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_staged_video_is_dropped_and_stops_neither_its_shard_nor_later_runs(lake: Lake, damage: str) -> None:
    stage(lake, "5a", VIDEOS)
    staged = "_staging/5a/v01.staged"
    lake._store.write(staged, DAMAGE[damage](lake._store.read(staged)))
    with pytest.raises(StagingError) as raised:
        lake.commit("5a", REVISION, VIDEOS)
    assert raised.value.missing == {"v01"}
    assert lake.clean() == Cleaned(videos_published=2, files_removed=0)
    assert [row["video_id"] for row in contents(lake)["videos"]] == ["v02", "v03"]
    assert lake._store.tree("_staging") == []


def test_staging_of_an_older_version_is_dropped(any_lake: Lake) -> None:
    any_lake._store.write("_staging/5a/v01/videos.parquet", b"Parquet")
    any_lake._store.write("_staging/5a/v01/attempts/0123", b"2026-11-24T12:00:00+00:00")
    assert any_lake.clean() == Cleaned(0, 0)
    assert any_lake._store.tree("_staging") == []


@ON_OBJECT_STORES_AT_NIGHT
def test_cleaning_publishes_the_results_that_fit_together(any_lake: Lake) -> None:
    stage(any_lake, "5a", VIDEOS)
    stage(any_lake, "5a", ["v04"], vision=("other", 9))
    stage(any_lake, "5a", ["v05"], revision="0" * 16)
    assert any_lake.clean() == Cleaned(videos_published=3, files_removed=0)
    assert [row["video_id"] for row in contents(any_lake)["videos"]] == VIDEOS


def test_cleaning_removes_old_temporary_files(lake: Lake) -> None:
    store = lake._store
    store.write("_tmp/left-over.parquet", b"half")
    lake.clean()
    assert store.tree("_tmp") == []


def test_cleaning_removes_files_that_were_never_published(any_lake: Lake, kill_after: KillAfter) -> None:
    publish(any_lake, "5a", ["v01"])
    stage(any_lake, "5b", ["v02"])
    assert kill_after(lambda: any_lake.commit("5b", REVISION), 3)
    any_lake._store.remove_folder("_staging")
    before = contents(any_lake)
    assert any_lake.clean() == Cleaned(videos_published=0, files_removed=3)
    assert contents(any_lake) == before
    assert not [path for path in any_lake._store.tree("") if "-5b-" in path and not path.startswith("_replaced")]


def test_cleaning_a_clean_lake_changes_no_file(any_lake: Lake) -> None:
    publish(any_lake, "5a", VIDEOS, failed=["v02"])
    publish(any_lake, "5b", ["v04"])
    any_lake.compact()
    publish(any_lake, "5c", ["v05"])

    def files() -> list[str]:
        return [path for path in any_lake._store.tree("") if not path.startswith("_leases/")]

    before = files()
    assert any_lake.clean() == Cleaned(0, 0)
    assert files() == before


def test_attempts_that_never_finished_are_counted_until_the_next_run(any_lake: Lake) -> None:
    first, earlier = any_lake.begin_attempt("5a", "v01", "node1")
    assert earlier == []
    assert any_lake.begin_attempt("5a", "v02", "node1")[1] == []
    assert any_lake.begin_attempt("5a", "v01", "node2")[1] == ["node1"]
    any_lake.excuse_attempt("5a", "v01", first)
    assert any_lake.begin_attempt("5a", "v01", "node1")[1] == ["", "node2"]
    assert any_lake.staged("5a") == set()
    assert any_lake.staged_rows("5a", "v01", "videos") is None
    any_lake.clean()
    assert any_lake.begin_attempt("5a", "v01", "node1")[1] == []
