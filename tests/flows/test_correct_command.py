"""`videolake correct`. No run says how these invented videos were analysed, so corrections wait to be applied."""

import csv
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flows.cli import main
from flows.commands.correct import _suggest
from pipeline import Lake
from pipeline.lake import read_video
from tests.pipeline.corrections.test_voices import voice, voiced
from tests.pipeline.lake.lakes import publish

pytestmark = pytest.mark.slow

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    publish(Lake.create(str(tmp_path / "lake")), "01", ["aaaa1111"])

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["correct", *arguments, "--lake", str(tmp_path / "lake")])

    return run


def test_a_correction_is_saved_listed_and_taken_back(run: Run, tmp_path: Path) -> None:
    made = run("aaaa1111", "--at", "0:10", "--text", "Sentence one.", "--author", "Ann")
    assert made.exit_code == 0
    assert "text at 0:10: Sentence 1 of aaaa1111. -> Sentence one." in made.output
    assert "Saved, but not applied yet: No run says how the video was analysed." in made.output
    listed = run("aaaa1111", "--list").output
    found = re.match(r"([0-9a-f]{16})  \d{4}-\d\d-\d\d \d\d:\d\d  Ann  text at 0:10", listed)
    assert found
    assert "not applied yet" in listed
    undone = run("aaaa1111", "--undo", found[1][:6])
    assert (undone.exit_code, "text at 0:10: taken back: Sentence one." in undone.output) == (0, True)
    assert "undone  text at 0:10" in run("aaaa1111", "--list").output
    assert run("aaaa1111", "--undo", found[1]).exit_code == 2
    assert "Applied the corrections of 0 videos." in run("--apply").output
    assert not Lake(str(tmp_path / "lake")).corrections_of("aaaa1111").pending


def test_values_of_the_whole_video_need_no_time(run: Run) -> None:
    made = run("aaaa1111", "--headline", "Bikes", "--topic", "travel", "--no-topic", "cycling", "--speaker", "", "Ann")
    assert made.exit_code == 0
    for line in ("-> Bikes", "topic travel added", "topic cycling removed", "speaker: unknown -> Ann"):
        assert line in made.output


def test_a_corrected_spreadsheet_is_imported_and_first_only_listed(run: Run, tmp_path: Path) -> None:
    table = tmp_path / "right.csv"
    with table.open("w", newline="") as sink:
        rows = csv.writer(sink)
        rows.writerows([["start_s", "end_s", "text"], [0, 2, "Sentence zero."], [10, 12, "Sentence 1 of aaaa1111."]])
        rows.writerow([200, 201, "Nobody."])
    shown = run("aaaa1111", "--import", str(table), "--dry-run").output
    assert "- Sentence 0 of aaaa1111.\n  + Sentence zero." in shown
    assert "1 line could not be placed" in shown
    assert "Dry run: this would make 1 correction." in shown
    assert "There are no corrections." in run("aaaa1111", "--list").output
    assert "Sentence zero." in run("aaaa1111", "--import", str(table)).output
    assert "-> Sentence zero." in run("aaaa1111", "--list").output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["aaaa1111"], "Say what is right"),
        (["aaaa1111", "--text", "x"], "needs the time"),
        (["aaaa1111", "--at", "0:10"], "A time alone changes nothing"),
        (["aaaa1111", "--at", "5:00", "--text", "x"], "Nobody speaks at 5:00"),
        (["aaaa1111", "--list", "--headline", "x"], "Give either"),
        (["aaaa1111", "--dry-run", "--headline", "x"], "needs --import"),
        (["--headline", "x"], "Name a video"),
        (["aaaa1111", "--speaker", "S7", "x"], "has no speaker 'S7'"),
    ],
)
def test_what_makes_no_sense_is_refused(run: Run, arguments: list[str], message: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, message in result.output) == (2, True), result.output


def test_python_does_the_same(run: Run, tmp_path: Path) -> None:
    del run
    lake = Lake(str(tmp_path / "lake"))
    made = lake.correct("aaaa1111", at=10, text="Sentence one.", headline="Bikes", author="Ann")
    assert [each.field for each in made.corrections] == ["text", "headline"]
    assert lake.undo_correction("aaaa1111", made.corrections[0].correction_id).corrections[0].undoes
    assert [each.holds for each in lake.corrections_of("aaaa1111").listed] == [False, True, False]


def test_the_suggested_command_for_a_similar_voice_works_as_it_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    videos = {"aaaa1111": voiced("aaaa1111", voice("S1", 0.0)), "bbbb2222": voiced("bbbb2222", voice("S2", 0.1))}
    lake = Lake.create(str(tmp_path / "my lake"))
    publish(lake, "01", list(videos), made_up=videos.__getitem__)
    _suggest(lake, read_video(lake, "aaaa1111"), "S1")
    command = re.search(r"If it is the same person: videolake (.*)", capsys.readouterr().out)
    assert command
    done = CliRunner().invoke(main, shlex.split(command[1]))
    assert (done.exit_code, "speaker: S2 -> S1" in done.output) == (0, True), done.output
