"""A schedule as people use it: a real Prefect server, a served deployment, and one run."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from pipeline.lake import Lake
from tests.flows.conftest import wait_for
from tests.workers.archives import make_archive

pytestmark = [pytest.mark.prefect, pytest.mark.models]


def test_a_served_schedule_is_a_deployment_whose_runs_fill_the_lake(
    prefect_server: dict[str, str], tmp_path: Path
) -> None:
    archive, lake = make_archive(tmp_path / "archive", films=1), tmp_path / "films"
    api = prefect_server["PREFECT_API_URL"]
    command = [sys.executable, "-m", "flows.cli", "serve", str(archive), "--lake", str(lake), "--engine", "inline"]
    serving = subprocess.Popen(
        [*command, "--cron", "0 2 * * *"], env=prefect_server, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        found = f"{api}/deployments/name/analyze-archive/films"
        deployment = wait_for(lambda: (reply := httpx.get(found)).is_success and reply.json())
        assert deployment["schedules"][0]["schedule"]["cron"] == "0 2 * * *"
        assert {"videolake", "lake:films"} <= set(deployment["tags"])
        assert deployment["global_concurrency_limit"]["limit"] == 1
        assert deployment["parameters"]["profile"] == "embedded"
        assert deployment["parameters"]["settings"] == '[workers]\nengine = "inline"\n'
        assert set(deployment["parameter_openapi_schema"]["properties"]) == {"archive", "lake", "profile", "settings"}
        run = httpx.post(f"{api}/deployments/{deployment['id']}/create_flow_run", json={}).json()
        ended = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
        state = wait_for(
            lambda: (now := httpx.get(f"{api}/flow_runs/{run['id']}").json()["state_type"]) in ended and now
        )
        assert state == "COMPLETED"
    finally:
        serving.terminate()
        serving.wait()
    assert Lake(str(lake)).sql("SELECT status FROM videos").column(0).to_pylist() == ["ok"]
