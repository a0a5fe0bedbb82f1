"""The command line as people use it: real processes, real exit codes."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from flows.cli import main
from flows.commands.peek import peek
from pipeline.lake import Lake
from schemas.config import Config, SummaryConfig
from schemas.stages import STAGES
from tests import material
from tests.flows.conftest import without_prefect
from tests.workers.archives import contents, make_archive

pytestmark = [pytest.mark.prefect, pytest.mark.models, pytest.mark.usefixtures("kept_models")]
VIDEOLAKE = [sys.executable, "-m", "flows.cli"]
# The films are silent and wordless: fewer models make each run start sooner.
LIGHT = ["--set", "speech.engine=none", "--set", "ocr.engine=none", "--set", "shots.detector=content"]
LIGHT += ["--set", "objects.model=none", "--quiet"]
# Vectors differ in their last digits with the number of threads, and lakes are compared exactly.
LIGHT += ["--threads", "1"]


@pytest.fixture(scope="module")
def environment(prefect_home: Path) -> dict[str, str]:
    """Each run starts a temporary Prefect server."""
    return without_prefect() | {"PREFECT_HOME": str(prefect_home)}


def videolake(environment: dict[str, str], *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [*VIDEOLAKE, *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=1200, check=False)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_archive(tmp_path_factory.mktemp("cli") / "archive", films=4)
    material.text_named_mp4(folder / "broken.mp4")
    return folder


@pytest.fixture(scope="module")
def lake(archive: Path, environment: dict[str, str]) -> Path:
    """The lake of an undisturbed run, on Ray."""
    lake = archive.parent / "lake"
    done = videolake(environment, "run", archive, "--lake", lake, "--set", "workers.max_workers=1")
    assert done.returncode == 3, done.stderr
    assert "4 analysed, 1 failed" in done.stdout
    assert "film 0's" in done.stdout
    assert "not_media" in done.stdout
    assert "4/5 videos" in done.stderr or "\nanalyse\n" in done.stderr
    assert ".cc:" not in done.stderr, "Ray's core keeps its log to itself"
    return lake


def call(*arguments: object) -> tuple[int, str]:
    """Call a command in this process, which has imported everything."""
    done = CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)
    return done.exit_code, done.output


def call_on(server: dict[str, str], *arguments: object) -> tuple[int, str]:
    """Do the same with a Prefect server."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: server["PREFECT_API_URL"]}):
        return call(*arguments)


@pytest.fixture(scope="module")
def light_lake(archive: Path, prefect_server: dict[str, str]) -> Path:
    """The lake of an undisturbed run with few models."""
    lake = archive.parent / "light"
    code, output = call_on(prefect_server, "run", archive, "--lake", lake, "--engine", "inline", *LIGHT)
    assert code == 3, output
    return lake


def test_a_second_run_has_nothing_to_do_and_says_so_quickly(
    lake: Path, archive: Path, environment: dict[str, str]
) -> None:
    before = contents(Lake(str(lake)))
    done = videolake(environment, "run", archive, "--lake", lake)
    assert done.returncode == 0
    assert "Nothing to do: 4 videos" in done.stdout
    assert "Prefect" not in done.stderr
    assert contents(Lake(str(lake))) == before


def test_a_look_at_the_lake_says_which_stages_the_first_videos_need(lake: Path, archive: Path, tmp_path: Path) -> None:
    def needed(folder: Path, where: Path, config: Config) -> tuple[str, ...]:
        return peek([str(folder)], str(where), config).stages

    more = shutil.copytree(archive, tmp_path / "more")
    material.shots_video(more / "new.mp4", (1.0,), size=(160, 90))
    assert needed(archive, tmp_path / "none", Config()) == STAGES
    assert needed(more, lake, Config()) == STAGES
    assert needed(archive, lake, Config(summary=SummaryConfig(sentences=2))) == ("understanding",)
    assert needed(archive, lake, Config()) == ()


