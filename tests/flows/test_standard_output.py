"""`-o -` means standard output in every command that has `-o`."""

import io
import os
from collections.abc import Iterator
from pathlib import Path

import av
import click
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from flows.cli import main
from flows.commands import clip
from pipeline.lake import Lake
from schemas.export import STDOUT
from tests import material
from tests.pipeline.export.records import video
from tests.pipeline.lake.lakes import publish


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> str:
    made = Lake.create(str(tmp_path_factory.mktemp("printed") / "lake"))
    publish(made, "01", ["v001"])
    return made.uri


def printed(folder: Path, *arguments: str) -> Result:
    """Run a command in an empty folder, in which it must not write anything."""
    with CliRunner().isolated_filesystem(folder):
        result = CliRunner().invoke(main, arguments, env={"VIDEOLAKE_LAKE": ""})
        assert os.listdir() == []  # noqa: PTH208
    return result


def commands(group: click.Group) -> Iterator[click.Command]:
    for command in group.commands.values():
        yield from commands(command) if isinstance(command, click.Group) else [command]


def test_every_command_decides_in_one_place_what_a_dash_means() -> None:
    options = [option for command in commands(main) for option in command.params if "--output" in option.opts]
    assert len(options) >= 7
    for option in options:
        if option.name == "folder":
            with pytest.raises(click.BadParameter, match="folder"):
                option.type.convert("-", option, None)
        else:
            assert option.type.convert("-", option, None) == STDOUT
            assert option.type.convert("./-", option, None) == Path.cwd() / "-"


def test_text_is_printed(lake: str, tmp_path: Path) -> None:
    export = printed(tmp_path, "export", "v001", "--format", "srt", "-o", "-", "--lake", lake)
    assert "Sentence 0 of v001." in export.stdout
    assert (
        printed(tmp_path, "sql", "SELECT 1 AS one", "--format", "csv", "-o", "-", "--lake", lake).stdout == '"one"\n1\n'
    )
    report = printed(tmp_path, "report", "v001", "-o", "-", "--lake", lake)
    assert (report.exit_code, report.stdout.strip()[-7:]) == (0, "</html>")


def test_parquet_is_printed_as_bytes(lake: str, tmp_path: Path) -> None:
    result = printed(tmp_path, "sql", "SELECT 1 AS one", "--format", "parquet", "-o", "-", "--lake", lake)
    assert pq.read_table(pa.BufferReader(result.stdout_bytes)).to_pylist() == [{"one": 1}]


def test_many_files_are_refused(lake: str, tmp_path: Path) -> None:
    whole = printed(tmp_path, "export", "--all", "--format", "srt", "-o", "-", "--lake", lake)
    assert (whole.exit_code, "folder" in whole.stderr) == (2, True)
    clips = printed(tmp_path, "clip", "v001@0-1", "v001@2-3", "-o", "-", "--lake", lake)
    assert (clips.exit_code, "name a folder" in clips.stderr) == (2, True)


def test_a_clip_is_printed_whole(lake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    film = material.shots_video(tmp_path / "talk.mp4", (1.0,), size=(64, 48))
    (tmp_path / "empty").mkdir()
    monkeypatch.setattr(clip, "read_video", lambda *_, **__: video(uri=str(film), duration_s=1.0))
    result = printed(tmp_path / "empty", "clip", "talk@0-1", "-o", "-", "--lake", lake)
    with av.open(io.BytesIO(result.stdout_bytes)) as made:
        assert sum(1 for _ in made.decode(video=0)) == 25
