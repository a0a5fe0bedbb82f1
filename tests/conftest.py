"""What all tests share: no network, quiet frameworks, one thread a model."""

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
os.environ.setdefault("DO_NOT_TRACK", "1")

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.sharing import made_once

# A busy machine is no failure.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

pytest_plugins = ["tests.selection"]

if TYPE_CHECKING:
    from tests.known_lake import KnownLake


@pytest.fixture(scope="session")
def known_lake(tmp_path_factory: pytest.TempPathFactory) -> "KnownLake":
    """A tiny real lake, made once for all tests that only read it, in whichever process; loads the real models."""
    from tests.known_lake import make_known_lake

    return made_once(tmp_path_factory, "known", make_known_lake)
