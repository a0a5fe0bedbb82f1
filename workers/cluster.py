"""Join a Ray cluster, or start a local one for as long as it is needed."""

import logging
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from schemas.errors import ConfigurationError

logger = logging.getLogger(__name__)

_KNOCK_S = 10.0


@contextmanager
def ray_cluster(address: str | None) -> Iterator[dict[str, float]]:
    """Be connected to a cluster within the block.

    Args:
        address: `auto`, `host:port`, `ray://host:port`, `local`; None: `RAY_ADDRESS`, else a local one. Where this
            process is connected already, that connection is used and kept.

    Yields:
        Resources of the whole cluster by Ray's names, as `CPU` and `GPU`.

    Raises:
        ConfigurationError: Nothing answers at the address.
    """
    # Set before Ray is imported. Without the first, Ray copies the whole working folder to every worker under `uv run`.
    os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    # Ray's core warns, as of an error, of what Ray Data does by design.
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    import ray

    joined = not ray.is_initialized()
    if joined:
        _connect(address or os.environ.get("RAY_ADDRESS") or "local")
    try:
        yield dict(ray.cluster_resources())
    finally:
        if joined:
            ray.shutdown()


def _connect(address: str) -> None:
    import ray

    try:
        _knock(address)
        with _stderr_closed():
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, include_dashboard=None)
    except (OSError, ValueError, RuntimeError) as error:
        raise ConfigurationError(
            f"Cannot join the Ray cluster at {address}: {error}\n"
            "Start one with `ray start --head`, or leave out --ray-address to use this machine alone."
        ) from error
    logger.info("Ray %s, %s", ray.__version__, "a local cluster" if address == "local" else f"cluster at {address}")


@contextmanager
def _stderr_closed() -> Iterator[None]:
    """Drop what native code writes to stderr: told to be quiet, Ray's core first says that it will be."""
    if sys.stderr is None:
        # The program was started without one (`2>&-`): there is nothing to keep quiet.
        yield
        return
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _knock(address: str) -> None:
    """Raise `OSError` where nobody listens; Ray itself would go on trying for minutes."""
    place = address.removeprefix("ray://")
    host, colon, port = place.rpartition(":")
    if colon and port.isdigit():
        socket.create_connection((host, int(port)), timeout=_KNOCK_S).close()
