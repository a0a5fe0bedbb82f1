"""`videolake forget` shows what it would remove, asks, and says what it cannot reach."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flows.cli import main
from pipeline.lake import Lake
from pipeline.run import content_digest
from schemas.config import ArchiveConfig
from tests.pipeline.lake.lakes import publish, stage
from tests.pipeline.lake.remains import remains

pytestmark = pytest.mark.slow


def forget(lake: Lake, *arguments: str, answer: str = "") -> Result:
    return CliRunner().invoke(main, ["forget", *arguments, "--lake", lake.uri], input=answer)


def made(folder: Path) -> Lake:
    lake = Lake.create(str(folder / "lake"))
    publish(lake, "01", ["v01", "v02"])
    return lake


def test_a_dry_run_and_an_answer_of_no_remove_nothing(tmp_path: Path) -> None:
    lake = made(tmp_path)
    before = lake._store.tree("")
    dry = forget(lake, "v01.mp4", "--dry-run")
    assert (dry.exit_code, lake._store.tree("")) == (0, before)
    assert "v01.mp4 (v01): analysed 2026-11-24 12:00 UTC, 24 rows (" in dry.output
    assert "/archive/v01.mp4" in dry.output
    refused = forget(lake, "v01.mp4", answer="n\n")
    assert refused.exit_code == 1
    assert "Forget 1 video for good?" in refused.output
    assert lake.forgotten() == frozenset()


def test_it_says_what_it_removed_and_what_it_cannot_reach(tmp_path: Path) -> None:
    lake = made(tmp_path)
    done = forget(lake, "v01.mp4", answer="y\n")
    assert done.exit_code == 0
    assert "Forgot 1 video: removed 24 rows, 10 files; the lake is " in done.output
    assert "backups" in done.output
    assert remains(lake, "v01") == {}
    again = forget(lake, "v01", "--yes")
    assert (again.exit_code, again.output) == (0, "Nothing to remove: the lake has forgotten that before.\n")
    unknown = forget(lake, "v01.mp4", "--yes")
    assert (unknown.exit_code, "There is no video v01.mp4" in unknown.output) == (1, True)


def test_one_wrong_name_removes_nothing(tmp_path: Path) -> None:
    lake = made(tmp_path)
    assert forget(lake, "v01", "v99", "--yes").exit_code == 1
    assert lake.forgotten() == frozenset()


def test_a_video_that_a_killed_run_has_only_staged_is_forgotten_too(tmp_path: Path) -> None:
    lake = made(tmp_path)
    stage(lake, "77", ["v07"])
    assert forget(lake, "v07.mp4", "--yes").exit_code == 0
    assert remains(lake, "v07") == {}


def test_undo_takes_an_id_or_a_file_with_the_content(tmp_path: Path) -> None:
    file = tmp_path / "talk.mp4"
    file.write_bytes(b"a video")
    video_id = content_digest(str(file), 7, ArchiveConfig())
    lake = made(tmp_path)
    publish(lake, "02", [video_id])
    forget(lake, "v01", video_id, "--yes")
    assert forget(lake, str(file), "--undo").output == f"{video_id}: the next run that finds it analyses it again.\n"
    assert lake.forgotten() == {"v01"}
    assert forget(lake, "v01", "--undo").exit_code == 0
    nothing = forget(lake, "v02", "--undo")
    assert (nothing.exit_code, "v02 is no video that the lake" in nothing.output) == (1, True)
