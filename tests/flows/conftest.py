"""A Prefect server shared by tests of real processes, which would otherwise each start a temporary one."""

import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.sharing import run_folder, running_once

_PATIENCE_S = 300.0
_STOP_S = 10.0
_UNUSED = (
    "CANCELLATION_CLEANUP", "CLEANUP_RECONCILER", "FOREMAN", "LATE_RUNS", "PAUSE_EXPIRATIONS", "REPOSSESSOR",
    "SCHEDULER", "TRIGGERS",
)  # fmt: skip
"""Services of the shared server that look for work every few seconds, which nobody gives them: 3 % of a core.

Automations, which need triggers, are tested on a server of their own."""


@pytest.fixture(scope="module", autouse=True)
def _kept_engines() -> Iterator[None]:
    """Open each lake once for all commands of a file. Its files may change by no other means than the lake's."""
    from tests.kept_engines import engines_kept

    with engines_kept():
        yield


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


def without_prefect() -> dict[str, str]:
    """Return this process's environment without settings of Prefect."""
    return {key: value for key, value in os.environ.items() if not key.startswith("PREFECT")}


def wait_for(what: Callable[[], Any]) -> Any:
    """Call `what` until it returns something true."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        try:
            if answer := what():
                return answer
        except httpx.HTTPError:
            pass
        time.sleep(0.5)
    raise AssertionError(f"waited {_PATIENCE_S:.0f} s in vain")


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, and kill it if it does not: a server waits for ever for clients that stay connected."""
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Return the environment for processes that use the Prefect server of this test run."""
    home = run_folder(tmp_path_factory) / "prefect"
    settings = {f"PREFECT_SERVER_SERVICES_{name}_ENABLED": "false" for name in _UNUSED}
    with running_once(tmp_path_factory, "prefect-server", lambda: start_server(home, **settings)) as environment:
        yield environment


@pytest.fixture(scope="session")
def prefect_home(prefect_server: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a PREFECT_HOME with a database of its own, which Prefect takes 10 s to make."""
    home = tmp_path_factory.mktemp("home")
    with (
        closing(sqlite3.connect(Path(prefect_server["PREFECT_HOME"], "prefect.db"))) as made,
        closing(sqlite3.connect(home / "prefect.db")) as copy,
    ):
        made.backup(copy)
    return home


@contextmanager
def running_server(home: Path, **settings: str) -> Iterator[dict[str, str]]:
    """Start a Prefect server, yield the environment for processes that use it, and end it."""
    environment, server = start_server(home, **settings)
    try:
        yield environment
    finally:
        end(server)


def start_server(home: Path, **settings: str) -> tuple[dict[str, str], subprocess.Popen[bytes]]:
    """Start a Prefect server and return the environment for processes that use it, and its process."""
    port = free_port()
    environment = without_prefect() | {
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        **settings,
    }
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: server.poll() is not None or httpx.get(f"{environment['PREFECT_API_URL']}/health").is_success)
        assert server.poll() is None, "the server has ended"
    except BaseException:
        end(server)
        raise
    return environment, server
