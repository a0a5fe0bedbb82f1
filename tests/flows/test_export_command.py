import json
from dataclasses import replace
from pathlib import Path

import opentimelineio as otio
import pysubs2
import pytest
import webvtt
from click.testing import CliRunner, Result

from flows.cli import main
from pipeline.export import FORMATS
from pipeline.lake import Lake
from schemas.export import EXPORT_FORMATS
from schemas.records import Analysis
from tests.pipeline.lake.lakes import pictureless, publish


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> str:
    made = Lake.create(str(tmp_path_factory.mktemp("export") / "lake"))
    publish(made, "01", ["v001", "v002", "v003"], failed=["v003"])
    return made.uri


def export(lake: str, *arguments: object) -> Result:
    return CliRunner().invoke(main, ["export", *map(str, arguments), "--lake", lake], env={"VIDEOLAKE_LAKE": ""})


def test_the_command_line_offers_all_formats() -> None:
    assert tuple(FORMATS) == EXPORT_FORMATS


@pytest.mark.slow
@pytest.mark.parametrize("form", [name for name in FORMATS if name != "youtube"])
def test_each_format_is_written_to_standard_output_and_selected_by_the_file_extension(
    lake: str, form: str, tmp_path: Path
) -> None:
    result = export(lake, "v001", "--format", form)
    assert result.exit_code == 0, result.output
    assert result.stdout.endswith("\n")
    path = tmp_path / f"out{FORMATS[form].ending}"
    assert export(lake, "v001", "-o", path).exit_code == 0
    assert path.read_text(encoding="utf-8") == result.stdout


def test_a_whole_lake_becomes_a_folder(lake: str, tmp_path: Path) -> None:
    result = export(lake, "--all", "--format", "srt", "-o", tmp_path / "subtitles")
    assert result.exit_code == 0
    assert "2 files in" in result.stderr
    assert sorted(path.name for path in (tmp_path / "subtitles").iterdir()) == ["v001.srt", "v002.srt"]
    subtitles = pysubs2.load(str(tmp_path / "subtitles" / "v001.srt"))
    assert subtitles[0].plaintext == "Sentence 0 of v001."


def test_in_an_export_of_a_lake_each_failed_video_gets_a_line(lake: str, tmp_path: Path) -> None:
    result = export(lake, "--all", "--format", "youtube", "-o", tmp_path / "chapters")
    assert result.exit_code == 3
    assert result.stderr.count("not written: /archive/v00") == 2
    assert "0 files" in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["v001"], 2, "--format"),
        (["v001", "-o", "out.xyz"], 2, "No format has the ending of out.xyz"),
        ([], 2, "--all"),
        (["v001", "--all", "--format", "srt"], 2, "--all"),
        (["--all", "--format", "srt"], 2, "-o"),
        (["v001", "--format", "youtube"], 1, "fewer than 3"),
        (["v003", "--format", "srt"], 1, "videolake show v003"),
        (["nobody", "--format", "srt"], 1, "There is no video nobody"),
        (["v001", "--format", "edl", "--fps", "13"], 1, "13 is not a timecode rate"),
        (["v001", "--format", "srt", "--drop-frame", "--fps", "25"], 2, "srt takes no --drop-frame and --fps."),
        (["v001", "--format", "otio", "--drop-frame"], 2, "otio takes no --drop-frame."),
        (["--all", "--format", "edl", "--translation", "-o", "x"], 2, "edl takes no --translation."),
        (["v001", "--format", "srt", "--limit", "3"], 2, "only be used with --query"),
        (["v001", "--format", "srt", "--language", "en"], 2, "only be used with --query"),
        (["--query", "sentence", "--format", "edl", "--video", "nobody"], 1, "There is no video nobody"),
        (["--query", "sentence", "--format", "edl", "--from", "2x"], 2, "2x"),
        (["--query", "?!", "--format", "edl"], 2, "no word"),
        (["v001", "--format", "srt", "-o", "/dev/null/x.srt"], 1, "cannot be written"),
    ],
)
def test_a_failed_export_is_explained_in_one_line(lake: str, arguments: list[str], code: int, said: str) -> None:
    result = export(lake, *arguments)
    assert result.exit_code == code, result.output
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_exports_name_the_video_and_its_times(lake: str) -> None:
    assert json.loads(export(lake, "v001", "--format", "json").stdout)["utterances"][1]["start_s"] == 10.0
    assert webvtt.from_string(export(lake, "v001", "--format", "vtt").stdout)[1].start == "00:00:10.000"
    assert "00:00:10:00 00:00:20:00" in export(lake, "v001", "--format", "edl").stdout


