import os
import select
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

from flows import temporary_server
from flows.commands import run
from flows.temporary_server import TemporaryServer, may_be_configured, start_server
from schemas.config import Config, WorkersConfig
from schemas.errors import ConfigurationError


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "environ", {k: v for k, v in os.environ.items() if not k.startswith("PREFECT")})
    os.environ["PREFECT_HOME"] = str(tmp_path / "home")


def test_without_any_configuration_there_is_no_server(tmp_path: Path) -> None:
    assert not may_be_configured(tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PREFECT_API_URL", "http://example.org/api"),
        ("PREFECT_SERVER_ALLOW_EPHEMERAL_MODE", "false"),
        ("PREFECT_SERVER_EPHEMERAL_ENABLED", "false"),
        ("PREFECT_PROFILE", "mine"),
        ("PREFECT_TEST_MODE", "1"),
    ],
)
def test_a_variable_may_configure_a_server(name: str, value: str, tmp_path: Path) -> None:
    os.environ[name] = value
    assert may_be_configured(tmp_path)


@pytest.mark.parametrize(
    ("content", "configured"),
    [
        ('active = "mine"\n[profiles.mine]\nPREFECT_API_URL = "http://example.org/api"', True),
        ('active = "mine"\n[profiles.mine]\nPREFECT_LOGGING_LEVEL = "DEBUG"', False),
        ('active = "mine"\n[profiles.other]\n', True),
        ('active = "ephemeral"\n[profiles.ephemeral]\nPREFECT_SERVER_ALLOW_EPHEMERAL_MODE = "true"', True),
        ('active = "mine"\n[profiles.mine]\nPREFECT_SERVER_EPHEMERAL_ENABLED = "false"', True),
        ('active = "ephemeral"\n[profiles.local]\nPREFECT_API_URL = "http://example.org/api"', False),
        ("profiles = 3", True),
        ("no TOML", True),
        ("", True),
    ],
)
def test_a_profile_may_configure_a_server(content: str, configured: bool, tmp_path: Path) -> None:
    home = Path(os.environ["PREFECT_HOME"])
    home.mkdir()
    (home / "profiles.toml").write_text(content)
    assert may_be_configured(tmp_path) is configured


