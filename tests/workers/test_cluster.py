import os
import signal
import threading

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


def test_the_signal_by_which_prefect_cancels_a_run_still_reaches_it() -> None:
    received = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda *_: received.set())
    try:
        with ray_cluster("local"):
            os.kill(os.getpid(), signal.SIGTERM)
            assert received.wait(60)
    finally:
        signal.signal(signal.SIGTERM, before)
