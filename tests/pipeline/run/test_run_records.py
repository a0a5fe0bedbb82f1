import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from flows.cli import main
from pipeline.lake import Lake
from pipeline.run.ledger import past_runs
from pipeline.run.run_records import Difference, differences, find_run, read_runs
from schemas.errors import LakeError
from tests.pipeline.run.ledgers import run_row, write_runs

COSTS = {
    "picture": 40.0, "sound": 15.0, "text": 1.0, "understanding": 4.0, "decode": 10.0, "load": 8.0, "other": 2.0,
}  # fmt: skip


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake.create(str(tmp_path / "lake"))
    write_runs(
        lake,
        run_row("r1", settings={"speech": {"beam_size": 5, "language": None}}),
        run_row(
            "r3", hours=2, settings={"speech": {"beam_size": 1, "language": "en"}}, versions={"videolake": "2"},
            models=[{"role": "text", "id": "bert", "licence": "MIT", "digest": "d1"}], archive=["/archive", "/more"],
        ),
        run_row("r2", hours=1, settings={"speech": {"beam_size": 5, "language": None}}, video_s=0.0, compute_s={}),
    )  # fmt: skip
    return lake


def call(*arguments: object) -> str:
    done = CliRunner().invoke(main, [str(each) for each in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_runs_are_listed_newest_first_with_the_cost_of_each_stage(lake: Lake) -> None:
    runs = read_runs(lake)
    assert [run.run_id for run in runs] == ["r3", "r2", "r1"]
    assert runs[0].compute_s == COSTS
    assert runs[0].total_s == 80.0
    assert runs[0].real_time == 2.0
    assert [run.run_id for run in read_runs(lake, 1)] == ["r3"]


def test_the_ledger_of_estimates_has_the_runs_that_analysed_something(lake: Lake) -> None:
    past = past_runs(lake)
    assert [run.compute_s for run in past] == [COSTS, COSTS]
    assert past[0].video_s == dict.fromkeys(("picture", "sound", "text", "understanding"), 100.0)


def test_the_ledger_knows_which_stages_a_run_made(lake: Lake) -> None:
    write_runs(lake, run_row("r4", hours=3, stage_video_s={"text": 20.0, "understanding": 100.0}))
    made = {"picture": 0.0, "sound": 0.0, "text": 20.0, "understanding": 100.0}
    assert past_runs(lake)[0].video_s == made
    assert read_runs(lake)[0].stage_video_s == made


@pytest.mark.parametrize("written", ["", "no JSON", "[]", '{"workers": 3}'])
def test_a_run_that_another_program_recorded_is_read_without_its_settings(lake: Lake, written: str) -> None:
    write_runs(lake, run_row("r4", hours=3, configuration=written))
    assert read_runs(lake)[0].settings == {}
    assert len(past_runs(lake)) == 3


def test_a_run_is_compared_with_the_one_before(lake: Lake) -> None:
    run, before = find_run(lake, "r3")
    assert before is not None
    assert before.run_id == "r2"
    assert set(differences(before, run)[1:]) == {
        Difference("setting", "speech.beam_size", 5, 1),
        Difference("setting", "speech.language", None, "en"),
        Difference("model", "text", "minilm (d0)", "bert (d1)"),
        Difference("version", "videolake", "1", "2"),
    }
    assert differences(before, run)[0] == Difference("archive", "archive", ["/archive"], ["/archive", "/more"])
    assert find_run(lake, "r1")[1] is None


@pytest.mark.parametrize(("run_id", "message"), [("r", "3 runs of the lake .* start with r"), ("x", "has no run x")])
def test_an_unknown_or_ambiguous_run_is_refused(lake: Lake, run_id: str, message: str) -> None:
    with pytest.raises(LakeError, match=message):
        find_run(lake, run_id)


def test_the_command_prints_runs_for_people_and_scripts(lake: Lake) -> None:
    lines = call("runs", "--lake", lake.uri).splitlines()
    assert lines[0].split()[-7:] == list(COSTS)
    assert lines[1].split() == [
        "r3", "2026-11-24", "14:00", "completed", "1", "1", "1", "1:40", "0:50", "2.0", "1:20",
        "0:40", "0:15", "0:01", "0:04", "0:10", "0:08", "0:02",
    ]  # fmt: skip
    assert [line.split()[0] for line in lines[1:]] == ["r3", "r2", "r1"]
    runs: list[dict[str, Any]] = json.loads(call("runs", "--lake", lake.uri, "--json", "--limit", "2"))
    assert [(run["run_id"], run["compute_s"]["sound"]) for run in runs] == [("r3", 15.0), ("r2", 0.0)]


def test_the_command_prints_one_run_with_what_differs(lake: Lake) -> None:
    shown = call("runs", "r3", "--lake", lake.uri)
    assert "compute     1:20 min: picture 40 s, sound 15 s, text 1 s, understanding 4 s, decode 10 s" in shown
    assert "setting speech.beam_size: 5 -> 1" in shown
    assert "setting speech.language: none -> en" in shown
    assert 'archive archive: ["/archive"] -> ["/archive", "/more"]' in shown
    assert "This is the first run of the lake." in call("runs", "r1", "--lake", lake.uri)
    run = json.loads(call("runs", "r2", "--lake", lake.uri, "--json"))
    assert (run["before"], run["differences"], run["settings"]["speech.beam_size"]) == ("r1", [], 5)


def test_a_lake_without_runs_says_so(tmp_path: Path) -> None:
    lake = Lake.create(str(tmp_path / "empty"))
    assert call("runs", "--lake", lake.uri) == "No run has ended in this lake yet.\n"
    assert call("runs", "--lake", lake.uri, "--json") == "[]\n"
