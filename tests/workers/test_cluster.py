import subprocess
import sys
import threading

import pytest
from ray._private.node import Node

from schemas.config import WorkersConfig
from schemas.errors import ConfigurationError
from workers.cluster import _lean, connecting, ray_cluster

pytestmark = pytest.mark.cluster


def test_an_unreachable_cluster_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(ConfigurationError, match="ray start --head"), ray_cluster("127.0.0.1:1"):
        pass


def test_an_address_of_ray_client_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="ray job submit"), ray_cluster("ray://127.0.0.1:10001"):
        pass


_SIGNALLED = """
import os, signal, threading
from workers.cluster import ray_cluster
received = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: received.set())
with ray_cluster("local"):
    os.kill(os.getpid(), signal.SIGTERM)
    print("received" if received.wait(60) else "lost")
"""


def test_the_signal_by_which_prefect_cancels_a_run_still_reaches_it() -> None:
    # In a process of its own: another cluster of this one may have had other settings.
    done = subprocess.run([sys.executable, "-c", _SIGNALLED], capture_output=True, text=True, check=False)
    assert "received" in done.stdout, done.stderr


_CONNECTING = """
import os, signal, subprocess, threading
from schemas.config import WorkersConfig
from workers import connecting
received = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: received.set())
with connecting(WorkersConfig()) as connected:
    connected()
    os.kill(os.getpid(), signal.SIGTERM)
    print("received" if received.wait(60) else "lost")
    import ray
    session = ray._private.worker._global_node.get_session_dir_path()
    running = subprocess.run(["ps", "-ewwo", "args="], capture_output=True, text=True).stdout.splitlines()
    for program in ("gcs_server", "raylet", "dashboard.py", "log_monitor.py", "monitor.py"):
        if any(program in map(os.path.basename, each.split()[:3]) for each in running if session in each):
            print(program)
print("connected" if ray.is_initialized() else "over")
"""


def test_a_cluster_that_starts_in_a_thread_leaves_the_signal_to_the_run_and_starts_only_what_it_needs() -> None:
    done = subprocess.run([sys.executable, "-c", _CONNECTING], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["received", "gcs_server", "raylet", "over"], done.stderr


def test_what_a_local_cluster_does_without_is_there_again_for_other_clusters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_prestart_worker_first_driver", "0")
    before = Node.start_api_server
    monkeypatch.delattr(Node, "start_monitor")  # as in a Ray that has renamed it
    with _lean():
        assert Node.start_api_server is not before
    assert Node.start_api_server is before
    assert not hasattr(Node, "start_monitor")
    monkeypatch.setitem(sys.modules, "ray._private.node", None)  # or has moved all of them
    with _lean():
        pass


def test_a_cluster_that_cannot_start_early_is_left_to_the_pool_that_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_address: str) -> None:
        raise KeyError("node_ip_address")

    monkeypatch.setattr("workers.cluster.ray_cluster", broken)
    uncaught: list[object] = []
    monkeypatch.setattr(threading, "excepthook", uncaught.append)
    with connecting(WorkersConfig()) as connected:
        connected()
    assert not uncaught
