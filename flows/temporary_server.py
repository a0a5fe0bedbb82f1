"""Prefect's temporary server, for runs without a configured one. It starts while this process imports Prefect.

Prefect would start it itself, but later, and from a module that imports the whole server into this process, too. Where
a server may be configured, it is left to Prefect to find out.
"""

import atexit
import os
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.request
from pathlib import Path

from schemas.errors import ConfigurationError

_PROGRAM = Path(__file__).with_name("server_process.py")
_START_S = 120.0
_STOP_S = 5.0
_AGAIN_S = 0.05
_OWN_PROFILE = "ephemeral"
"""The profile of a Prefect that nobody has configured."""
_HOST = "127.0.0.1"
_ALLOWED = ("PREFECT_SERVER_EPHEMERAL_ENABLED", "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE")
"""Two names of the setting that allows a temporary server; the first one counts."""


class TemporaryServer:
    """A running server of Prefect, in a process of its own. `start_server` makes it."""

    def __init__(self) -> None:
        # The socket listens from here on, so that no other process can take the port.
        with socket.create_server((_HOST, 0)) as listening:
            self.address = f"http://{_HOST}:{listening.getsockname()[1]}/api"
            ending, self._alive = os.pipe()
            self._log = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the server
            environment = {
                # As Prefect does it.
                "PREFECT_UI_ENABLED": "0",
                "PREFECT__SERVER_EPHEMERAL": "1",
                "PREFECT__SERVER_FINAL": "1",
                # No run uses stored blocks.
                "PREFECT_API_BLOCKS_REGISTER_ON_START": "false",
            }
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-P", str(_PROGRAM), str(listening.fileno()), str(ending)],
                env={**os.environ, **environment},
                pass_fds=(listening.fileno(), ending),
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                start_new_session=True,  # Ctrl-C ends the run, which the server must record
            )
            os.close(ending)
        atexit.register(self.stop)

    def wait(self) -> None:
        """Wait until the server answers, at most as long as Prefect would.

        Raises:
            ConfigurationError: It does not.
        """
        limit_s = float(os.environ.get("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", _START_S))
        until = time.monotonic() + limit_s
        while self._process.poll() is None and time.monotonic() < until:
            try:
                # The socket listens already, so this takes as long as the server needs to start.
                with urllib.request.urlopen(f"{self.address}/health", timeout=limit_s):  # noqa: S310 - of http
                    return
            except OSError:
                time.sleep(_AGAIN_S)
        raise self.failure()

    def failure(self) -> ConfigurationError:
        """Return the error to raise if the server does not answer."""
        code = self._process.poll()
        ended = "does not answer" if code is None else f"ended with code {code}"
        self._log.seek(0)
        said = [line.strip() for line in self._log.read().decode("utf-8", "replace").splitlines() if line.strip()]
        return ConfigurationError(
            f"Prefect's temporary server {ended}{': ' if said else '.'}{' '.join(said[-3:])}\n"
            "Run again. If that does not help, start a server with `prefect server start` and set "
            "PREFECT_API_URL=http://127.0.0.1:4200/api"
        )

    def stop(self) -> None:
        """Stop the server, after it has stored what it was sent."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def start_server() -> TemporaryServer | None:
    """Start a server, unless one may be configured or Prefect is imported already, and name it in the environment.

    It is stopped at the exit of this process, after Prefect has sent the last events and log records.
    """
    if "prefect" in sys.modules or may_be_configured(Path.cwd()):
        return None
    server = TemporaryServer()
    os.environ["PREFECT_API_URL"] = server.address
    if urllib.request.getproxies():
        _bypass_proxy()
    return server


def _bypass_proxy() -> None:
    """Let this process reach its own server where the environment names a proxy for everything else."""
    name = "no_proxy" if "no_proxy" in os.environ else "NO_PROXY"
    hosts = [each for each in os.environ.get(name, "").split(",") if each.strip()]
    if "*" not in hosts:
        os.environ[name] = ",".join([*hosts, _HOST])


def may_be_configured(folder: Path) -> bool:
    """Return whether a server is configured in one of the ways of Prefect, or only Prefect itself can tell.

    Args:
        folder: The working directory, in which Prefect looks for files with settings.
    """
    environment = os.environ
    allowed = next((environment[name] for name in _ALLOWED if name in environment), "true")
    if allowed.lower() not in {"true", "1"} or {"PREFECT_API_URL", "PREFECT_TEST_MODE"} & environment.keys():
        return True
    return any((folder / name).exists() for name in ("prefect.toml", ".env")) or _in_project(folder) or _in_profile()


def _in_project(folder: Path) -> bool:
    try:
        return "tool.prefect" in (folder / "pyproject.toml").read_text("utf-8", "replace")
    except OSError:
        return False


def _in_profile() -> bool:
    home = Path(os.path.expanduser(os.environ.get("PREFECT_HOME") or "~/.prefect"))  # noqa: PTH111 - never fails
    profiles = Path(os.environ.get("PREFECT_PROFILES_PATH") or home / "profiles.toml")
    try:
        content = tomllib.loads(profiles.read_text("utf-8"))
        active = os.environ.get("PREFECT_PROFILE") or content.get("active", _OWN_PROFILE)
        profile = content["profiles"].get(active, {} if active == _OWN_PROFILE else None)
        return profile is None or not {"PREFECT_API_URL", *_ALLOWED}.isdisjoint(profile)
    except FileNotFoundError:
        return os.environ.get("PREFECT_PROFILE", _OWN_PROFILE) != _OWN_PROFILE
    except (OSError, ValueError, LookupError, AttributeError, TypeError):
        return True
