"""What all tests share: no network, quiet frameworks, one thread a model."""

import ctypes
import functools
import gc
import os
import sys
import uuid
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
os.environ.setdefault("DO_NOT_TRACK", "1")

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.nightly import NIGHTLY, examples
from tests.sharing import made_once, running_once

# A busy machine is no failure. The same code passes or fails whenever the gate runs.
settings.register_profile(
    "patient",
    deadline=None,
    max_examples=examples(),
    derandomize=not NIGHTLY,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("patient")

_MUCH_MEMORY = 1_500_000_000
_MORE_MEMORY = 300_000_000
_kept_bytes = [0]
"""What this process still had when it last gave memory back."""

pytest_plugins = ["tests.selection"]

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from pipeline.extras.sample.truth import Truth
    from tests.known_lake import KnownLake
    from tests.s3 import FaultProxy, S3Server


@pytest.fixture(scope="module", autouse=True)
def _give_memory_back() -> "Iterator[None]":
    """Give the memory of a file's models back to the system, of which several processes share the memory.

    Looking through all objects takes 0.2 s, so files that took little leave it to a later one.
    """
    yield
    if sys.platform == "linux" and _resident_bytes() > max(_MUCH_MEMORY, _kept_bytes[0] + _MORE_MEMORY):
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)
        _kept_bytes[0] = _resident_bytes()


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture(scope="session")
def _models() -> dict[str, object]:
    return {}


@pytest.fixture(scope="module")
def kept_models(_models: dict[str, object]) -> "Iterator[None]":
    """Load each model once for all files that run analyses in this process."""
    from tests.kept_models import models_kept

    with models_kept(_models):
        yield


@pytest.fixture(scope="session")
def known_lake(tmp_path_factory: pytest.TempPathFactory, _models: dict[str, object]) -> "KnownLake":
    """A tiny real lake, made once for all tests that only read it, in whichever process; loads the real models."""
    from tests.kept_models import models_kept
    from tests.known_lake import make_known_lake

    with models_kept(_models):
        return made_once(tmp_path_factory, "known", make_known_lake)


@pytest.fixture(scope="session")
def ocean_talk(tmp_path_factory: pytest.TempPathFactory) -> "tuple[Path, Truth]":
    """The sample's talk of eight slides and what is in it, made once; drawing it takes ten seconds."""
    from pipeline.extras.sample import known

    def make(folder: Path) -> "tuple[Path, Truth]":
        return folder / "talk.mp4", known.ocean_talk(folder / "talk.mp4")

    return made_once(tmp_path_factory, "ocean", make)


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[S3Server]":
    """A real S3 server for all processes, started when the first test wants it."""
    from tests.s3 import S3Server

    def start() -> "tuple[S3Server, subprocess.Popen[bytes]]":
        server = S3Server()
        return server, server.start()

    with running_once(tmp_path_factory, "s3-server", start) as server:
        yield server


@pytest.fixture(scope="session")
def _fault_proxy(s3_server: "S3Server") -> "Iterator[FaultProxy]":
    from tests.s3 import FaultProxy

    with FaultProxy(s3_server.host, s3_server.port) as proxy:
        yield proxy


@pytest.fixture
def s3_bucket(s3_server: "S3Server", monkeypatch: pytest.MonkeyPatch) -> "Iterator[str]":
    """The URI of an empty bucket of its own, which this process and those that it starts reach."""
    yield from _bucket(s3_server, s3_server.endpoint, monkeypatch)


@pytest.fixture(scope="module")
def shared_bucket(s3_server: "S3Server") -> "Iterator[str]":
    """The same for all tests of a file, which read what is there or keep to folders of their own."""
    with pytest.MonkeyPatch.context() as patch:
        yield from _bucket(s3_server, s3_server.endpoint, patch)


@pytest.fixture
def faulty_bucket(
    s3_server: "S3Server", _fault_proxy: "FaultProxy", monkeypatch: pytest.MonkeyPatch
) -> "Iterator[tuple[str, FaultProxy]]":
    """The same, through a proxy that can make requests fail; it is returned too."""
    _fault_proxy.plan = None
    _fault_proxy.requests.clear()
    _fault_proxy.faults.clear()
    for uri in _bucket(s3_server, _fault_proxy.endpoint, monkeypatch):
        yield uri, _fault_proxy
    _fault_proxy.plan = None


def _bucket(server: "S3Server", endpoint: str, monkeypatch: pytest.MonkeyPatch) -> "Iterator[str]":
    import s3fs

    from tests.s3 import environment

    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in environment(endpoint).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("botocore.session.create_loader", _botocore_loader)
    name = f"bucket-{uuid.uuid4().hex[:12]}"
    server.create_bucket(name)
    s3fs.S3FileSystem.clear_instance_cache()  # instances keep their endpoint
    yield f"s3://{name}"
    s3fs.S3FileSystem.clear_instance_cache()


@functools.cache
def _botocore_loader(search_path: str | None = None) -> object:
    """Let all clients share what botocore has read of its JSON files: that is half of the cost of a client."""
    from botocore.loaders import create_loader

    return create_loader(search_path)
