"""A local Ray cluster without the processes that a run has no use for. Each is a Python process that imports Ray.

They are the dashboard, which is there to look at clusters that last; its agent; the agent that makes runtime
environments, which our workers have none of; the autoscaler, as there is one machine; the log monitor, which sends what
workers print to the driver; and workers for tasks, which no run has. Ray has no public switch for most of them, so a
Ray that has changed them starts them.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

_UNUSED = ("start_monitor", "start_log_monitor", "start_api_server")
"""Methods of Ray's `Node`."""
_AGENTS = ("--dashboard_agent_command=", "--runtime_env_agent_command=")
_PORTS = (
    "METRICS_AGENT_PORT_NAME", "METRICS_EXPORT_PORT_NAME", "DASHBOARD_AGENT_LISTEN_PORT_NAME",
    "RUNTIME_ENV_AGENT_PORT_NAME",
)  # fmt: skip
_NO_PORT = -1
"""What an agent that serves nothing says its port is."""
_PROGRAM = Path(__file__).with_name("idle_agent.py")


@contextmanager
def lean() -> Iterator[None]:
    """Let `ray.init` start no more processes than a run needs, for the duration of the block."""
    os.environ.setdefault("RAY_prestart_worker_first_driver", "0")
    replaced: list[tuple[Any, str, Any]] = []

    def replace(owner: Any, name: str, instead: Any) -> None:  # noqa: ANN401 - parts of Ray
        replaced.append((owner, name, getattr(owner, name)))
        setattr(owner, name, instead)

    try:
        node, services, utils = (_module(f"ray._private.{name}") for name in ("node", "services", "utils"))
        for name in _UNUSED:
            if hasattr(getattr(node, "Node", None), name):
                replace(node.Node, name, lambda *_args, **_options: None)
        if hasattr(services, "start_ray_process") and not _makes_environments():
            start = services.start_ray_process
            replace(
                services,
                "start_ray_process",
                lambda command, *args, **options: start(without_agents(command), *args, **options),
            )
            if hasattr(utils, "get_dashboard_dependency_error"):
                # To find out what its agents can do, Ray would import what they import.
                replace(utils, "get_dashboard_dependency_error", lambda: None)
        yield
    finally:
        for owner, name, original in replaced:
            setattr(owner, name, original)


def without_agents(command: Sequence[str]) -> Sequence[str]:
    """Return the command of a raylet with a program in place of its agents that does nothing.

    A raylet must have agents, and waits for the ports that they write down. Other commands are returned as they are.
    """
    options = dict(argument.split("=", 1) for argument in command if "=" in argument)
    folder, node_id = options.get("--session_dir"), options.get("--node_id")
    ray = _module("ray._raylet")
    if not folder or not node_id or not all(hasattr(ray, name) for name in ("persist_port", *_PORTS)):
        return command
    if sum(argument.startswith(_AGENTS) for argument in command) != len(_AGENTS):
        return command
    for name in _PORTS:
        ray.persist_port(folder, node_id, getattr(ray, name), _NO_PORT)
    idle = subprocess.list2cmdline([sys.executable, "-I", "-S", str(_PROGRAM)])
    return [f"{argument.split('=')[0]}={idle}" if argument.startswith(_AGENTS) else argument for argument in command]


def _makes_environments() -> bool:
    """Return whether the user has asked Ray for runtime environments, which an agent makes."""
    asked = {"RAY_RUNTIME_ENV_HOOK", "RAY_JOB_CONFIG_JSON_ENV_VAR"} & os.environ.keys()
    return bool(asked) or os.environ.get("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0") != "0"


def _module(name: str) -> Any:  # noqa: ANN401 - a part of Ray
    """Return a module; None if there is none of that name."""
    try:
        return import_module(name)
    except ImportError:
        return None
