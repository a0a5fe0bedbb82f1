"""Prefect settings, which must be in the environment before Prefect is imported."""

import logging
import os
from pathlib import Path

from pipeline.models import is_writable, temporary_folder
from schemas.errors import ConfigurationError

logger = logging.getLogger(__name__)


def prepare_prefect(*, quiet: bool) -> None:
    """Let a flow start a temporary server if none is configured, and keep the terminal for our own progress.

    Args:
        quiet: Keep Prefect's log lines off the terminal; they still reach the server.

    Raises:
        ConfigurationError: PREFECT_HOME cannot be written. Prefect itself would only notice after minutes.
        ModelError: Neither the home folder nor the folder for temporary files can be written.
    """
    _choose_home()
    os.environ.setdefault("PREFECT_SERVER_ALLOW_EPHEMERAL_MODE", "true")
    # Prefect waits 20 s for its temporary server, which is too short on slow disks and busy machines.
    os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    if quiet:
        os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
        os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_FLOW_RUNS_LEVEL", "CRITICAL")
        os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_TASK_RUNS_LEVEL", "CRITICAL")


def require_server(command: str) -> str:
    """Return the address of the Prefect server, for a command that cannot do without.

    Args:
        command: What needs it, for the message.

    Raises:
        ConfigurationError: No server is configured.
    """
    from prefect.settings import PREFECT_API_URL

    address = PREFECT_API_URL.value()
    if not address:
        raise ConfigurationError(
            f"`{command}` needs a Prefect server. Start one with `prefect server start` and set\n"
            "PREFECT_API_URL=http://127.0.0.1:4200/api"
        )
    return str(address)


def _choose_home() -> None:
    """Give Prefect a folder that it can write: its temporary server needs one for its database."""
    configured = os.environ.get("PREFECT_HOME")
    home = Path(os.path.expanduser(configured or "~/.prefect"))  # noqa: PTH111 - does not fail without a home
    if is_writable(home):
        return
    if configured:
        raise ConfigurationError(f"PREFECT_HOME is {home}, which cannot be written. Set it to a writable folder.")
    os.environ["PREFECT_HOME"] = str(temporary_folder("prefect"))
    if (home / "profiles.toml").is_file():
        os.environ.setdefault("PREFECT_PROFILES_PATH", str(home / "profiles.toml"))
    logger.warning(
        "%s cannot be written, so Prefect uses %s. Set PREFECT_HOME to keep its history elsewhere.",
        home, os.environ["PREFECT_HOME"],
    )  # fmt: skip
