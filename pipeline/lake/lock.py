"""The writer lock of a lake on local disk. Object stores have no locks: run one writer at a time there."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from filelock import FileLock, Timeout

from pipeline.lake.layout import LOCK, LOCK_INFO
from pipeline.lake.store import Store
from schemas.errors import LakeError


@contextmanager
def writer_lock(store: Store) -> Iterator[None]:
    """Hold the writer lock. The system releases it when the process ends, in whatever way.

    Raises:
        LakeError: Another process holds it; the message says which.
    """
    if not store.local:
        yield
        return
    lock = FileLock(store.path(LOCK), timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise LakeError(
            f"The lake {store.uri} is being written {_holder(store)}. Wait until it has finished."
        ) from error
    except OSError as error:
        raise LakeError(f"The lake {store.uri} cannot be locked for writing: {error}") from error
    try:
        info = {"pid": os.getpid(), "host": socket.gethostname(), "since": datetime.now(UTC).isoformat("T", "seconds")}
        store.write(LOCK_INFO, json.dumps(info).encode())
        yield
    finally:
        # Release the lock even if the note cannot be removed.
        try:
            store.remove(LOCK_INFO)
        finally:
            lock.release()


def _holder(store: Store) -> str:
    try:
        info = json.loads(store.read(LOCK_INFO))
    except (FileNotFoundError, ValueError):
        return "by another process"
    return f"by process {info['pid']} on {info['host']} since {info['since']}"
