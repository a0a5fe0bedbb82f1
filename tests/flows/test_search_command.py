import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from flows.cli import main
from flows.commands.search import reason_lines
from pipeline.lake import Lake
from schemas.records import Analysis
from schemas.search import Reason
from tests.pipeline.lake.lakes import analysis, publish


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> str:
    made = Lake.create(str(tmp_path_factory.mktemp("search") / "lake"))
    publish(made, "01", ["v01", "v02"])
    return made.uri


def videolake(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def test_search_prints_times_lines_and_why(lake: str) -> None:
    found = videolake("search", "v02 sentence", "--lake", lake, "--limit", "1")
    assert found.exit_code == 0
    first, second, *_ = found.stdout.splitlines()
    assert re.fullmatch(r"  0:00-0:02  v02\.mp4  Bicycles in v02  \d\.\d{3}", first)
    assert second == "             Sentence 0 of v02.  (said, words)"
    assert "Searched by words only" in found.stderr


def test_search_prints_a_line_once_with_all_its_retrievers() -> None:
    reasons = (
        Reason("speech", "semantic", "The telescope sees.", 0.5, 1),
        Reason("speech", "lexical", "The telescope sees.", 2.0, 1, ((4, 13),)),
        Reason("frame", "visual", "telescope", 0.4, 2),
        Reason("frame", "visual", "", 0.3, 3),
    )
    assert [click.unstyle(line) for line in reason_lines(reasons)] == [
        "The telescope sees.  (said, meaning and words)",
        "telescope  (seen, appearance)",
        "image without labels  (seen, appearance)",
    ]


@pytest.mark.slow
def test_search_prints_json_and_csv_for_programs(lake: str) -> None:
    found = json.loads(videolake("search", "sentence", "--lake", lake, "--video", "v02.mp4", "--format", "json").stdout)
    assert [(hit["video_id"], hit["start_s"]) for hit in found] == [("v02", 0.0), ("v02", 10.0), ("v02", 20.0)]
    assert found[0]["reasons"][0]["spans"] == [[0, 8]]
    text = videolake("search", "sentence", "--lake", lake, "--from", "0:15", "--format", "csv").stdout
    assert {row["start_s"] for row in csv.DictReader(io.StringIO(text))} == {"20.0"}


def test_csv_has_its_header_even_without_hits(lake: str) -> None:
    header = "video_id,uri,headline,start_s,end_s,text,frame_id,score,reasons"
    assert videolake("search", "zebra", "--lake", lake, "--format", "csv").stdout == f"{header}\n"
    assert videolake("search", "zebra", "--lake", lake, "--format", "json").stdout == "[]\n"
    header = "video_id,other_id,uri,other_uri,overlap,offset_s"
    assert videolake("duplicates", "--lake", lake, "--format", "csv").stdout == f"{header}\n"


def pictured(video_id: str) -> Analysis:
    """Make a video whose thumbnails are JPEGs, except for the last."""
    made = analysis(video_id)
    frames = tuple(
        replace(frame, thumbnail=b"\xff\xd8\xff" + bytes([frame.index])) if frame.index < 2 else frame
        for frame in made.keyframes
    )
    return replace(made, keyframes=frames)


@pytest.mark.slow
def test_thumbnails_of_hits_are_written_and_named(tmp_path: Path) -> None:
    made = Lake.create(str(tmp_path / "lake"))
    publish(made, "01", ["v01", "v02"], made_up=pictured)
    folder = tmp_path / "new" / "pictures"
    asked = ("search", "sentence", "--lake", made.uri, "--thumbnails", str(folder))
    found = json.loads(videolake(*asked, "--format", "json").stdout)
    assert {(hit["uri"][-7:], hit["start_s"], hit["thumbnail"]) for hit in found} == {
        (f"{video}.mp4", start, str(folder / f"{video} {start:.0f} s.jpg") if start < 20 else None)
        for video in ("v01", "v02")
        for start in (0.0, 10.0, 20.0)
    }
    assert (folder / "v02 10 s.jpg").read_bytes() == b"\xff\xd8\xff\x01"
    assert len(list(folder.iterdir())) == 4
    rows = csv.DictReader(io.StringIO(videolake(*asked, "--format", "csv").stdout))
    assert {row["thumbnail"] for row in rows} == {"", *map(str, folder.iterdir())}
    assert str(folder / "v01 0 s.jpg") in videolake(*asked).stdout
    wrong = videolake("search", "sentence", "--lake", made.uri, "--thumbnails", "/dev/null/x")
    assert (wrong.exit_code, "cannot be written" in wrong.stderr) == (1, True)


def test_search_finds_similar_moments(lake: str) -> None:
    found = videolake("search", "--like", "v01.mp4@0:11", "--lake", lake)
    assert found.exit_code == 0
    assert "appearance)" in found.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Give exactly one of QUERY"),
        (("x", "--like", "v01@1"), "Give exactly one of QUERY"),
        (("--like", "v01"), "'v01' is not a moment"),
        (("x", "--from", "noon"), "is not a time"),
        (("x", "--from", "40", "--to", "0:20"), "the start is after the end"),
        (("",), "query is empty"),
        (("?!",), "has no word in"),
        (("--image", "nothing.jpg"), "nothing.jpg cannot be read"),
    ],
)
def test_search_refuses_invalid_arguments(lake: str, arguments: tuple[str, ...], message: str) -> None:
    found = videolake("search", *arguments, "--lake", lake)
    assert found.exit_code == 2
    assert message in found.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--speaker", "nobody"), "No moment has the speaker 'nobody'. This lake has no speakers"),
        (("--language", "xx"), "language 'xx'. The languages are: 'de', 'en'"),
        (("--topic", "foo"), "the topic 'foo'. The topics are: "),
        (("--video", "v03.mp4"), "no video v03.mp4 in the lake. Nearest names: v0"),
    ],
)
def test_search_refuses_unknown_names(lake: str, arguments: tuple[str, ...], message: str) -> None:
    found = videolake("search", "sentence", *arguments, "--lake", lake)
    assert (found.exit_code, found.stdout) == (1, "")
    assert message in found.stderr


