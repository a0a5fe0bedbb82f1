"""What the processes of a test run share: what is made once, and servers that run while one of them needs it."""

import fcntl
import os
import pickle
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
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
    tmp_path_factory: pytest.TempPathFactory, name: str, start: Callable[[], AbstractContextManager[Made]]
) -> Iterator[Made]:
    """Yield what the context manager of `start` yields; only the first process enters it, and it leaves last.

    Args:
        tmp_path_factory: The fixture of pytest.
        name: Names the server.
        start: Yields something that can be pickled, such as an address.
    """
    made = run_folder(tmp_path_factory) / f"{name}.pickle"
    lock = FileLock(made.with_suffix(".lock"))
    with made.with_suffix(".users").open("w") as users, ExitStack() as server:
        with lock:
            first = not made.exists()
            if first:
                made.write_bytes(pickle.dumps(server.enter_context(start())))
            fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield pickle.loads(made.read_bytes())
        finally:
            fcntl.flock(users, fcntl.LOCK_UN)
            if first:
                with lock:
                    fcntl.flock(users, fcntl.LOCK_EX)  # when the others have left
                    made.unlink()
