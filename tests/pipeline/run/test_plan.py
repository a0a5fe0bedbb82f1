from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.lake import Lake
from pipeline.run import discovery
from pipeline.run.digest import Unread, digest_files
from pipeline.run.discovery import discover, discover_batches, discover_known
from pipeline.run.plan import Planner, make_plan
from schemas.config import ArchiveConfig, Config, LimitsConfig, ShardsConfig
from schemas.records import VideoTask

REVISION = "a" * 16


def tasks(count: int, size_bytes: int = 10) -> list[VideoTask]:
    return [VideoTask(f"v{number:02d}", (f"/v{number:02d}.mp4",), size_bytes + number, 1) for number in range(count)]


def processed(rows: list[tuple[str, str, str | None, str]]) -> pa.Table:
    names = ["video_id", "status", "kind", "shard"]
    return pa.table({name: pa.array([row[place] for row in rows], pa.string()) for place, name in enumerate(names)})


def test_done_videos_are_left_out_and_outdated_ones_are_analysed_again() -> None:
    seen = processed([("v00", "ok", None, "s1"), ("v01", "outdated", None, "s1")])
    plan = make_plan(tasks(3), seen, REVISION, Config())
    assert {task.video_id for shard in plan.shards for task in shard.tasks} == {"v01", "v02"}
    assert (plan.done, plan.failed_before, plan.videos) == (1, 0, 2)


def test_permanent_failures_are_retried_only_on_request() -> None:
    seen = processed([("v00", "failed", "corrupt", "s1"), ("v01", "failed", "timeout", "s1")])
    assert make_plan(tasks(2), seen, REVISION, Config()).failed_before == 1
    asked = Config(archive=ArchiveConfig(retry_failed=True))
    assert make_plan(tasks(2), seen, REVISION, asked).videos == 2


def test_shards_are_bounded_in_videos_and_bytes_and_largest_first() -> None:
    by_count = make_plan(tasks(7), processed([]), REVISION, Config(shards=ShardsConfig(max_videos=3)))
    assert [len(shard.tasks) for shard in by_count.shards] == [3, 3, 1]
    by_bytes = make_plan(tasks(4, 100), processed([]), REVISION, Config(shards=ShardsConfig(max_bytes=250)))
    assert [len(shard.tasks) for shard in by_bytes.shards] == [2, 2]
    for shard in by_count.shards:
        sizes = [task.size_bytes for task in shard.tasks]
        assert sizes == sorted(sizes, reverse=True)


def test_the_longest_videos_of_the_whole_run_come_first_by_duration_where_it_is_known() -> None:
    found = [VideoTask(f"v{number}", (f"/v{number}.mp4",), size, 1) for number, size in enumerate((5, 9, 1, 7))]
    plan = make_plan(found, processed([]), REVISION, Config(shards=ShardsConfig(max_videos=2)))
    assert [[task.size_bytes for task in shard.tasks] for shard in plan.shards] == [[9, 7], [5, 1]]
    assert [shard.longest_bytes for shard in plan.shards] == [9, 5]
    known = processed([("v2", "outdated", None, "s1")]).append_column("duration_s", pa.array([60.0]))
    again = make_plan(found, known, REVISION, Config(shards=ShardsConfig(max_videos=2)))
    assert again.shards[0].tasks[0].video_id == "v2", "a small file, but a minute of video"


def test_batches_are_planned_one_after_another_within_one_limit() -> None:
    planner = Planner(processed([]), REVISION, Config(limits=LimitsConfig(max_videos=3)))
    first, second = planner.plan(tasks(2)), planner.plan(tasks(5)[2:])
    assert (first.videos, first.postponed, second.videos, second.postponed) == (2, 0, 1, 2)


def test_the_same_plan_gives_the_same_shard_ids_and_a_retry_gives_new_ones() -> None:
    first = make_plan(tasks(3), processed([]), REVISION, Config())
    assert first == make_plan(tasks(3), processed([]), REVISION, Config())
    again = make_plan(tasks(3), processed([("v00", "failed", "timeout", "s1")]), REVISION, Config())
    assert again.shards[0].id != first.shards[0].id


