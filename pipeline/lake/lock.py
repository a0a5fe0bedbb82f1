"""The writer lock of a lake. A lake has one writer at a time, and any number of readers.

On local disk the system holds the lock and releases it when the process ends, in whatever way. Object stores have no
locks: there the writer holds a lease (see `pipeline.lake.lease`).
"""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from pipeline.lake.layout import LOCK, LOCK_INFO
from pipeline.lake.lease import Holder, hold_lease
from pipeline.lake.store import Store
from schemas.errors import LakeError

logger = logging.getLogger(__name__)

_BRIEF_S = 30.0
"""How long to wait for a writer that holds the lock for a moment only. On object stores, all writers wait as long."""

StillHeld = Callable[[], None]
"""Raises `LakeError` if the lock was lost. Call it right before each step that readers or other writers can see."""


@contextmanager
def writer_lock(
    store: Store,
    *,
    single_writer: bool = False,
    brief: bool = False,
    waiting: Callable[[str], None] = logger.warning,
) -> Iterator[StillHeld]:
    """Hold the writer lock.

    Args:
        store: The lake's files.
        single_writer: Write without a lock where the store cannot provide one (see `lake.single_writer`).
        brief: Whether it is held for a moment only. Others then wait for it.
        waiting: Called with a message if it takes a while to see whether another writer is alive.

    Yields:
        A check that the lock is still held.

    Raises:
        LakeError: Another process holds it; the message says which.
    """
    if store.local:
        with _file_lock(store, brief=brief):
            yield lambda: None
    else:
        with hold_lease(store, single_writer=single_writer, waiting=waiting) as still_held:
            yield still_held


@contextmanager
def _file_lock(store: Store, *, brief: bool) -> Iterator[None]:
    lock = FileLock(store.path(LOCK), timeout=0, thread_local=False)
    try:
        try:
            lock.acquire()
        except Timeout:
            if not _holder(store).brief:
                raise
            lock.acquire(timeout=_BRIEF_S)
    except Timeout as error:
        raise _holder(store).refusal(store.uri) from error
    except OSError as error:
        raise LakeError(f"The lake {store.uri} cannot be locked for writing: {error}") from error
    try:
        store.write(LOCK_INFO, json.dumps(Holder.this_process(brief=brief).as_dict()).encode())
        yield
    finally:
        # Release the lock even if the note cannot be removed.
        try:
            store.remove(LOCK_INFO)
        finally:
            lock.release()


def _holder(store: Store) -> Holder:
    try:
        return Holder.from_json(store.read(LOCK_INFO))
    except FileNotFoundError:
        return Holder.unknown()
