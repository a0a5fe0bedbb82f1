"""Files that move, change, vanish and come back, against a model of the archive. The rows are made up."""

import os
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.lake import Lake, Origin, find_video, read_video, shard_id, video_tables
from pipeline.run import Discovery, discover_batches, discover_known
from pipeline.run.listing import Skipped
from schemas.config import ArchiveConfig
from schemas.errors import ArchiveError
from schemas.records import LocationChanges, VideoTask
from tests.nightly import examples
from tests.pipeline.lake.lakes import COORDINATED, NOON, REVISION, TEXT, VISION, analysis

pytestmark = pytest.mark.slow

CONFIG = ArchiveConfig()
NAMES = ("a/one.mp4", "a/two.mp4", "b/one.mp4", "b/three.mp4")
CONTENTS = 4


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.lake.store._flush", lambda path: None)


class Clock:
    """A clock that goes on by a minute each time."""

    def __init__(self) -> None:
        self.minutes = 0

    def now(self) -> datetime:
        self.minutes += 1
        return NOON + timedelta(minutes=self.minutes)


CLOCK = Clock()


def publish(lake: Lake, tasks: Iterable[VideoTask]) -> list[str]:
    """Publish made-up rows of the videos that are not in the lake yet, and return their ids."""
    rows = {row["video_id"]: row for row in lake.processed().to_pylist()}
    todo = [task for task in tasks if rows.get(task.video_id, {}).get("made_by") is None]
    if not todo:
        return []
    shard = shard_id(REVISION, [(task.video_id, None) for task in todo])
    made: dict[str, Any] = {"text": TEXT, "vision": VISION, "coordinated": COORDINATED, "committed_at": CLOCK.now()}
    for task in todo:
        made_up = video_tables(task, analysis(task.video_id, shots=1), Origin(revision=REVISION, shard=shard, **made))
        lake.stage(shard, task.video_id, made_up)
    lake.commit(shard, REVISION)
    return [task.video_id for task in todo]


def discovered(lake: Lake, *roots: str | Path, skipped: Skipped | None = None) -> list[Discovery]:
    return list(discover_batches([str(root) for root in roots], lake, CONFIG, skipped=skipped))


def record(lake: Lake, batches: list[Discovery]) -> None:
    rows = [row for batch in batches for row in batch.source_rows(CLOCK.now())]
    if rows:
        lake.write_sources(f"run{CLOCK.minutes}", rows)


def run(lake: Lake, *roots: str | Path, skipped: Skipped | None = None) -> LocationChanges:
    """Do what a run does, and return what became of the known locations."""
    batches = discovered(lake, *roots, skipped=skipped)
    record(lake, batches)
    publish(lake, [task for batch in batches for task in batch.tasks])
    [*_, last] = batches
    return last.changes


def shown(lake: Lake) -> dict[str, tuple[list[str], bool]]:
    """Return the locations of each video, and whether it is missing."""
    rows = lake.sql("SELECT video_id, uri, uris, missing_since FROM videos").to_pylist()
    assert all(row["uri"] == row["uris"][0] for row in rows)
    return {row["video_id"]: (row["uris"], row["missing_since"] is not None) for row in rows}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.create(str(tmp_path / "lake"))


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    for name in NAMES:
        file = tmp_path / "archive" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(name.encode())
    return tmp_path / "archive"


def content_at(lake: Lake, file: Path) -> str:
    [row] = lake.sql("SELECT video_id FROM sources WHERE uri = $uri", {"uri": str(file)}).to_pylist()
    return str(row["video_id"])


