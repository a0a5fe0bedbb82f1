from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.lake import Lake
from pipeline.run import discovery
from pipeline.run.digest import Unread, digest_files
from pipeline.run.discovery import discover, discover_batches, discover_known
from pipeline.run.history import History
from pipeline.run.plan import Plan, Planner, make_plan
from pipeline.run.redo import Redo
from pipeline.run.revision import recipe_of
from schemas.config import ArchiveConfig, Config, LimitsConfig, ShardsConfig
from schemas.records import VideoTask
from schemas.stages import STAGES

RECIPE = recipe_of(Config(), ())
DONE = dict(RECIPE.stages)
READERS = ("text", "understanding")


def tasks(count: int, size_bytes: int = 10) -> list[VideoTask]:
    return [VideoTask(f"v{number:02d}", (f"/v{number:02d}.mp4",), size_bytes + number, 1) for number in range(count)]


def stated(stages: Mapping[str, str]) -> str:
    """Return stages as `Lake.processed` does; a revision may be followed by an error."""
    return ",".join(f"{name} {revision}" for name, revision in stages.items())


def ok(video_id: str, stages: Mapping[str, str] = DONE, shard: str = "s1", **columns: Any) -> dict[str, Any]:
    return {"video_id": video_id, "shard": shard, "made_by": shard, "made": stated(stages), **columns}


def failed(video_id: str, kind: str, stages: Mapping[str, str] | None = None, shard: str = "s1") -> dict[str, Any]:
    tried = stages or {name: f"{DONE[name]} {kind}" for name in ("picture", "sound")}
    return {"video_id": video_id, "shard": shard, "tried": stated(tried), "kinds": kind}


def processed(*rows: dict[str, Any]) -> pa.Table:
    names = ("video_id", "shard", "made_by", "made", "tried", "kinds", "uri")
    columns: dict[str, Any] = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in names}
    columns["duration_s"] = pa.array([row.get("duration_s") for row in rows], pa.float64())
    columns["subtitle_files"] = [row.get("subtitle_files") for row in rows]
    return pa.table(columns)


def planned(tasks: Sequence[VideoTask], *rows: dict[str, Any], config: Config | None = None) -> Plan:
    return make_plan(tasks, processed(*rows), RECIPE, config or Config())


def test_done_videos_are_left_out_and_outdated_ones_are_analysed_again() -> None:
    plan = planned(tasks(3), ok("v00"), ok("v01", dict.fromkeys(STAGES, "0" * 16)))
    assert {task.video_id for shard in plan.shards for task in shard.tasks} == {"v01", "v02"}
    assert (plan.done, plan.failed_before, plan.videos) == (1, 0, 2)


def test_only_outdated_stages_and_their_readers_are_redone_from_the_rows_of_the_video() -> None:
    [shard] = planned(
        tasks(3),
        ok("v00", {**DONE, "understanding": "0" * 16}, "s7"),
        ok("v01", {**DONE, "sound": "0" * 16, "text": "1" * 16, "understanding": "2" * 16}),
        ok("v02", {**DONE, "picture": "0" * 16, "sound": "1" * 16, "text": "2" * 16, "understanding": "3" * 16}),
    ).shards
    found = {task.video_id: (task.stages, task.before) for task in shard.tasks}
    assert found == {
        "v00": (("understanding",), "s7"),
        "v01": (("sound", *READERS), "s1"),
        "v02": (STAGES, "s1"),
    }
    assert shard.stages == STAGES
    assert shard.tasks[-1].video_id == "v00", "the cheapest video comes last"


def test_a_plan_says_how_many_videos_have_each_reason() -> None:
    plan = planned(
        tasks(4),
        ok("v00", {**DONE, "sound": f"{DONE['sound']} timeout"}),
        ok("v01", {**DONE, "sound": f"{DONE['sound']} timeout"}),
        ok("v02", {**DONE, "sound": f"{DONE['sound']} unsupported"}),
    )
    assert plan.redone == {
        Redo("sound", "failed (timeout)"): 2,
        Redo("text", "reads sound"): 2,
        Redo("understanding", "reads sound and text"): 2,
    }
    assert (plan.videos, plan.done) == (3, 1)


def test_a_video_of_an_older_version_is_compared_with_what_its_run_recorded() -> None:
    unstaged, other = "9" * 16, "8" * 16
    table = processed(*({"video_id": name, "shard": "s1", "made_by": "s1", "made": made} for name, made in
                        [("v00", unstaged), ("v01", other)]))  # fmt: skip
    history = History({(stage, unstaged): RECIPE for stage in STAGES})
    plan = make_plan(tasks(2), table, RECIPE, Config(), history)
    assert [task.video_id for shard in plan.shards for task in shard.tasks] == ["v01"]
    assert plan.redone == {Redo(stage, "made with settings that no run recorded"): 1 for stage in STAGES}


def test_permanent_failures_are_retried_only_on_request() -> None:
    rows = [failed("v00", "corrupt"), failed("v01", "timeout")]
    assert planned(tasks(2), *rows).failed_before == 1
    asked = Config(archive=ArchiveConfig(retry_failed=True))
    assert planned(tasks(2), *rows, config=asked).videos == 2


