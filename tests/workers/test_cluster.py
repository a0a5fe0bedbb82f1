import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from ray._private import services
from ray._private.node import Node

from schemas.config import Config
from schemas.errors import ConfigurationError
from workers import lean_cluster
from workers.cluster import connecting, ray_cluster
from workers.lean_cluster import lean, without_agents

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
from schemas.config import Config
from workers import connecting
received = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: received.set())
with connecting(Config()) as connected:
    connected()
    os.kill(os.getpid(), signal.SIGTERM)
    print("received" if received.wait(60) else "lost")
    import ray
    session = ray._private.worker._global_node.get_session_dir_path()
    lines = subprocess.run(["ps", "-ewwo", "pid=,ppid=,args="], capture_output=True, text=True).stdout.splitlines()
    running = [line.split(maxsplit=2) for line in lines]
    for program in ("gcs_server", "raylet", "dashboard.py", "log_monitor.py", "monitor.py"):
        for pid, _, args in running:
            if session in args and program in map(os.path.basename, args.split()[:3]):
                children = [each[2] for each in running if each[1] == pid]
                workers = {each for each in children if "default_worker.py" in each or each.startswith("ray::")}
                print(program, *(os.path.basename(each.split()[-1]) for each in children if each not in workers))
print("connected" if ray.is_initialized() else "over")
"""


def test_a_cluster_that_starts_in_a_thread_leaves_the_signal_to_the_run_and_starts_only_what_it_needs() -> None:
    done = subprocess.run([sys.executable, "-c", _CONNECTING], capture_output=True, text=True, check=False)
    raylet = "raylet idle_agent.py idle_agent.py"
    assert done.stdout.splitlines() == ["received", "gcs_server", raylet, "over"], done.stderr


_USED = """
import threading
from schemas.config import Config
from workers import connecting
from workers.cluster import ray_cluster
with connecting(Config()) as connected:
    connected()
    with ray_cluster("local"):
        import ray
        print(ray.is_initialized())
    next(thread for thread in threading.enumerate() if thread.name == "cluster").join()
    print(ray.is_initialized())
"""


def test_a_cluster_that_has_been_used_ends_while_the_run_goes_on() -> None:
    done = subprocess.run([sys.executable, "-c", _USED], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["True", "False"], done.stderr


def test_what_a_local_cluster_does_without_is_there_again_for_other_clusters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_prestart_worker_first_driver", "0")
    before = Node.start_api_server
    monkeypatch.delattr(Node, "start_monitor")  # as in a Ray that has renamed it
    with lean():
        assert Node.start_api_server is not before
    assert Node.start_api_server is before
    assert not hasattr(Node, "start_monitor")
    monkeypatch.setitem(sys.modules, "ray._private.node", None)  # or has moved all of them
    with lean():
        pass


def test_a_cluster_that_does_not_start_without_its_agents_starts_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    original, tried = services.start_ray_process, list[bool]()

    def init(**_options: object) -> None:
        tried.append(services.start_ray_process is original)
        if not all(tried):
            raise Exception("The current node timed out during startup.")  # noqa: TRY002 - as Ray does

    monkeypatch.setattr("ray.init", init)
    monkeypatch.setattr("ray.shutdown", lambda: None)
    monkeypatch.setattr("ray.is_initialized", lambda: False)
    with pytest.raises(ConfigurationError, match="timed out during startup"), ray_cluster("local"):
        pass
    assert tried == [False, True]


def test_only_the_command_of_a_raylet_that_is_as_expected_is_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = [f"--session_dir={tmp_path}", f"--node_id={'0' * 56}", "--dashboard_agent_command=python a=b"]
    raylet = ["raylet", *options, "--runtime_env_agent_command=python c"]
    changed = without_agents(raylet)
    assert changed[:3] == raylet[:3]
    assert [each.split("=")[0] for each in changed] == [each.split("=")[0] for each in raylet]
    assert all("idle_agent.py" in each for each in changed[3:])
    assert len(list(tmp_path.iterdir())) == 4
    assert all(file.read_text() == "-1" for file in tmp_path.iterdir())
    others = (raylet[:-1], ["raylet", *raylet[2:]], ["gcs_server", *options[:2]])
    assert all(without_agents(each) is each for each in others)
    monkeypatch.delattr("ray._raylet.persist_port")
    assert without_agents(raylet) is raylet


def test_agents_stay_where_the_user_wants_runtime_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    before = services.start_ray_process
    with lean():
        assert services.start_ray_process is not before
    monkeypatch.setenv("RAY_RUNTIME_ENV_HOOK", "mine.hook")
    with lean():
        assert services.start_ray_process is before


def test_a_cluster_that_cannot_start_early_is_left_to_the_pool_that_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_address: str) -> None:
        raise KeyError("node_ip_address")

    monkeypatch.setattr("workers.cluster.ray_cluster", broken)
    uncaught: list[object] = []
    monkeypatch.setattr(threading, "excepthook", uncaught.append)
    with connecting(Config()) as connected:
        connected()
    assert not uncaught


def test_what_stands_in_for_an_agent_ends_if_its_raylet_has_ended_before_it_starts() -> None:
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    environment = {**os.environ, "RAY_RAYLET_PID": ended.stdout.decode().strip()}
    program = Path(lean_cluster.__file__).with_name("idle_agent.py")
    subprocess.run([sys.executable, "-I", "-S", str(program)], env=environment, check=True, timeout=60)
