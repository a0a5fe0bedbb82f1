"""`videolake run --dry-run` and `videolake runs` around a real run, on a real Prefect server, with workers inline."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner

from flows.archive import analyze_archive
from flows.cli import main
from flows.parameters import parameters_of
from pipeline.run import load_config
from schemas.errors import ArchiveError, ConfigurationError, VideolakeError
from tests.workers.archives import add_bad_files, make_archive

pytestmark = [pytest.mark.prefect, pytest.mark.models, pytest.mark.usefixtures("kept_models")]
# The films are silent and wordless: fewer models make the run start sooner.
LIGHT = (
    "speech.engine=none",
    "ocr.engine=none",
    "shots.detector=content",
    "objects.model=none",
    "workers.engine=inline",
)


@pytest.fixture(scope="module", autouse=True)
def _on_the_server(prefect_server: dict[str, str]) -> Iterator[None]:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: prefect_server["PREFECT_API_URL"]}):
        yield


def call(*arguments: object) -> str:
    done = CliRunner().invoke(main, [str(each) for each in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def dry_run(archive: Path, lake: Path, *more: str) -> str:
    settings = [part for setting in LIGHT for part in ("--set", setting)]
    return call("run", archive, "--lake", lake, "--dry-run", *settings, *more)


async def _flow_run(run_id: str) -> Any:
    from prefect.client.orchestration import get_client

    async with get_client() as client:
        return await client.read_flow_run(UUID(run_id))


async def _artifacts(lake: Path) -> list[Any]:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

    from flows.naming import artifact_key

    # Other tests share the server, and a request returns at most 200.
    own = ArtifactFilter(key=ArtifactFilterKey(any_=[artifact_key("plan", str(lake))]))
    async with get_client() as client:
        return await client.read_artifacts(artifact_filter=own)


def test_a_plan_before_and_after_a_run_and_the_same_plan_in_prefect(tmp_path: Path) -> None:
    archive, lake = make_archive(tmp_path / "archive", films=2), tmp_path / "lake"
    add_bad_files(archive)
    before = json.loads(dry_run(archive, lake, "--json"))
    assert (before["videos"], before["changes"]["new"], before["estimate"]) == (7, 7, None)
    assert not lake.exists()
    assert "no estimate: the lake has no past run to go by" in dry_run(archive, lake)

    result = analyze_archive([str(archive)], str(lake), **parameters_of(load_config(settings=LIGHT)))
    assert (result.found, result.ok) == (7, 2)
    [artifact] = asyncio.run(_artifacts(lake))
    rows = {row["what"]: row["amount"] for row in json.loads(artifact.data)}
    assert (rows["new"], rows["to analyse"], rows["cost"]) == ("7", "7 videos", "unknown")
    assert artifact.description.startswith("7 files, 6 new or changed; 7 distinct videos: 7 to analyse")

    after = json.loads(dry_run(archive, lake, "--json"))
    assert (after["videos"], after["done"], after["failed_before"], after["changes"]["retried"]) == (1, 2, 4, 1)
    changed = json.loads(dry_run(archive, lake, "--json", "--set", "summary.sentences=2"))
    assert (changed["changes"]["changed"], changed["changes"]["retried"], changed["failed_before"]) == (2, 1, 4)
    assert changed["stage_videos"] == {"picture": 1, "sound": 1, "text": 1, "understanding": 3}
    assert changed["redone"] == [{"stage": "understanding", "reason": "summary.sentences 5 -> 2", "videos": 2}]
    assert 0 < changed["estimate"]["compute_s"]["understanding"] < 600
    assert changed["estimate"]["compute_error"] is None
    assert not changed["estimate"]["same_settings"]
    shown = dry_run(archive, lake, "--set", "summary.sentences=2")
    assert "estimated from 1 past run, with other settings or models" in shown
    assert "Nothing was written. Run without --dry-run to start." in shown

    [run] = json.loads(call("runs", "--lake", lake, "--json"))
    assert (run["run_id"], run["videos_ok"], run["videos_failed"]) == (result.run_id, 2, 5)
    assert run["compute_s"]["picture"] > 0
    assert run["compute_s"]["sound"] == run["compute_s"]["other"] == 0


def test_json_is_for_plans(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["run", str(tmp_path), "--lake", str(tmp_path / "lake"), "--json"])
    assert done.exit_code == 2
    assert "--json needs --dry-run" in done.output


@pytest.mark.parametrize(
    ("settings", "error"),
    [("[speech]\nbeam_size = 0", ConfigurationError), ('[workers]\nengine = "inline"', ArchiveError)],
)
def test_a_run_that_cannot_start_says_why_in_its_name_and_message_without_a_traceback(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, settings: str, error: type[VideolakeError]
) -> None:
    with pytest.raises(error) as raised:
        analyze_archive([str(tmp_path / "nothing")], str(tmp_path / "films"), settings=settings)
    # Other tests share the server, so its newest run may be another one.
    [run_id] = {vars(record)["flow_run_id"] for record in caplog.records if "flow_run_id" in vars(record)}
    run = asyncio.run(_flow_run(run_id))
    assert (run.name, run.state.name, run.state.message) == ("films: failed", "Failed", str(raised.value))
    assert str(raised.value) in [record.getMessage() for record in caplog.records]
    assert "Traceback" not in caplog.text
