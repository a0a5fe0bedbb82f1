"""A schedule as people use it: a real Prefect server, a served deployment, a run of it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from pipeline.lake import Lake
from tests.workers.archives import make_archive

pytestmark = [pytest.mark.prefect, pytest.mark.models]
_PATIENCE_S = 120.0


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


def wait_for(what: Callable[[], Any]) -> Any:
    """Ask until there is an answer."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        try:
            if answer := what():
                return answer
        except httpx.HTTPError:
            pass
        time.sleep(0.5)
    raise AssertionError(f"waited {_PATIENCE_S:.0f} s in vain")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    port = free_port()
    plain = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT")}
    made = plain | {
        "PREFECT_HOME": str(tmp_path_factory.mktemp("home")),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(command, env=made, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: httpx.get(f"{made['PREFECT_API_URL']}/health").is_success)
        yield made
    finally:
        server.terminate()
        server.wait()


def test_a_served_schedule_is_in_prefect_and_its_runs_fill_the_lake(
    environment: dict[str, str], tmp_path: Path
) -> None:
    archive, lake = make_archive(tmp_path / "archive", films=1), tmp_path / "films"
    api = environment["PREFECT_API_URL"]
    command = [sys.executable, "-m", "flows.cli", "serve", str(archive), "--lake", str(lake), "--engine", "inline"]
    serving = subprocess.Popen(
        [*command, "--cron", "0 2 * * *"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        found = f"{api}/deployments/name/analyze-archive/films"
        deployment = wait_for(lambda: (reply := httpx.get(found)).is_success and reply.json())
        assert deployment["schedules"][0]["schedule"]["cron"] == "0 2 * * *"
        assert {"videolake", "lake:films"} <= set(deployment["tags"])
        assert deployment["global_concurrency_limit"]["limit"] == 1
        assert deployment["parameters"]["config"] == {"workers": {"engine": "inline"}}
        assert "config" in deployment["parameter_openapi_schema"]["properties"]
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