def test_a_limit_postpones_the_rest() -> None:
    plan = make_plan(tasks(5), processed([]), REVISION, Config(limits=LimitsConfig(max_videos=2)))
    assert (plan.videos, plan.postponed) == (2, 3)


def test_a_video_is_analysed_again_when_its_subtitle_files_change(tmp_path: Path) -> None:
    task = VideoTask("v00", (str(tmp_path / "film.mp4"),), 10, 1)

    def planned(files: list[dict[str, Any]] | None) -> int:
        row = {
            "video_id": "v00",
            "status": "ok",
            "kind": None,
            "shard": "s1",
            "uri": task.uris[0],
            "subtitle_files": files,
        }
        return make_plan([task], pa.Table.from_pylist([row]), REVISION, Config()).videos

    assert planned([]) == 0
    (tmp_path / "film.en.srt").write_text("1")
    state = (tmp_path / "film.en.srt").stat()
    known = {"name": "film.en.srt", "size_bytes": 1, "mtime_ns": state.st_mtime_ns}
    assert planned([]) == 1
    assert planned([known]) == 0
    assert planned([{**known, "mtime_ns": 5}]) == 1
    assert planned(None) == 0, "an older version did not write them down"


def test_subtitle_files_count_only_beside_the_copy_that_was_analysed(tmp_path: Path) -> None:
    for folder in ("with", "without"):
        (tmp_path / folder).mkdir()
    (tmp_path / "with" / "film.srt").write_text("1")
    state = (tmp_path / "with" / "film.srt").stat()
    copies = [str(tmp_path / folder / "film.mp4") for folder in ("with", "without")]
    row = {
        "video_id": "v00", "status": "ok", "kind": None, "shard": "s1", "uri": copies[0],
        "subtitle_files": [{"name": "film.srt", "size_bytes": 1, "mtime_ns": state.st_mtime_ns}],
    }  # fmt: skip

    def planned(*uris: str) -> int:
        return make_plan([VideoTask("v00", uris, 10, 1)], pa.Table.from_pylist([row]), REVISION, Config()).videos

    assert planned(copies[0]) == planned(copies[1]) == planned(copies[1], copies[0]) == 0
    (tmp_path / "with" / "film.srt").unlink()
    assert planned(copies[1], copies[0]) == 1
    assert planned(copies[1]) == 0


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    (tmp_path / "archive" / "copies").mkdir(parents=True)
    (tmp_path / "archive" / "one.mp4").write_bytes(b"one")
    (tmp_path / "archive" / "two.mp4").write_bytes(b"two")
    (tmp_path / "archive" / "copies" / "uno.mp4").write_bytes(b"one")
    return tmp_path / "archive"


def test_copies_are_one_video_with_several_locations(archive: Path, tmp_path: Path) -> None:
    found = discover([str(archive)], Lake.create(str(tmp_path / "lake")), ArchiveConfig())
    assert found.files == 3
    assert sorted(len(task.uris) for task in found.tasks) == [1, 2]
    assert len(found.new_sources) == 3


def test_files_with_a_known_size_and_time_are_not_read_again(archive: Path, tmp_path: Path) -> None:
    from datetime import UTC, datetime

    lake = Lake.create(str(tmp_path / "lake"))
    first = discover([str(archive)], lake, ArchiveConfig())
    lake.write_sources("run", [source | {"seen_at": datetime.now(UTC)} for source in first.new_sources])
    assert discover([str(archive)], lake, ArchiveConfig()).new_sources == ()
    (archive / "two.mp4").write_bytes(b"changed")
    changed = discover([str(archive)], lake, ArchiveConfig())
    assert [Path(source["uri"]).name for source in changed.new_sources] == ["two.mp4"]
    assert {task.video_id for task in changed.tasks} != {task.video_id for task in first.tasks}


def test_the_known_videos_are_those_of_a_discovery_until_a_file_is_new(archive: Path, tmp_path: Path) -> None:
    from datetime import UTC, datetime

    lake = Lake.create(str(tmp_path / "lake"))
    assert discover_known([str(archive)], lake, ArchiveConfig()) is None
    found = discover([str(archive)], lake, ArchiveConfig())
    lake.write_sources("run", [source | {"seen_at": datetime.now(UTC)} for source in found.new_sources])
    assert discover_known([str(archive)], lake, ArchiveConfig()) == found.tasks
    (archive / "three.mp4").write_bytes(b"three")
    assert discover_known([str(archive)], lake, ArchiveConfig()) is None


