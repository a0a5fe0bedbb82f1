"""Join a Ray cluster, or start a local one while it is needed."""

import logging
import os
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pipeline.models import is_writable
from schemas.config import Config
from schemas.errors import ConfigurationError
from schemas.stages import Stage
from workers.actors import end_actor_ahead, start_actor_ahead
from workers.lean_cluster import lean

logger = logging.getLogger(__name__)

_CONNECT_TIMEOUT_S = 10.0


class _Connection:
    """The connection of this process, which several threads may use."""

    lock = threading.Lock()
    users = 0
    ours = False
    kept: threading.Event | None = None
    """Ends the block that has started the cluster ahead and keeps it."""


def cluster_address(setting: str | None) -> str:
    """Return the address that a setting means: if unset, that in `RAY_ADDRESS`, or else `local`."""
    return setting or os.environ.get("RAY_ADDRESS") or "local"


@contextmanager
def ray_cluster(address: str | None) -> Iterator[None]:
    """Connect to a cluster for the duration of the block.

    Args:
        address: `auto`, `host:port` or `local`; None for `RAY_ADDRESS`, or else a local cluster. If
            this process is already connected, that connection is used, and kept unless another block made it. The last
            block that ends disconnects.

    Raises:
        ConfigurationError: Nothing answers at the address, or it is one of Ray Client.
    """
    # Must be set before Ray is imported. Without the first, Ray copies the working folder to every worker in `uv run`.
    os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    # Ray's core reports, as errors, what happens by design when a worker or a node ends.
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    address = cluster_address(address)
    if address != "local":
        _use_token()
    import ray

    on_termination = signal.getsignal(signal.SIGTERM)
    with _Connection.lock:
        if not ray.is_initialized():
            _connect(address)
            _Connection.ours = True
        _Connection.users += 1
    _restore(on_termination)
    try:
        yield
    finally:
        with _Connection.lock:
            _Connection.users -= 1
            if _Connection.ours and not _Connection.users:
                _Connection.ours = False
                ray.shutdown()
            elif _Connection.kept and _Connection.users == 1:
                _Connection.kept.set()


@contextmanager
def connecting(config: Config, stages: Sequence[Stage] = (), videos: int | None = None) -> Iterator[Callable[[], None]]:
    """Start the local cluster of a run in a thread, if it has one, and keep it for the duration of the block.

    Processes of Ray and the first worker start, which takes seconds, while this process does something else. Yields
    what waits for the cluster. If it fails, `ray_cluster` tries again and says why. The thread also ends the
    cluster, which takes a second: with the block, or once another `ray_cluster` has used it, as nothing else needs it.

    Args:
        config: The whole configuration.
        stages: The stages that the first videos will need, if that is known: the first worker loads their models.
        videos: How many videos there may be, if that is known: the first worker gets more threads if there are few.
    """
    workers = config.workers
    if workers.engine != "ray" or cluster_address(workers.ray_address) != "local":
        yield lambda: None
        return
    connected, ended = threading.Event(), threading.Event()
    on_termination = signal.getsignal(signal.SIGTERM)

    def hold() -> None:
        try:
            with ray_cluster("local"):
                _Connection.kept = ended
                try:
                    start_actor_ahead(config, stages, videos)
                    connected.set()
                    ended.wait()
                finally:
                    _Connection.kept = None
                    end_actor_ahead()
        except Exception as error:  # noqa: BLE001 - Ray may raise anything, and the second try reports it
            logger.info("%s", error)
        finally:
            connected.set()

    def wait() -> None:
        connected.wait()
        _restore(on_termination)

    thread = threading.Thread(target=hold, name="cluster", daemon=True)
    thread.start()
    try:
        yield wait
    finally:
        ended.set()
        thread.join()


def _restore(on_termination: "signal._HANDLER") -> None:
    """Take SIGTERM back from Ray, which replaces its handler, in Python and in native code.

    Prefect cancels a run by this signal, and must get it. Only the main thread can set a handler.
    """
    if threading.current_thread() is threading.main_thread() and on_termination is not None:
        signal.signal(signal.SIGTERM, on_termination)


def _connect(address: str) -> None:
    import ray

    if address.startswith("ray://"):
        raise ConfigurationError(
            f"{address} is an address of Ray Client, whose runs would end with the connection. Run Videolake on a node "
            "of the cluster (for instance with `ray job submit -- videolake run …`), and give --ray-address auto."
        )
    if address == "local":
        _keep_token_without_home()
    try:
        _check_reachable(address)
        with _stderr_closed():
            _start(address)
    except Exception as error:
        if address == "local":
            raise ConfigurationError(
                f"Ray cannot start on this machine: {error}\nRun again, or do without it: --engine inline"
            ) from error
        raise ConfigurationError(
            f"Cannot join the Ray cluster at {address}: {error}\n"
            "Start one with `ray start --head`, or leave out --ray-address to use only this machine."
        ) from error
    logger.info("Ray %s, %s", ray.__version__, "a local cluster" if address == "local" else f"cluster at {address}")


def _start(address: str) -> None:
    import ray

    def init() -> None:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, include_dashboard=None)

    if address == "local":
        try:
            with lean():
                init()
        except Exception as error:  # noqa: BLE001 - Ray raises just that
            logger.info("Ray does not start without its agents (%s), so it starts with them.", error)
            ray.shutdown()
    if not ray.is_initialized():
        init()


def _keep_token_without_home() -> None:
    """Pass the token of a local cluster in the environment if Ray cannot write it to the home folder."""
    kept = Path(os.path.expanduser("~/.ray"))  # noqa: PTH111 - does not fail without a home
    given = {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "RAY_AUTH_MODE"} & os.environ.keys()
    if not given and not (kept / "auth_token").is_file() and not is_writable(kept):
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)


def _use_token() -> None:
    """Let Ray send its token, if there is one: `ray start` makes one and asks for it, but `ray.init` does not send it.

    A cluster that asks for none ignores it.
    """
    token = Path(os.path.expanduser("~/.ray")) / "auth_token"  # noqa: PTH111 - does not fail without a home
    if token.is_file() or {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & os.environ.keys():
        os.environ.setdefault("RAY_AUTH_MODE", "token")


@contextmanager
def _stderr_closed() -> Iterator[None]:
    """Discard what native code writes to stderr: Ray's core logs a line even to say that it logs nothing."""
    if sys.stderr is None:
        # The program was started without stderr (`2>&-`).
        yield
        return
    sys.stderr.flush()
    saved, devnull = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(devnull, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(devnull)


def _check_reachable(address: str) -> None:
    """Raise `OSError` if nothing listens at the address; Ray itself would keep trying for minutes."""
    host, colon, port = address.rpartition(":")
    if colon and port.isdigit():
        socket.create_connection((host, int(port)), timeout=_CONNECT_TIMEOUT_S).close()