@dataclass
class Model:
    """What the lake should say of an archive."""

    root: Path
    lake: Lake
    held: dict[str, int] = field(default_factory=dict)
    """Content of each file there is."""
    known: dict[str, tuple[int, bool]] = field(default_factory=dict)
    """Content of each location that a run has seen, and whether it is missing."""
    analysed: dict[int, list[str]] = field(default_factory=dict)
    """Locations of each content when it was published."""
    ids: dict[int, str] = field(default_factory=dict)
    stale: list[list[Discovery]] = field(default_factory=list)
    """What runs have found and not yet written."""

    def change(self, operation: str, one: int, two: int) -> None:
        if operation in {"write", "delete", "rename", "copy"}:
            self.change_file(operation, NAMES[one], NAMES[two], two)
        else:
            self.change_lake(operation, ("a", "b") if one else ("a",))

    def change_file(self, operation: str, name: str, other: str, content: int) -> None:
        file, target = self.root / name, self.root / other
        if operation == "write":
            file.write_bytes(b"x" * (content + 1))
            self.held[name] = content
        elif name in self.held and operation == "delete":
            file.unlink()
            del self.held[name]
        elif name in self.held and name != other:
            if operation == "rename":
                file.rename(target)
            else:
                target.write_bytes(file.read_bytes())
            self.held[other] = self.held.pop(name) if operation == "rename" else self.held[name]

    def change_lake(self, operation: str, folders: tuple[str, ...]) -> None:
        if operation == "fail":
            before = self.lake.state
            with pytest.raises(ArchiveError):
                discovered(self.lake, self.root, self.root / "no such folder")
            assert self.lake.state == before
        elif operation == "killed":
            discovered(self.lake, self.root)
        elif operation == "slow":
            self.stale.append(discovered(self.lake, self.root))
        elif operation == "late":
            for batches in self.stale:
                record(self.lake, batches)
            self.stale.clear()
        elif operation == "compact":
            self.lake.compact()
        else:
            self.run(folders)

    def run(self, folders: tuple[str, ...]) -> None:
        seen = {name for name in self.held if name.split("/")[0] in folders}
        batches = discovered(self.lake, *(self.root / folder for folder in folders))
        record(self.lake, batches)
        tasks = [task for batch in batches for task in batch.tasks]
        new = publish(self.lake, tasks)
        for task in tasks:
            names = [str(Path(uri).relative_to(self.root)) for uri in task.uris]
            content = self.held[names[0]]
            assert {name for name in seen if self.held[name] == content} == set(names)
            self.ids[content] = task.video_id
            assert (content not in self.analysed) == (task.video_id in new), "each content is analysed once"
            self.analysed.setdefault(content, names)
        for name in NAMES:
            if name in seen:
                self.known[name] = self.held[name], False
            elif name.split("/")[0] in folders and name in self.known:
                # A folder in which nothing is found may be that of another disk.
                lost, _ = self.known[name]
                elsewhere = any(self.held[other] == lost for other in seen)
                if elsewhere or any(other.split("/")[0] == name.split("/")[0] for other in seen):
                    self.known[name] = lost, True
        self.check()

    def check(self) -> None:
        expected = {}
        for content, analysed in self.analysed.items():
            own = {name: missing for name, (held, missing) in self.known.items() if held == content}
            others = [name for name in analysed if name not in own]
            if not own and all(self.known[name][0] in self.analysed for name in others):
                continue
            there = [name for name in own if not own[name]] or list(own)
            order = sorted(there, key=lambda name: (name not in analysed, (*analysed, name).index(name), name))
            uris = [str(self.root / name) for name in order]
            expected[self.ids[content]] = (uris, all(own.values()))
        assert shown(self.lake) == expected
        former = {self.ids[content] for content in self.analysed} - set(expected)
        assert set(self.lake.sql("FROM former_videos")["video_id"].to_pylist()) == former
        assert set(self.lake.sql("FROM summaries")["video_id"].to_pylist()) == set(expected)
        for video_id, (uris, _) in expected.items():
            for uri in uris:
                assert self.lake.read(lambda connection, uri=uri: find_video(connection, uri)) == video_id


OPERATIONS = st.tuples(
    st.sampled_from(
        ["write", "write", "delete", "rename", "copy", "fail", "killed", "slow", "late", "compact", "run", "run"]
    ),
    st.integers(0, len(NAMES) - 1),
    st.integers(0, CONTENTS - 1),
)


@pytest.mark.slow
@settings(max_examples=examples(3), deadline=None)
@given(operations=st.lists(OPERATIONS, min_size=4, max_size=12))
@example([("write", 0, 0), ("write", 1, 1), ("run", 1, 0), ("write", 0, 2), ("run", 1, 0), ("compact", 0, 0),
          ("write", 0, 0), ("run", 1, 0)])  # fmt: skip
@example([("write", 0, 0), ("write", 1, 1), ("run", 1, 0), ("rename", 0, 2), ("run", 1, 0), ("delete", 2, 0),
          ("write", 3, 3), ("run", 1, 0)])  # fmt: skip