def test_a_file_that_is_not_an_image_is_refused(lake: str, tmp_path: Path) -> None:
    (tmp_path / "no.jpg").write_bytes(b"no picture")
    found = videolake("search", "--image", str(tmp_path / "no.jpg"), "--lake", lake)
    assert found.exit_code == 2
    assert "is not an image" in found.stderr


def test_search_of_no_lake_and_of_an_empty_one_says_so(tmp_path: Path) -> None:
    found = videolake("search", "x", "--lake", str(tmp_path / "none"))
    assert (found.exit_code, "There is no lake" in found.stderr) == (1, True)
    Lake.create(str(tmp_path / "empty"))
    found = videolake("search", "x", "--lake", str(tmp_path / "empty"))
    assert (found.exit_code, "holds no moments yet" in found.stderr) == (0, True)


def test_duplicates_are_printed(lake: str) -> None:
    found = videolake("duplicates", "--lake", lake)
    assert (found.exit_code, found.stdout) == (0, "")
    assert "No two videos share footage." in found.stderr
    assert json.loads(videolake("duplicates", "v01", "--lake", lake, "--format", "json").stdout) == []


def test_index_says_what_it_did_and_refuses_while_a_run_writes(tmp_path: Path) -> None:
    made = Lake.create(str(tmp_path / "lake"))
    publish(made, "01", ["v01"])
    found = videolake("index", "--lake", made.uri)
    assert found.exit_code == 0
    assert found.stdout.startswith("14 moments of 1 videos indexed; 1 videos read")
    assert "nothing new" in videolake("index", "--lake", made.uri).stdout
    damaged = next(Path(made.uri, "_search").rglob("rows.arrow"))
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"\xff")
    assert "1 videos read, damaged parts rebuilt" in videolake("index", "--lake", made.uri).stdout
    assert "nothing new" in videolake("index", "--lake", made.uri).stdout
    with made.lock():
        found = videolake("index", "--lake", made.uri)
    assert (found.exit_code, "is being written" in found.stderr) == (1, True)
