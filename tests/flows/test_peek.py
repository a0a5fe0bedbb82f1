"""What is known of a run before anything starts for it, on files that are never opened."""

from pathlib import Path

import pytest

from flows.commands.peek import peek
from pipeline.lake import Lake
from schemas.config import Config, SpeechConfig
from schemas.stages import STAGES

CONFIG = Config(speech=SpeechConfig(engine="none"))


@pytest.mark.parametrize(("files", "videos"), [(1, 1), (64, 64), (65, None)])
def test_a_new_lake_may_get_as_many_videos_as_there_are_files_if_they_are_few(
    tmp_path: Path, files: int, videos: int | None
) -> None:
    archive = tmp_path / "archive"
    archive.mkdir()
    for number in range(files):
        (archive / f"{number}.mp4").touch()
    (archive / "notes.txt").touch()
    seen = peek([str(archive)], str(tmp_path / "lake"), CONFIG)
    assert (seen.videos, seen.stages, seen.nothing_to_do) == (videos, STAGES, "")
    Lake.create(str(tmp_path / "lake"))
    assert peek([str(archive)], str(tmp_path / "lake"), CONFIG).videos == videos


def test_an_archive_in_which_nothing_was_found_says_nothing(tmp_path: Path) -> None:
    assert peek([str(tmp_path)], str(tmp_path / "lake"), CONFIG).videos is None
