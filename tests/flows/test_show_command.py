import json
from pathlib import Path

from click.testing import CliRunner

from flows.cli import main
from pipeline.lake import Lake
from tests.pipeline.lake.lakes import publish


def test_show_prints_the_abstract_with_its_model_and_how_much_was_left_out(tmp_path: Path) -> None:
    publish(Lake.create(str(tmp_path)), "01", ["aaaa1111"])
    shown = CliRunner().invoke(main, ["show", "aaaa1111", "--lake", str(tmp_path)]).output
    assert "Abstract, by tiny-bart" in shown
    assert "A person cycles." in shown
    assert "(2 sentences left out that the video does not support)" in shown


def test_show_lists_what_came_with_the_file(tmp_path: Path) -> None:
    publish(Lake.create(str(tmp_path)), "01", ["aaaa1111"])
    shown = CliRunner().invoke(main, ["show", "aaaa1111", "--lake", str(tmp_path)]).output
    assert "Chapters of the file" in shown
    assert "track 2: de, 1 line" in shown
    assert "aaaa1111.srt: language unknown, 1 line" in shown
    document = json.loads(CliRunner().invoke(main, ["show", "aaaa1111", "--json", "--lake", str(tmp_path)]).output)
    assert [each["source"] for each in document["subtitles"]] == ["track 2", "aaaa1111.srt"]


def test_show_names_videos_of_the_lake_if_none_is_named_or_there_is_none_of_that_name(tmp_path: Path) -> None:
    lake = Lake.create(str(tmp_path))
    empty = CliRunner().invoke(main, ["show", "--lake", str(tmp_path)])
    assert (empty.exit_code, "The lake has none yet" in empty.output) == (2, True)
    publish(lake, "01", ["aaaa1111", "bbbb2222"])
    unnamed = CliRunner().invoke(main, ["show", "--lake", str(tmp_path)])
    assert unnamed.exit_code == 2
    assert "Name a video. The lake has aaaa1111.mp4, bbbb2222.mp4" in unnamed.output
    wrong = CliRunner().invoke(main, ["show", "bbbb222.mp4", "--lake", str(tmp_path)])
    assert wrong.exit_code == 1
    assert "There is no video bbbb222.mp4 in the lake. Nearest names: bbbb2222.mp4, aaaa1111.mp4." in wrong.output