def test_a_run_killed_at_random_and_repeated_gives_the_lake_of_an_undisturbed_run(
    light_lake: Path, archive: Path, prefect_server: dict[str, str], tmp_path: Path
) -> None:
    disturbed = tmp_path / "lake"
    command = ["run", str(archive), "--lake", str(disturbed), "--shard-videos", "2", *LIGHT, "--engine"]
    rng = random.Random(7)
    killed: list[int] = []
    for engine, moment in (("ray", "staged"), ("inline", "committing")):
        process = subprocess.Popen(
            [*VIDEOLAKE, *command, engine],
            env=prefect_server,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + 600
        while process.poll() is None and time.monotonic() < deadline:
            staged = len(list(disturbed.glob("_staging/*/*.staged")))
            committed = len(list(disturbed.glob("scenes/*.parquet")))
            if (moment == "staged" and staged) or (moment == "committing" and committed):
                break
            time.sleep(rng.uniform(0.0005, 0.02))
        assert process.poll() is None, "it was killed while it worked"
        process.send_signal(signal.SIGKILL)
        process.wait()
        killed.append(process.pid)
    code, output = call_on(prefect_server, *command, "inline")
    assert code in {0, 3}, output
    assert contents(Lake(str(disturbed))) == contents(Lake(str(light_lake)))
    assert not list(disturbed.glob("_staging/*"))
    for group in killed:
        # What a run that was killed started outlives it.
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


def test_ctrl_c_stops_cleanly_and_says_how_to_continue(
    light_lake: Path, archive: Path, prefect_server: dict[str, str], tmp_path: Path
) -> None:
    stopped = tmp_path / "lake"
    command = ["run", str(archive), "--lake", str(stopped), "--engine", "inline", *LIGHT]
    process = subprocess.Popen(
        [*VIDEOLAKE, *command],
        env=prefect_server,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A test run in the background of a shell ignores the signal, and its children would, too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    )
    deadline = time.monotonic() + 600
    while not list(stopped.glob("_staging/*")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 130, errors
    assert "Run the same command again to continue" in errors
    assert "Traceback" not in errors
    assert Lake(str(stopped)).sql("SELECT state FROM runs").column(0).to_pylist() == ["stopped"]
    assert call_on(prefect_server, *command)[0] in {0, 3}
    assert contents(Lake(str(stopped))) == contents(Lake(str(light_lake)))


def test_a_prefect_server_that_does_not_answer_is_named(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    nobody = "http://127.0.0.1:9/api"
    monkeypatch.setenv("PREFECT_API_URL", nobody)
    with temporary_settings({PREFECT_API_URL: nobody}):
        code, output = call("run", archive, "--lake", tmp_path / "lake", "--engine", "inline")
    assert code == 2
    assert f"error: The Prefect server at {nobody} does not answer." in output
    assert "Traceback" not in output


def test_sql_prints_every_format(lake: Path, tmp_path: Path) -> None:
    query = "SELECT shots, status FROM videos WHERE status = 'ok' ORDER BY shots"
    assert call("sql", query, "--lake", lake, "--format", "csv")[1].splitlines()[0] == '"shots","status"'
    assert json.loads(call("sql", query, "--lake", lake, "--format", "json")[1])[0]["shots"] == 1
    assert len(call("sql", query, "--lake", lake, "--format", "jsonl")[1].splitlines()) == 4
    assert "shots" in call("sql", query, "--lake", lake)[1]
    for ending in ("parquet", "csv", "json", "jsonl"):
        assert call("sql", "FROM frames", "--lake", lake, "-o", tmp_path / f"out.{ending}")[0] == 0
    assert pq.read_table(tmp_path / "out.parquet").num_rows == len((tmp_path / "out.jsonl").read_text().splitlines())


@pytest.mark.parametrize(
    "query", ["DROP VIEW videos", "SELECT nothing FROM videos", "COPY videos TO 'x.csv'", "SELECT 1; SELECT 2"]
)
def test_invalid_or_writing_sql_is_refused(lake: Path, query: str) -> None:
    code, output = call("sql", query, "--lake", lake)
    assert code == 1
    assert output.startswith("error: ")
    assert "Traceback" not in output


def test_show_prints_the_results_of_a_video(lake: Path) -> None:
    code, output = call("show", 'film 1\'s "cut".mp4', "--lake", lake)
    assert code == 0
    assert "2 shots" in output
    assert call("show", "broken", "--lake", lake)[1].count("not_media") == 1
    assert json.loads(call("show", 'film 1\'s "cut"', "--lake", lake, "--json")[1])["status"] == "ok"
    assert call("show", "nobody", "--lake", lake)[0] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "/no/such/place", "--lake", "LAKE"], "/no/such/place does not exist"),
        (["run", "ARCHIVE", "--lake", "LAKE", "--set", "speech.beam=1"], "there is no such setting"),
        (["run", "ARCHIVE", "--lake", "LAKE", "--set", "vision.model=embedded:none"], "embedded:none"),
        (["run", "ARCHIVE"], "--lake"),
        (["serve", "ARCHIVE", "--lake", "LAKE", "--cron", "* * * * *", "--interval", "60"], "not both"),
    ],
)
def test_bad_usage_exits_with_two_and_says_what_to_do(
    archive: Path, tmp_path: Path, arguments: list[str], said: str
) -> None:
    names = {"ARCHIVE": str(archive), "LAKE": str(tmp_path / "lake")}
    code, output = call(*(names.get(argument, argument) for argument in arguments))
    assert code == 2, output
    assert said in output
    assert "Starting Prefect" not in output


def test_a_missing_lake_is_an_error_that_says_how_to_make_one(tmp_path: Path) -> None:
    code, output = call("sql", "SELECT 1", "--lake", tmp_path / "none")
    assert code == 1
    assert "videolake run" in output


def test_config_models_and_help_print_something() -> None:
    assert "[speech]" in call("config")[1]
    assert json.loads(call("config", "--json", "--profile", "fast")[1])["ocr"]["engine"] == "none"
    assert "embedded:whisper-base" in call("models")[1]
    for command in ("run", "serve", "sql", "show", "sample", "config", "models", "compact"):
        code, output = call(command, "--help")
        assert code == 0
        assert len(output) > 100


def test_compact_keeps_the_contents_of_the_lake(lake: Path) -> None:
    before = contents(Lake(str(lake)))
    assert call("compact", "--lake", lake)[0] == 0
    assert contents(Lake(str(lake))) == before
