"""The lease of a lake's writer on an object store.

```
_leases/<number>.json   who holds the lease of this number, and how often it was renewed
```

A writer takes the lease by creating the file of the next number, with a put that fails if the file exists
(`If-None-Match: *` on S3, `ifGenerationMatch=0` on GCS, `If-None-Match: *` on Azure). While it runs, it writes its
file again every few seconds. The highest number holds the lease until its file says that it was released, or has not
changed for a while. That is measured by the one who wants the lease, with its own clock: the clocks of two machines
are never compared.

A writer may lose its lease: its machine slept, or the network was gone. It finds a higher number when it looks, and it
looks before each commit. A commit may then take until the lease could expire. Whoever takes a lease over looks
once more at the old file afterwards, and withdraws if it has changed: so either the old writer sees the higher number,
or the new one sees the old writer's sign of life.

A file that vanishes while somebody looks at it was withdrawn. It says nothing about those with lower numbers, nor about
its own, which may be taken again, so who wanted the lease begins anew.

Arrow's clients have no conditional put. With them, the file is `<number>-<token>.json`, and whoever sees another file
of its number or a higher one withdraws. This needs listings that show every finished put, which S3, GCS and Azure have.
"""

import json
import logging
import os
import random
import re
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Self

from pipeline.lake.layout import LEASES
from pipeline.lake.store import Store
from schemas.errors import LakeError, LostLeaseError

logger = logging.getLogger(__name__)

