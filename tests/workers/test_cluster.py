import subprocess
import sys

import pytest

from schemas.errors import ConfigurationError
from workers.cluster import ray_cluster

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