def test_the_views_say_what_is_where_whatever_happens_to_the_files(operations: list[tuple[str, int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder, mock.patch("pipeline.lake.store._flush"):
        root = Path(folder) / "archive"
        for name in ("a", "b"):
            (root / name).mkdir(parents=True)
            (root / name / "notes.txt").write_text("so that no folder is empty")
        model = Model(root, Lake.create(str(Path(folder) / "lake")))
        for operation, one, two in operations:
            model.change(operation, one, two)
        model.change("late", 0, 0)
        model.run(("a", "b"))


def test_a_rename_is_one_event_that_reads_no_known_file_and_analyses_nothing(lake: Lake, archive: Path) -> None:
    assert run(lake, archive) == LocationChanges()
    video_id = content_at(lake, archive / "a/one.mp4")
    (archive / "a/one.mp4").rename(archive / "b/moved.mp4")
    assert discover_known([str(archive)], lake, CONFIG) is None
    [found] = discovered(lake, archive)
    assert [row["uri"] for row in found.new_sources] == [str(archive / "b/moved.mp4")]
    assert [row["uri"] for row in found.vanished] == [str(archive / "a/one.mp4")]
    record(lake, [found])
    assert publish(lake, found.tasks) == []
    assert found.changes == LocationChanges(moved=1)
    assert shown(lake)[video_id] == ([str(archive / "b/moved.mp4")], False)
    assert read_video(lake, "one.mp4").uri.endswith("one.mp4"), "another file with this name is there"
    assert read_video(lake, str(archive / "a/one.mp4")).video_id == video_id, "its old location is known"
    assert run(lake, archive) == LocationChanges()
    assert discover_known([str(archive)], lake, CONFIG) is not None


def test_a_file_that_vanished_is_marked_once_and_its_return_costs_nothing(lake: Lake, archive: Path) -> None:
    run(lake, archive)
    video_id, content = content_at(lake, archive / "a/one.mp4"), (archive / "a/one.mp4").read_bytes()
    (archive / "a/one.mp4").unlink()
    assert run(lake, archive) == LocationChanges(missing=1)
    assert shown(lake)[video_id] == ([str(archive / "a/one.mp4")], True)
    state = lake.state
    assert run(lake, archive) == LocationChanges()
    assert lake.state == state, "one row per event"
    (archive / "a/one.mp4").write_bytes(content)
    assert run(lake, archive) == LocationChanges(returned=1)
    assert shown(lake)[video_id] == ([str(archive / "a/one.mp4")], False)


def test_the_old_content_of_a_replaced_file_is_hidden_and_comes_back_at_no_cost(lake: Lake, archive: Path) -> None:
    run(lake, archive)
    file = archive / "a/one.mp4"
    old, content = content_at(lake, file), file.read_bytes()
    file.write_bytes(b"something else")
    assert run(lake, archive) == LocationChanges(replaced=1)
    assert old not in shown(lake)
    assert lake.sql("SELECT video_id FROM former_videos")["video_id"].to_pylist() == [old]
    for table in ("shots", "frames", "utterances", "summaries", "moments", "chapters"):
        assert old not in lake.sql(f"SELECT DISTINCT video_id FROM {table}")["video_id"].to_pylist()
    lake.compact()
    assert lake.sql("SELECT video_id FROM former_videos")["video_id"].to_pylist() == [old]
    file.write_bytes(content)
    [found] = discovered(lake, archive)
    record(lake, [found])
    assert publish(lake, found.tasks) == [], "its rows were kept"
    assert old in shown(lake)


def test_until_the_new_content_is_published_the_old_one_stays(lake: Lake, archive: Path) -> None:
    run(lake, archive)
    old = content_at(lake, archive / "a/one.mp4")
    (archive / "a/one.mp4").write_bytes(b"something else")
    record(lake, discovered(lake, archive))
    assert shown(lake)[old] == ([str(archive / "a/one.mp4")], False)


def test_an_archive_whose_disk_is_not_mounted_marks_nothing(lake: Lake, archive: Path) -> None:
    run(lake, archive / "a", archive / "b")
    before = shown(lake)
    for file in (archive / "b").iterdir():
        file.unlink()
    for roots in ([archive], [archive / "a", archive / "b"]):
        skipped = Skipped()
        assert run(lake, *roots, skipped=skipped) == LocationChanges()
        assert shown(lake) == before
        assert skipped.empty_folders == {str(archive / "b"): 2}
        assert "2 files were there before" in " ".join(skipped.lines())
    (archive / "b").rmdir()
    with pytest.raises(ArchiveError, match="does not exist"):
        run(lake, archive / "a", archive / "b")
    assert run(lake, archive) == LocationChanges(missing=2)


def test_a_folder_that_cannot_be_read_marks_nothing(lake: Lake, archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(lake, archive)
    (archive / "b/three.mp4").unlink()
    scandir = os.scandir

    def refused(path: str) -> Any:
        if str(path) == str(archive / "b"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", refused)
        assert run(lake, archive) == LocationChanges()
    assert run(lake, archive) == LocationChanges(missing=1)


def test_what_the_listing_does_not_cover_is_left_alone(lake: Lake, archive: Path, tmp_path: Path) -> None:
    (archive / "a/four.mkv").write_bytes(b"four")
    run(lake, archive)
    for name in ("b/one.mp4", "a/four.mkv"):
        (archive / name).unlink()
    only_mp4 = ArchiveConfig(extensions=["mp4"])
    [found] = discover_batches([str(archive / "a")], lake, only_mp4)
    assert found.vanished == ()
    for roots, gone in (
        ([f"{archive}/*/t*.mp4"], []),
        ([f"{archive}/*/*.mp4"], ["b/one.mp4"]),
        ([f"{archive}/**/*.mkv", f"{archive}/a"], ["a/four.mkv"]),
        ([f"{archive}/?"], ["a/four.mkv", "b/one.mp4"]),
        ([str(archive)], ["a/four.mkv", "b/one.mp4"]),
    ):
        try:
            found = discovered(lake, *roots)[-1]
        except ArchiveError:
            assert roots[0].endswith("mkv"), "nothing matches"
            continue
        assert sorted(row["uri"] for row in found.vanished) == [str(archive / name) for name in gone], roots


def test_a_manifest_covers_the_files_that_it_names(lake: Lake, archive: Path, tmp_path: Path) -> None:
    manifest = tmp_path / "list.txt"
    manifest.write_text("".join(f"{archive / name}\n" for name in NAMES))
    run(lake, manifest)
    (archive / "a/one.mp4").unlink()
    (archive / "b/one.mp4").unlink()
    manifest.write_text("".join(f"{archive / name}\n" for name in NAMES if name != "b/one.mp4"))
    [found] = discovered(lake, manifest)
    assert [row["uri"] for row in found.vanished] == [str(archive / "a/one.mp4")]
    for file in (archive / "a").iterdir():
        file.unlink()
    (archive / "a").rmdir()
    assert discovered(lake, manifest)[-1].vanished == (), "its folder may be that of another disk"


def test_files_in_a_linked_folder_vanish_under_both_of_their_names(lake: Lake, archive: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(archive)
    run(lake, tmp_path / "link")
    video_id = content_at(lake, archive / "a/one.mp4")
    (archive / "a/one.mp4").unlink()
    run(lake, tmp_path / "link")
    assert shown(lake)[video_id][1]


def test_a_link_to_a_disk_that_shows_no_video_marks_nothing(lake: Lake, archive: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(archive)
    (tmp_path / "other").mkdir()
    (tmp_path / "other/film.mp4").write_bytes(b"film")
    run(lake, tmp_path / "link", tmp_path / "other")
    shutil.rmtree(archive)
    archive.mkdir()
    (archive / "notes.txt").write_text("another disk")
    assert run(lake, tmp_path / "link", tmp_path / "other") == LocationChanges()
    assert not any(missing for _, missing in shown(lake).values())


def test_a_link_that_leads_nowhere_is_not_missing(lake: Lake, archive: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk/film.mp4").write_bytes(b"film")
    (archive / "a/link.mp4").symlink_to(tmp_path / "disk/film.mp4")
    run(lake, archive)
    (tmp_path / "disk/film.mp4").unlink()
    assert discovered(lake, archive)[-1].vanished == ()


def test_a_run_that_is_overtaken_by_another_marks_nothing_that_the_other_found(lake: Lake, archive: Path) -> None:
    run(lake, archive)
    (archive / "a/one.mp4").rename(archive / "away")
    batches = discover_batches([str(archive)], lake, CONFIG, progress=lambda _: overtake())

    def overtake() -> None:
        (archive / "away").rename(archive / "a/one.mp4")
        (archive / "a/one.mp4").write_bytes(b"changed meanwhile")
        record(lake, discovered(lake, archive))
        (archive / "a/one.mp4").unlink()

    [found] = batches
    assert found.vanished == ()
