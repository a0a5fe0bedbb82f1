"""A Prefect server shared by tests of real processes, which would otherwise each start a temporary one."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

_PATIENCE_S = 600.0


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


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


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Start a Prefect server and return the environment for processes that use it."""
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