def radio(video_id: str) -> Analysis:
    made = pictureless(video_id)
    return replace(made, info=replace(made.info, video=None))


@pytest.fixture(scope="module")
def mixed_lake(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A film, v001, and a file of sound alone, v002; all that is said in both holds "sentence"."""
    made = Lake.create(str(tmp_path_factory.mktemp("mixed") / "lake"))
    publish(made, "01", ["v001"])
    publish(made, "02", ["v002"], made_up=radio)
    return made.uri


@pytest.mark.slow
def test_an_edit_list_has_every_hit_of_a_search(mixed_lake: str) -> None:
    result = export(mixed_lake, "--query", "sentence", "--format", "otio")
    assert result.exit_code == 0, result.output
    pictures, sound = otio.adapters.read_from_string(result.stdout, "otio_json").tracks
    assert sorted(each.metadata["videolake"]["video_id"] for each in sound) == ["v001"] * 3 + ["v002"] * 3
    assert {each.metadata["videolake"]["video_id"] for each in pictures.find_clips()} == {"v001"}
    lines = export(mixed_lake, "--query", "sentence", "--format", "edl").stdout.splitlines()
    events = [line.split()[2] for line in lines if line[:3].isdigit()]
    assert sorted(events) == ["AA"] * 3 + ["AA/V"] * 3


def test_videos_are_never_overwritten_with_text(lake: str, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(b"a film")
    for command in (
        ["export", "v001", "--format", "srt"], ["export", "--query", "sentence", "--format", "edl"],
        ["report", "v001"], ["report"], ["explain", "sentence", "v001@1"],
    ):  # fmt: skip
        result = CliRunner().invoke(main, [*command, "--lake", lake, "-o", str(film)])
        assert (result.exit_code, film.read_bytes()) == (2, b"a film"), result.output
        assert "named like video or audio" in result.stderr


def test_a_report_makes_its_folder_and_appears_whole(lake: str, tmp_path: Path) -> None:
    target = tmp_path / "new" / "v001.html"
    assert CliRunner().invoke(main, ["report", "v001", "--lake", lake, "-o", str(target)]).exit_code == 0
    assert target.read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert [each.name for each in target.parent.iterdir()] == ["v001.html"]


@pytest.mark.slow
def test_an_edit_list_uses_the_filters_of_a_search(mixed_lake: str) -> None:
    def listed(*filters: str) -> list[tuple[str, float]]:
        result = export(mixed_lake, "--query", "sentence", "--format", "otio", *filters)
        assert result.exit_code == 0, result.output
        assert "Searched by words only" in result.stderr
        sound = otio.adapters.read_from_string(result.stdout, "otio_json").tracks[-1]
        known = [each.metadata["videolake"] for each in sound]
        return sorted((each["video_id"], each["start_s"]) for each in known)

    assert listed("--video", "v002.mp4", "--from", "0:15") == [("v002", 20.0)]
    assert listed("--kind", "speech", "--to", "1") == [("v001", 0.0), ("v002", 0.0)]
    result = export(mixed_lake, "--query", "sentence", "--format", "edl", "--from", "5:00")
    assert (result.exit_code, result.stderr.count("with these filters")) == (1, 1)
