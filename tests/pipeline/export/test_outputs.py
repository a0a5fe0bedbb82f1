from pathlib import Path

import pytest

from pipeline.export.outputs import MEDIA_ENDINGS, check_text_output, refuse_original
from pipeline.lake import Lake, Origin, video_tables
from schemas.errors import ConfigurationError
from schemas.records import VideoTask
from tests.pipeline.lake.lakes import COORDINATED, NOON, REVISION, TEXT, VISION, analysis


@pytest.fixture
def original(tmp_path: Path) -> Path:
    """A file that a lake was made of; nothing in its name says so."""
    folder = tmp_path / "archive"
    folder.mkdir()
    path = folder / "talk.txt"
    path.write_text("a film")
    return path


@pytest.fixture
def lake(original: Path, tmp_path: Path) -> Lake:
    made = Lake.create(str(tmp_path / "lake"))
    origin = Origin(revision=REVISION, shard="01", text=TEXT, vision=VISION, coordinated=COORDINATED, committed_at=NOON)
    tables = video_tables(VideoTask("v01", (str(original),), original.stat().st_size, 1), analysis("v01"), origin)
    made.stage("01", "v01", tables)
    made.commit("01", REVISION)
    return made


def test_an_original_is_protected_under_each_of_its_names(lake: Lake, original: Path, tmp_path: Path) -> None:
    (tmp_path / "link.srt").symlink_to(original)
    (tmp_path / "hard.srt").hardlink_to(original)
    (tmp_path / "folder").symlink_to(original.parent)
    for path in (original, tmp_path / "link.srt", tmp_path / "hard.srt", tmp_path / "folder" / "talk.txt"):
        with pytest.raises(ConfigurationError, match=r"is an original of this lake.*Name another file"):
            refuse_original(lake, path)


def test_an_original_that_has_changed_is_protected_too(lake: Lake, original: Path) -> None:
    original.write_text("a longer film")
    with pytest.raises(ConfigurationError, match="original"):
        check_text_output(lake, original, "txt", ".txt")


def test_other_files_may_be_overwritten(lake: Lake, original: Path, tmp_path: Path) -> None:
    for path in (tmp_path / "new.srt", tmp_path / "talk.txt", tmp_path / "same size.txt"):
        check_text_output(lake, path, "srt", ".srt")
        path.write_text(original.read_text() if "same" in path.name else "old")
        check_text_output(lake, path, "srt", ".srt")


def test_text_is_not_written_into_a_file_named_like_media(lake: Lake, tmp_path: Path) -> None:
    for ending in sorted(MEDIA_ENDINGS):
        with pytest.raises(ConfigurationError, match=r"named like video or audio.*Name a \.html file"):
            check_text_output(lake, tmp_path / f"talk{ending.upper()}", "a report", ".html")