def test_a_file_and_links_to_it_are_one_video_that_is_read_once(archive: Path, tmp_path: Path) -> None:
    from datetime import UTC, datetime

    reads: list[str] = []

    def recorded(chunks: Iterable[Sequence[Unread]]) -> Iterator[list[str | None]]:
        for chunk in chunks:
            reads.extend(file.uri for file in chunk)
            yield digest_files(chunk)

    hidden = archive / ".git" / "two.mp4"
    hidden.parent.mkdir()
    (archive / "two.mp4").rename(hidden)
    for name in ("two.mp4", "again.mp4"):
        (archive / name).symlink_to(hidden)
    lake = Lake.create(str(tmp_path / "lake"))
    found = discover([str(archive)], lake, ArchiveConfig(), digest_chunks=recorded)
    assert sum(uri.endswith(("two.mp4", "again.mp4")) for uri in reads) == 1
    linked = next(task for task in found.tasks if str(hidden) in task.uris)
    assert [Path(uri).name for uri in linked.uris] == ["again.mp4", "two.mp4", "two.mp4"]
    assert linked.uris[1:] == (str(hidden), str(archive / "two.mp4"))
    lake.write_sources("run", [source | {"seen_at": datetime.now(UTC)} for source in found.new_sources])
    assert discover_known([str(archive)], lake, ArchiveConfig()) == found.tasks
    assert discover([str(archive)], lake, ArchiveConfig()).new_sources == ()


def test_videos_are_found_in_batches_and_copies_in_later_ones_reach_the_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "_CHUNK_READS", 2)
    monkeypatch.setattr(discovery, "_BATCH_READS", 4)
    folder, lake = tmp_path / "archive", Lake.create(str(tmp_path / "lake"))
    folder.mkdir()
    for number in range(10):
        (folder / f"{number}.mp4").write_bytes(bytes([number % 7]))
    batches = list(discover_batches([str(folder)], lake, ArchiveConfig()))
    assert [(batch.files, len(batch.tasks), len(batch.new_sources)) for batch in batches] == [
        (4, 4, 4),
        (4, 3, 4),
        (2, 0, 2),
    ]
    assert [Path(uri).name for uri in batches[1].tasks[0].uris] == ["4.mp4"]
    assert [source["video_id"] for source in batches[2].new_sources] == [
        task.video_id for task in batches[0].tasks[1:3]
    ]
    assert list(discover_batches([str(folder)], lake, ArchiveConfig())) == batches, "the same lake, the same batches"
    assert len(discover([str(folder)], lake, ArchiveConfig()).tasks[0].uris) == 2


def test_files_that_an_earlier_version_has_read_are_not_read_again(archive: Path, tmp_path: Path) -> None:
    file, lake = archive / "one.mp4", tmp_path / "lake"
    state = file.stat()
    row = {"uri": str(file), "size_bytes": 3, "mtime_ns": state.st_mtime_ns, "video_id": "5" * 32}
    (lake / "sources").mkdir(parents=True)
    (lake / "_videolake.json").write_text('{"format": 2}')
    seen_at = pa.array([0], pa.timestamp("us", tz="UTC"))
    pq.write_table(pa.Table.from_pylist([row]).append_column("seen_at", seen_at), lake / "sources" / "run.parquet")
    found = discover([str(file)], Lake.create(str(lake)), ArchiveConfig())
    assert [task.video_id for task in found.tasks] == ["5" * 32]
    assert found.new_sources == ()


def test_an_unreadable_file_is_a_task_but_not_a_source(archive: Path, tmp_path: Path) -> None:
    (archive / "loop.mp4").symlink_to(archive / "loop.mp4")
    found = discover([str(archive)], Lake.create(str(tmp_path / "lake")), ArchiveConfig())
    assert any(task.uris[0].endswith("loop.mp4") for task in found.tasks)
    assert not any(source["uri"].endswith("loop.mp4") for source in found.new_sources)
