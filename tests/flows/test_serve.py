"""A schedule as people use it: a real Prefect server, a served deployment, its runs, and automations."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

import httpx
import pytest
from click.testing import CliRunner

from flows.automations import LINK, register_automations
from flows.cli import main
from pipeline.lake import Lake
from schemas.errors import ConfigurationError
from tests import material
from tests.flows.conftest import end, free_port, running_server, wait_for
from tests.postgres import PROGRAMS, running_postgres
from tests.workers.archives import make_archive

pytestmark = [pytest.mark.prefect, pytest.mark.models]

# Silent and wordless films need few models.
LIGHT = ["--set", "speech.engine=none", "--set", "ocr.engine=none", "--set", "shots.detector=content"]
LIGHT += ["--set", "objects.model=none"]
ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A server of its own, whose automations end no run of other tests; on PostgreSQL if that is installed."""
    home: Path = tmp_path_factory.mktemp("prefect") if PROGRAMS else request.getfixturevalue("prefect_home")
    # Tests wait for notifications, so the server looks for silence more often than every 5 s.
    settings = {"PREFECT_SERVER_EVENTS_PROACTIVE_GRANULARITY": "PT1S"}
    with ExitStack() as stack:
        if PROGRAMS is not None:
            settings["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = stack.enter_context(running_postgres(free_port()))
        yield stack.enter_context(running_server(home, **settings))
        assert (home / "prefect.db").exists() == (PROGRAMS is None), "the database is where it was meant to be"


@pytest.fixture(scope="module")
def api(server: dict[str, str]) -> Iterator[httpx.Client]:
    """A client of the server, which is also the one that code in this process uses."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    address = server["PREFECT_API_URL"]
    with temporary_settings({PREFECT_API_URL: address}), httpx.Client(base_url=address, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def messages() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """The address of a webhook, and what it has been told."""
    told: list[dict[str, str]] = []

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Webhook)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", told
    server.shutdown()


@contextmanager
def served(archive: Path, lake: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "flows.cli", "serve", str(archive), "--lake", str(lake), "--engine", "inline"]
    process = subprocess.Popen(
        [*command, *LIGHT, "--cron", "0 2 * * *"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        end(process)


def answer(api: httpx.Client, path: str, body: dict[str, Any] | None = None) -> Any:
    """Return what the API answers. As Prefect's clients do, ask again while it says that its database is busy."""

    def ask() -> httpx.Response | None:
        reply = api.get(path) if body is None else api.post(path, json=body)
        return None if reply.status_code == httpx.codes.SERVICE_UNAVAILABLE else reply

    return wait_for(ask).raise_for_status().json()


def test_a_served_run_fills_the_lake_and_tells_of_errors_and_one_that_is_killed_frees_its_slot(
    server: dict[str, str], api: httpx.Client, messages: tuple[str, list[dict[str, str]]], tmp_path: Path
) -> None:
    from prefect.blocks.notifications import CustomWebhookNotificationBlock

    archive, lake = make_archive(tmp_path / "archive", films=1), tmp_path / "films"
    material.text_named_mp4(archive / "broken.mp4")
    url, told = messages
    text = {"subject": "{{subject}}", "body": "{{body}}"}
    CustomWebhookNotificationBlock(name="test", url=url, json_data=text).save("test")
    notified = CliRunner().invoke(main, ["automations", "--notify", "custom-webhook/test"])
    assert notified.output.count("Videolake: ") == 4

    with served(archive, lake, server) as process:
        deployment = wait_for(lambda: answer(api, "/deployments/name/analyze-archive/films"))
        assert deployment["schedules"][0]["schedule"]["cron"] == "0 2 * * *"
        assert {"videolake", "lake:films"} <= set(deployment["tags"])
        assert deployment["global_concurrency_limit"]["limit"] == 1
        assert deployment["parameters"]["profile"] == "embedded"
        assert '[workers]\nengine = "inline"\n' in deployment["parameters"]["settings"]
        assert set(deployment["parameter_openapi_schema"]["properties"]) == {"archive", "lake", "profile", "settings"}
        namesake = CliRunner().invoke(main, ["serve", str(archive), "--lake", str(tmp_path / "other" / "films")])
        assert namesake.exit_code == 2, "the first deployment would fill another lake"
        assert f"fills the lake {lake}" in namesake.output
        start = f"/deployments/{deployment['id']}/create_flow_run"
        run = answer(api, start, {"idempotency_key": "first"})  # if a request is repeated, it starts no other run
        ended = wait_for(lambda: (now := answer(api, f"/flow_runs/{run['id']}"))["state_type"] in ENDED and now)
        assert (ended["name"], ended["state_name"]) == ("films: 2 new, 1 failed", "Completed")
        assert sorted(Lake(str(lake)).sql("SELECT status FROM videos").column(0).to_pylist()) == ["failed", "ok"]
        told_of = wait_for(lambda: told.pop(0) if told else None)
        assert told_of["subject"] == "Videolake: films: 2 new, 1 failed"
        assert f"Lake: {lake}\n" in told_of["body"]
        assert told_of["body"].endswith(f"/runs/flow-run/{run['id']}")

        # The silence is that of a run that dies as soon as it has started, so it can be short.
        register_automations(silence_s=10)
        killed = answer(api, start, {"idempotency_key": "second"})
        wait_for(lambda: answer(api, f"/flow_runs/{killed['id']}")["state_type"] == "RUNNING")
        os.killpg(process.pid, signal.SIGKILL)
    ended = wait_for(lambda: (now := answer(api, f"/flow_runs/{killed['id']}"))["state_type"] in ENDED and now)
    assert ended["state_type"] == "CRASHED"
    assert "No sign of life" in ended["state"]["message"]
    limit = deployment["global_concurrency_limit"]["id"]
    assert answer(api, f"/v2/concurrency_limits/{limit}")["active_slots"] == 0
    assert "No sign of life" in wait_for(lambda: told.pop(0) if told else None)["body"]
    assert _heartbeat(api, run["id"]) == "analyze-archive"


def test_registering_again_restores_the_automations_and_leaves_disabled_ones_disabled(api: httpx.Client) -> None:
    from prefect.automations import Automation

    names = register_automations()
    crashed = Automation.read(name=names[0])
    crashed.actions = []
    crashed.enabled = False
    crashed.update()
    Automation(**crashed.model_dump(exclude={"id"})).create()
    assert register_automations() == names
    found = answer(api, "/automations/filter", {"automations": {"name": {"any_": names[:1]}}})
    assert [(each["enabled"], len(each["actions"])) for each in found] == [(False, 1)]


@pytest.mark.usefixtures("api")
@pytest.mark.parametrize("notify", ["slack", "slack-webhook/nobody", "secret/key"])
def test_what_cannot_send_notifications_is_refused(notify: str) -> None:
    from prefect.blocks.system import Secret

    Secret(value="x").save("key", overwrite=True)
    with pytest.raises(ConfigurationError, match="Create one in the Prefect UI"):
        register_automations(notify)


def test_a_server_that_does_not_know_its_address_sends_no_link() -> None:
    from prefect.server.events.actions import SendNotification
    from prefect.server.schemas.core import FlowRun
    from prefect.server.utilities.user_templates import render_user_template_sync
    from prefect.settings import PREFECT_API_URL, PREFECT_UI_URL, temporary_settings

    SendNotification(block_document_id=uuid4(), subject="", body=LINK)  # the server's check makes the filter known
    run = FlowRun(flow_id=uuid4(), id=uuid4())
    with temporary_settings({PREFECT_UI_URL: "http://films:4200"}, restore_defaults={PREFECT_API_URL}):
        assert render_user_template_sync(LINK, {"flow_run": run}) == f"\n\nhttp://films:4200/runs/flow-run/{run.id}"
    with temporary_settings(restore_defaults={PREFECT_API_URL, PREFECT_UI_URL}):
        assert render_user_template_sync(LINK, {"flow_run": run}) == ""


def _heartbeat(api: httpx.Client, run: str) -> str:
    """Return the flow to which the heartbeats that we sent for a run belong."""
    body = {
        "filter": {
            "event": {"name": ["prefect.flow-run.heartbeat"]},
            "any_resource": {"id": [f"prefect.flow-run.{run}"]},
        }
    }
    events = wait_for(lambda: answer(api, "/events/filter", body)["events"])
    ours = [event for event in events if "prefect.version" not in event["resource"]]
    flow = next(each for each in ours[0]["related"] if each["prefect.resource.role"] == "flow")
    return str(flow["prefect.resource.name"])
