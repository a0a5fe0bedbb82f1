"""What the processes of a test run share: what is made once, and servers that run while one of them needs it."""

import fcntl
import os
import pickle
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import pytest
from filelock import FileLock

Made = TypeVar("Made")


def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that all processes of this run share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


def made_once(tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Made]) -> Made:
    """Return what `make` returns for an empty folder; only the first process calls it.

    Args:
        tmp_path_factory: The fixture of pytest.
        name: Name of the folder.
        make: Returns something that can be pickled. Tests only read it.
    """
    folder = run_folder(tmp_path_factory) / name
    made = folder.with_suffix(".pickle")
    with FileLock(folder.with_suffix(".lock")):
        if not made.exists():
            folder.mkdir()
            made.write_bytes(pickle.dumps(make(folder)))
    found: Made = pickle.loads(made.read_bytes())
    return found


@contextmanager
def running_once(
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    start: Callable[[], tuple[Made, subprocess.Popen[bytes]]],
) -> Iterator[Made]:
    """Yield what `start` returns beside its server; only the first process calls it, and the last kills the server.

    No process waits for another to leave, so they cannot wait for each other. The system counts them (`flock`), so one
    that has crashed does not count.

    Args:
        tmp_path_factory: The fixture of pytest.
        name: Names the server.
        start: Returns something that can be pickled, such as an address, and the process of the server.
    """
    made = run_folder(tmp_path_factory) / f"{name}.pickle"
    lock = FileLock(made.with_suffix(".lock"))
    with made.with_suffix(".users").open("w") as users:
        with lock:
            if not made.exists():
                found, server = start()
                made.write_bytes(pickle.dumps((found, server.pid)))
            fcntl.flock(users, fcntl.LOCK_SH)
        found, pid = pickle.loads(made.read_bytes())
        try:
            yield found
        finally:
            with lock, suppress(BlockingIOError, ProcessLookupError):  # the second if it has died by itself
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)  # refused while others use it
                made.unlink()
                os.kill(pid, signal.SIGKILL)