HEARTBEAT_S = 5.0
"""Time between two renewals."""
EXPIRY_S = 90.0
"""A lease that was not renewed for so long may be taken over."""
_POLL_S = 1.0
_ATTEMPTS = 5
_NAME = re.compile(r"\d{10}(-[0-9a-f]{32})?\.json")


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that writes a lake."""

    pid: int | None
    host: str | None
    since: str | None
    """ISO 8601, in UTC."""
    brief: bool = False
    """Whether it will have finished in a moment, so that others wait for it."""

    @classmethod
    def this_process(cls, *, brief: bool = False) -> Self:
        """Return this process."""
        return cls(os.getpid(), socket.gethostname(), datetime.now(UTC).isoformat("T", "seconds"), brief)

    @classmethod
    def unknown(cls) -> Self:
        """Return a process of which nothing is known."""
        return cls(None, None, None)

    @classmethod
    def from_json(cls, content: bytes) -> Self:
        """Read a note of a holder; an unreadable one is of an unknown holder."""
        try:
            note = json.loads(content)
            return cls(int(note["pid"]), str(note["host"]), str(note["since"]), bool(note.get("brief")))
        except (ValueError, KeyError, TypeError):
            return cls.unknown()

    def as_dict(self) -> dict[str, Any]:
        """Return the fields of the note."""
        return asdict(self)

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} since {self.since}" if self.pid else "another process"

    def refusal(self, uri: str) -> LakeError:
        """Return the error for a second writer."""
        return LakeError(
            f"The lake {uri} is being written by {self}. A lake has one writer at a time: wait until it has finished, "
            "or stop it."
        )


@contextmanager
def hold_lease(
    store: Store, *, single_writer: bool = False, waiting: Callable[[str], None] = logger.warning
) -> Iterator[Callable[[], None]]:
    """Hold the lease of a lake on an object store.

    Args:
        store: The lake's files.
        single_writer: Go on without a lease if the store cannot provide one.
        waiting: Called with a message if another writer may hold the lease, which takes a while to find out.

    Yields:
        A check that raises `LakeError` if the lease was lost.

    Raises:
        LakeError: Another writer holds the lease, or the store cannot provide one.
    """
    try:
        lease = _acquire(store, waiting)
    except _UnsupportedError as error:
        if not single_writer:
            raise LakeError(
                f"The store of the lake {store.uri} cannot refuse a second writer, because {error}, and two writers "
                "would lose results. If no two runs write this lake at the same time, set lake.single_writer = true "
                "(or the variable VIDEOLAKE_LAKE__SINGLE_WRITER=true)."
            ) from error
        yield lambda: None
        return
    stop = threading.Event()
    heart = threading.Thread(target=lease.keep, args=(stop,), name="lease", daemon=True)
    heart.start()
    try:
        yield lease.check
    finally:
        stop.set()
        heart.join(HEARTBEAT_S)
        lease.release()


class _Lease:
    """A lease that this process has taken."""

    def __init__(self, store: Store, name: str, token: str) -> None:
        # The heartbeat must not outlast the run, which may be more patient.
        self._store, self._patient = copy(store), store
        self.name = name
        self.path = f"{LEASES}/{name}"
        self._note = Holder.this_process().as_dict() | {"token": token, "expiry_s": EXPIRY_S}
        self._beats = 0
        self._released = False
        self._lock = threading.Lock()
        self._renewed_at = _now()

    def content(self) -> bytes:
        """Return the content of the file, different each time."""
        self._beats += 1
        return json.dumps(self._note | {"beats": self._beats, "released": self._released}).encode()

    def keep(self, stop: threading.Event) -> None:
        """Renew the lease until told to stop."""
        failing = False
        while not stop.wait(HEARTBEAT_S):
            try:
                self.renew()
                failing = False
            except Exception as error:  # noqa: BLE001 - whatever a store's client raises; the next beat tries again
                if not failing:
                    logger.warning("The lease of the lake cannot be renewed now: %s", error)
                failing = True

    def renew(self, store: Store | None = None) -> None:
        """Show that this process is alive.

        Args:
            store: The lake's files, for a caller who is more patient than the heartbeat.
        """
        with self._lock:
            if self._released:
                return  # a heartbeat that comes late must not take the lease back
            started = _now()
            (store or self._store).write(self.path, self.content())
            self._renewed_at = started

    def check(self) -> None:
        """Return if no other writer can have taken the lease.

        Raises:
            LostLeaseError: Another writer has taken it.
            LakeError: The store cannot be reached.
        """
        # One clock may stand still while the machine sleeps; the other may be set back.
        if max(now - then for now, then in zip(_now(), self._renewed_at, strict=True)) > 2 * HEARTBEAT_S:
            self.renew(self._patient)
        names = _names(self._patient)
        if self.name in names and _number(self.name) == _number(names[-1]):
            return
        other = _read(self._patient, names[-1]) if names else None
        raise LostLeaseError(
            f"This process lost its lease on the lake {self._store.uri}, because it gave no sign of life for "
            f"{EXPIRY_S:.0f} s, and {Holder.from_json(other or b'')} took it over. Nothing more was written. Run again "
            "when that has finished: what was staged is not lost."
        )

    def release(self) -> None:
        """Let the next writer in at once."""
        try:
            with self._lock:  # a heartbeat that is on its way arrives first
                self._released = True
                self._store.write(self.path, self.content())
        except LakeError as error:
            logger.warning("The lease of the lake ends in %.0f s, not now: %s", EXPIRY_S, error)


class _UnsupportedError(Exception):
    """The store cannot refuse a second writer. The message says why."""


def _acquire(store: Store, waiting: Callable[[str], None] = logger.warning) -> _Lease:
    """Take the lease.

    Raises:
        LakeError: Another writer holds it.
        _UnsupportedError: The store cannot provide one.
    """
    for _ in range(_ATTEMPTS):
        before = _names(store)
        newest = before[-1] if before else None
        seen = _watch(store, newest, waiting) if newest else None
        withdrawn = newest is not None and seen is None
        lease = None if withdrawn else _claim(store, _number(newest) + 1 if newest else 1)
        if lease:
            if newest is None or _read(store, newest) == seen:
                for name in before:
                    store.remove(f"{LEASES}/{name}")
                return lease
            store.remove(lease.path)
        time.sleep(random.uniform(0, _POLL_S))  # noqa: S311 - not for secrets
    raise Holder.unknown().refusal(store.uri)


def _watch(store: Store, name: str, waiting: Callable[[str], None]) -> bytes | None:
    """Return the content of a lease's file once nobody holds the lease; None if the file has vanished.

    Raises:
        LakeError: Its holder is alive.
    """
    first = content = _read(store, name)
    expiry_s = _expiry_s(first)
    started = time.monotonic()
    while content and not _is_released(content):
        if content != first:
            raise Holder.from_json(content).refusal(store.uri)
        if time.monotonic() - started > expiry_s:
            logger.warning("Took over the lease of %s on %s", Holder.from_json(content), store.uri)
            break
        if content is first:
            waiting(
                f"The lake {store.uri} is held by {Holder.from_json(content)}. Waiting up to {expiry_s:.0f} s to see "
                "whether it is alive."
            )
        time.sleep(_POLL_S)
        content = _read(store, name)
    return content


def _claim(store: Store, number: int) -> _Lease | None:
    """Create the file of a number; return None if another writer was faster.

    Raises:
        _UnsupportedError: The store cannot do it.
    """
    token = uuid.uuid4().hex
    if store.conditional:
        lease = _Lease(store, f"{number:010}.json", token)
        try:
            if not store.create(lease.path, lease.content()):
                return None
            ignores = store.create(lease.path, lease.content())
        except (NotImplementedError, TypeError, ValueError) as error:
            raise _UnsupportedError(f"its client has no conditional put ({error})") from error
        if ignores:
            store.remove(lease.path)
            raise _UnsupportedError("it ignores the condition of a conditional put")
    else:
        lease = _Lease(store, f"{number:010}-{token}.json", token)
        store.write(lease.path, lease.content())
    if [name for name in _names(store) if _number(name) >= number and name != lease.name]:
        store.remove(lease.path)
        return None
    return lease


def _now() -> tuple[float, float]:
    return time.monotonic(), time.time()


def _names(store: Store) -> list[str]:
    """Return the names of the leases' files, the highest number last."""
    return [name for name in store.names(LEASES) if _NAME.fullmatch(name)]


def _number(name: str) -> int:
    return int(name[:10])


def _read(store: Store, name: str) -> bytes | None:
    try:
        return store.read(f"{LEASES}/{name}")
    except FileNotFoundError:
        return None


def _is_released(content: bytes) -> bool:
    return bool(_field(content, "released"))


def _expiry_s(content: bytes | None) -> float:
    """Return the expiry that the holder goes by, which may be another version's."""
    stated = _field(content or b"", "expiry_s")
    return max(EXPIRY_S, float(stated)) if isinstance(stated, int | float) else EXPIRY_S


def _field(content: bytes, name: str) -> object:
    try:
        return json.loads(content).get(name)
    except (ValueError, AttributeError):
        return None
