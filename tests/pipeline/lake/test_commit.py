from collections.abc import Callable

import pytest

from pipeline.lake import Lake
from pipeline.lake.cleaning import Cleaned
from schemas.errors import LakeError
from schemas.tables import VIDEO_TABLES
from tests.pipeline.lake.lakes import REVISION, contents, publish, stage

KillAfter = Callable[[Callable[[], object], int], bool]
VIDEOS = ["v01", "v02", "v03"]


def test_staged_videos_are_listed_and_not_yet_visible(any_lake: Lake) -> None:
    stage(any_lake, "5a", VIDEOS[:2])
    assert any_lake.staged("5a") == {"v01", "v02"}
    assert any_lake.staged("5b") == set()
    assert contents(any_lake)["videos"] == []


def test_a_video_is_staged_only_when_all_its_tables_exist(lake: Lake, kill_after: KillAfter) -> None:
    changes = 0
    while kill_after(lambda: stage(lake, "5a", ["v01"]), changes):
        assert lake.staged("5a") == set()
        changes += 1
    assert changes > len(VIDEO_TABLES)
    assert lake.staged("5a") == {"v01"}


def test_a_video_staged_again_is_never_a_mixture_of_both_attempts(lake: Lake, kill_after: KillAfter) -> None:
    stage(lake, "5a", ["v01"])
    assert kill_after(lambda: stage(lake, "5a", ["v01"], failed=["v01"]), 4)
    assert lake.staged("5a") == set()


def test_a_commit_publishes_all_staged_videos_and_clears_the_staging(any_lake: Lake) -> None:
    stage(any_lake, "5a", VIDEOS, failed=["v03"])
    assert any_lake.commit("5a", REVISION) == 3
    found = contents(any_lake)
    assert [(row["video_id"], row["status"]) for row in found["videos"]] == [
        ("v01", "ok"), ("v02", "ok"), ("v03", "failed"),
    ]  # fmt: skip
    assert {table: len(rows) for table, rows in found.items()} == {
        "videos": 3, "shots": 6, "frames": 6, "utterances": 6, "subtitles": 4, "scenes": 6, "summaries": 2, "errors": 1,
        "runs": 0, "sources": 0,
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
    while kill_after(lambda: lake.commit("5a", REVISION), len(outcomes)):
        outcomes.append(len(contents(lake)["videos"]) - len(before["videos"]))
        if outcomes[-1]:
            break
        assert contents(lake) == before
    assert outcomes == [0] * len(VIDEO_TABLES) + [3]
    after = contents(lake)
    assert lake.commit("5a", REVISION) == 3
    assert contents(lake) == after
    assert lake.staged("5a") == set()


def test_committing_twice_changes_nothing(any_lake: Lake) -> None:
    publish(any_lake, "5a", VIDEOS)
    before = contents(any_lake)
    assert any_lake.commit("5a", REVISION) == 3
    assert contents(any_lake) == before


def test_a_shard_is_known_as_committed_after_compaction(any_lake: Lake) -> None:
    publish(any_lake, "5a", VIDEOS)
    publish(any_lake, "5b", ["v09"])
    any_lake.compact()
    assert any_lake.commit("5a", REVISION) == 3


def test_committing_a_shard_without_staged_files_is_an_error(any_lake: Lake) -> None:
    with pytest.raises(LakeError, match="Nothing is staged"):
        any_lake.commit("5a", REVISION)


def test_rows_of_another_revision_are_not_committed(lake: Lake) -> None:
    stage(lake, "5a", ["v01"], revision="0" * 16)
    with pytest.raises(LakeError, match="another revision"):
        lake.commit("5a", REVISION)
    assert contents(lake)["videos"] == []


def test_videos_of_one_shard_must_have_the_same_columns(lake: Lake) -> None:
    stage(lake, "5a", ["v01"])
    stage(lake, "5a", ["v02"], vision=("other", 9))
    with pytest.raises(LakeError, match="different columns"):
        lake.commit("5a", REVISION)


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


@pytest.mark.parametrize("damaged", ["videos", "frames"])
def test_a_damaged_staged_file_loses_its_shard_but_stops_no_later_run(any_lake: Lake, damaged: str) -> None:
    stage(any_lake, "5a", VIDEOS)
    stage(any_lake, "5b", ["v04"])
    any_lake._store.write(f"_staging/5a/v01/{damaged}.parquet", b"not Parquet")
    assert any_lake.clean() == Cleaned(videos_published=1, files_removed=int(damaged == "frames"))
    assert [row["video_id"] for row in contents(any_lake)["videos"]] == ["v04"]
    assert any_lake.staged("5a") == set()


def test_cleaning_removes_half_staged_videos_and_old_temporary_files(lake: Lake, kill_after: KillAfter) -> None:
    assert kill_after(lambda: stage(lake, "5a", ["v01"]), 3)
    store = lake._store
    store.filesystem.pipe_file(store.path("_tmp") + "/left-over.parquet", b"half")
    lake.clean()
    assert store.tree("_staging") == store.tree("_tmp") == []


def test_cleaning_removes_tables_of_a_shard_that_was_never_committed(any_lake: Lake, kill_after: KillAfter) -> None:
    publish(any_lake, "5a", ["v01"])
    stage(any_lake, "5b", ["v02"])
    assert kill_after(lambda: any_lake.commit("5b", REVISION), 3)
    any_lake._store.remove_folder("_staging")
    before = contents(any_lake)
    assert any_lake.clean() == Cleaned(videos_published=0, files_removed=3)
    assert contents(any_lake) == before
    assert not [path for path in any_lake._store.tree("") if "5b" in path]


def test_cleaning_a_clean_lake_changes_no_file(any_lake: Lake) -> None:
    publish(any_lake, "5a", VIDEOS, failed=["v02"])
    publish(any_lake, "5b", ["v04"])
    any_lake.compact()
    publish(any_lake, "5c", ["v05"])
    before = any_lake._store.tree("")
    assert any_lake.clean() == Cleaned(0, 0)
    assert any_lake._store.tree("") == before


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