@pytest.mark.parametrize(
    ("name", "content", "configured"),
    [
        ("prefect.toml", "", True),
        (".env", "", True),
        ("pyproject.toml", "[tool.prefect]\n", True),
        ("pyproject.toml", "[tool.ruff]\n", False),
    ],
)
def test_a_file_of_the_project_may_configure_a_server(
    name: str, content: str, configured: bool, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(content)
    assert may_be_configured(tmp_path) is configured


def test_a_configured_server_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temporary_server, "TemporaryServer", lambda: pytest.fail("a server was started"))
    os.environ["PREFECT_API_URL"] = "http://example.org/api"
    assert start_server() is None
    assert os.environ["PREFECT_API_URL"] == "http://example.org/api"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"NO_PROXY": "127.0.0.1"}),
        ({"no_proxy": "example.org"}, {"no_proxy": "example.org,127.0.0.1"}),
        ({"NO_PROXY": "*"}, {"NO_PROXY": "*"}),
    ],
)
def test_the_server_is_reached_without_the_proxy_that_everything_else_needs(
    given: dict[str, str], expected: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(temporary_server, "TemporaryServer", lambda: SimpleNamespace(address="http://127.0.0.1:1/api"))
    monkeypatch.setattr(temporary_server, "may_be_configured", lambda _: False)
    monkeypatch.delitem(sys.modules, "prefect", raising=False)
    for name in ("no_proxy", "NO_PROXY"):
        os.environ.pop(name, None)
    os.environ.update({"http_proxy": "http://127.0.0.1:9", **given})
    start_server()
    assert {name: os.environ[name] for name in ("no_proxy", "NO_PROXY") if name in os.environ} == expected
    assert urllib.request.proxy_bypass_environment("127.0.0.1", urllib.request.getproxies_environment())


def test_a_server_that_cannot_start_is_an_error_that_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "program.py"
    program.write_text("raise SystemExit('the disk is full')")
    monkeypatch.setattr(temporary_server, "_PROGRAM", program)
    server = TemporaryServer()
    with pytest.raises(ConfigurationError, match="ended with code 1: the disk is full") as raised:
        server.wait()
    assert "prefect server start" in str(raised.value)
    server.stop()


_KILLED = """
import os, signal
from flows.temporary_server import TemporaryServer
server = TemporaryServer()
server.wait()
print(server.address, server._process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.prefect
def test_the_server_answers_and_ends_with_a_run_that_is_killed(prefect_home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _KILLED],
        capture_output=True, text=True, check=False, env={**os.environ, "PREFECT_HOME": str(prefect_home)},
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr
    address, process = done.stdout.split()
    _wait_for_end(int(process))
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{address}/health", timeout=5)


def _wait_for_end(process: int) -> None:
    with suppress(ProcessLookupError):
        descriptor = os.pidfd_open(process)
        assert select.select([descriptor], [], [], 120)[0], "the server still runs"
        os.close(descriptor)


def test_ctrl_c_while_the_server_starts_says_how_to_continue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt  # before anything of Prefect is imported, which would keep the environment of this test

    (tmp_path / "film.mp4").write_bytes(b"a file to analyse")
    monkeypatch.setattr(run, "start_server", interrupted)
    inline = Config(workers=WorkersConfig(engine="inline"))
    assert run.run_archive([str(tmp_path)], str(tmp_path / "lake"), inline, quiet=True) == 130
    assert "Run the same command again" in capsys.readouterr().err


_STUCK = """
import os, signal, socket, sys, time, types
from flows import server_process
signal.signal(signal.SIGTERM, signal.SIG_IGN)
server_process._STOP_S = 0.1
for name in ("uvicorn", "prefect", "prefect.server", "prefect.server.api", "prefect.server.api.server"):
    sys.modules[name] = types.ModuleType(name)
sys.modules["prefect.server.api.server"].create_app = None
sys.modules["uvicorn"].Config = lambda *_, **__: None
sys.modules["uvicorn"].Server = lambda _: types.SimpleNamespace(run=lambda sockets: time.sleep(600))
listening = socket.create_server(("127.0.0.1", 0))
ending, alive = os.pipe()
os.close(alive)
server_process.serve(listening.detach(), ending)
"""


@pytest.mark.prefect
def test_a_server_that_does_not_stop_is_killed() -> None:
    done = subprocess.run([sys.executable, "-c", _STUCK], capture_output=True, check=False, timeout=120)
    assert done.returncode == -signal.SIGKILL, done.stderr


_LOADING = """
import os, signal, sys
from types import SimpleNamespace
from flows import server_process

signal.signal(signal.SIGTERM, lambda *_: print("later", flush=True))  # as uvicorn does
def create_app():
    if sys.argv[1:]:
        os.kill(os.getpid(), signal.SIGTERM)
    return "app"
sys.modules["prefect.settings"] = SimpleNamespace(Settings=type)
sys.modules["prefect.server.api.server"] = SimpleNamespace(create_app=create_app)
print(server_process.make_app(), flush=True)
os.kill(os.getpid(), signal.SIGTERM)
"""


@pytest.mark.prefect
def test_a_server_that_is_still_loading_stops_at_once_and_one_that_answers_stores_what_it_was_sent() -> None:
    program = [sys.executable, "-c", _LOADING]
    loading, answering = (
        subprocess.run([*program, *args], check=False, stdout=subprocess.PIPE, text=True) for args in (["x"], [])
    )
    assert (loading.returncode, loading.stdout) == (-signal.SIGTERM, "")
    assert (answering.returncode, answering.stdout.split()) == (0, ["app", "later"])