def test_a_failure_is_final_only_for_what_was_tried() -> None:
    other = failed("v00", "corrupt", {"picture": f"{'0' * 16} corrupt", "sound": f"{DONE['sound']} corrupt"})
    assert planned(tasks(1), other).videos == 1, "other settings of the picture may help"
    old = failed("v00", "corrupt", {"understanding": f"{'0' * 16} corrupt"})
    assert planned(tasks(1), {**ok("v00"), **old}).done == 1
    same = failed("v00", "corrupt", {"sound": f"{DONE['sound']} corrupt"})
    outdated = {**DONE, "sound": "0" * 16}
    assert planned(tasks(1), {**ok("v00", outdated), **same}).failed_before == 1
    texts = planned(tasks(1), {**ok("v00", {**outdated, "text": "1" * 16}), **same})
    assert texts.shards[0].tasks[0].stages == ("text", "understanding"), "they start from the earlier sound"
    assert planned(tasks(1), {**ok("v00", {**DONE, "understanding": "2" * 16}), **same}).videos == 1


def test_shards_are_bounded_in_videos_and_bytes_and_largest_first() -> None:
    by_count = planned(tasks(7), config=Config(shards=ShardsConfig(max_videos=3)))
    assert [len(shard.tasks) for shard in by_count.shards] == [3, 3, 1]
    by_bytes = planned(tasks(4, 100), config=Config(shards=ShardsConfig(max_bytes=250)))
    assert [len(shard.tasks) for shard in by_bytes.shards] == [2, 2]
    for shard in by_count.shards:
        sizes = [task.size_bytes for task in shard.tasks]
        assert sizes == sorted(sizes, reverse=True)


def test_the_longest_videos_of_the_whole_run_come_first_by_duration_where_it_is_known() -> None:
    found = [VideoTask(f"v{number}", (f"/v{number}.mp4",), size, 1) for number, size in enumerate((5, 9, 1, 7))]
    few = Config(shards=ShardsConfig(max_videos=2))
    plan = planned(found, config=few)
    assert [[task.size_bytes for task in shard.tasks] for shard in plan.shards] == [[9, 7], [5, 1]]
    assert [shard.longest_bytes for shard in plan.shards] == [9, 5]
    again = planned(found, ok("v2", {}, duration_s=60.0), config=few)
    assert again.shards[0].tasks[0].video_id == "v2", "a small file, but a minute of video"


def test_batches_are_planned_one_after_another_within_one_limit() -> None:
    planner = Planner(processed(), RECIPE, Config(limits=LimitsConfig(max_videos=3)), History())
    first, second = planner.plan(tasks(2)), planner.plan(tasks(5)[2:])
    assert (first.videos, first.postponed, second.videos, second.postponed) == (2, 0, 1, 2)


def test_the_same_plan_gives_the_same_shard_ids_and_a_retry_gives_new_ones() -> None:
    first = planned(tasks(3))
    assert first == planned(tasks(3))
    assert planned(tasks(3), failed("v00", "timeout")).shards[0].id != first.shards[0].id
    part = ok("v00", {**DONE, "understanding": "0" * 16})
    more = ok("v00", {**DONE, "sound": "0" * 16, "text": "1" * 16, "understanding": "0" * 16})
    assert planned(tasks(1), part) == planned(tasks(1), part)
    assert planned(tasks(1), part).shards[0].id != planned(tasks(1), more).shards[0].id


def test_a_limit_postpones_the_rest() -> None:
    plan = planned(tasks(5), config=Config(limits=LimitsConfig(max_videos=2)))
    assert (plan.videos, plan.postponed) == (2, 3)


def test_text_is_redone_when_the_subtitle_files_of_a_video_change(tmp_path: Path) -> None:
    task = VideoTask("v00", (str(tmp_path / "film.mp4"),), 10, 1)

    def redone(files: list[dict[str, Any]] | None) -> list[tuple[str, ...]]:
        plan = planned([task], ok("v00", uri=task.uris[0], subtitle_files=files))
        return [task.stages for shard in plan.shards for task in shard.tasks]

    assert redone([]) == []
    (tmp_path / "film.en.srt").write_text("1")
    state = (tmp_path / "film.en.srt").stat()
    known = {"name": "film.en.srt", "size_bytes": 1, "mtime_ns": state.st_mtime_ns}
    assert redone([]) == [READERS]
    assert redone([known]) == []
    assert redone([{**known, "mtime_ns": 5}]) == [READERS]
    assert redone(None) == [], "an older version did not write them down"


def test_subtitle_files_count_only_beside_the_copy_that_was_analysed(tmp_path: Path) -> None:
    for folder in ("with", "without"):
        (tmp_path / folder).mkdir()
    (tmp_path / "with" / "film.srt").write_text("1")
    state = (tmp_path / "with" / "film.srt").stat()
    copies = [str(tmp_path / folder / "film.mp4") for folder in ("with", "without")]
    files = [{"name": "film.srt", "size_bytes": 1, "mtime_ns": state.st_mtime_ns}]

    def videos(*uris: str) -> int:
        return planned([VideoTask("v00", uris, 10, 1)], ok("v00", uri=copies[0], subtitle_files=files)).videos

    assert videos(copies[0]) == videos(copies[1]) == videos(copies[1], copies[0]) == 0
    (tmp_path / "with" / "film.srt").unlink()
    assert videos(copies[1], copies[0]) == 1
    assert videos(copies[1]) == 0


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
