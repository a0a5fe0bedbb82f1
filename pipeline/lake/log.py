"""The lake's log: which files make up the tables, one numbered entry per commit.

```
_log/00000000000000000017.json                 the 17th change (see `pipeline.lake.snapshot`)
_log/00000000000000000010-1764390000.snapshot  all files at version 10, and when it was written, in Unix time
```

A commit writes its Parquet files first, and then its entry, under the next number and only if that number is free. So
all tables change at once, and of two writers that try the same number, one must look again. To open a lake, read the
newest snapshot and the entries after it.

Entries are removed an hour after a snapshot has replaced them. A writer that was stopped for longer between reading the
log and adding to it (it would find an old number free) looks whether its entry counts.
"""

import json
import logging
import re
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pipeline.lake.layout import FIRST_FORMAT_WITH_LOG, LAKE_FORMAT, LOG, MARKER
from pipeline.lake.legacy import lake_format, legacy_snapshot, log_of
from pipeline.lake.lock import StillHeld
from pipeline.lake.snapshot import (
    EMPTY,
    Change,
    DataFile,
    Snapshot,
    change_from_json,
    change_to_json,
    snapshot_from_json,
    snapshot_to_json,
)
from pipeline.lake.store import Store
from schemas.errors import LakeError

logger = logging.getLogger(__name__)

Parsed = TypeVar("Parsed")

SNAPSHOT_EVERY = 10
"""Entries after which the log gets a new snapshot."""
KEEP_S = 3600.0
"""How long entries and files stay that newer ones have replaced."""
_ATTEMPTS = 20
_CONFLICTS = 5
_DIGITS = 20
_ENTRY_END, _SNAPSHOT_END = ".json", ".snapshot"
_ENTRY_LENGTH = _DIGITS + len(_ENTRY_END)
_SNAPSHOT = re.compile(rf"(\d{{{_DIGITS}}})-(\d+){re.escape(_SNAPSHOT_END)}")


StillFits = Callable[[Snapshot, Sequence[Change]], bool]
Propose = Callable[[Snapshot], tuple[Change, StillFits] | None]


def replaces(files: Sequence[DataFile], *, unless: Collection[str] = ("fence",)) -> StillFits:
    """Return the check of a change that removes files: they are there, and those that it adds were not removed.

    Args:
        files: The files.
        unless: Operations of other writers after which the change must be made again.
    """
    return lambda now, others: now.has(files) and not any(change.operation in unless for change in others)


class ConflictError(LakeError):
    """Another writer changed the lake at the same time. Nothing was published."""


@dataclass(frozen=True, slots=True)
class _Listing:
    version: int
    entries: list[int]
    snapshots: dict[int, str]
    """Names of the snapshots by version."""


class Log:
    """The log of one lake. Remembers the last snapshot, so that reading it again costs one listing.

    Args:
        store: The lake's files.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._known = EMPTY
        self._legacy = EMPTY
        self._format = 0
        self.still_held: StillHeld | None = None
        """Called right before each entry is written, to raise `LakeError` if the writer lock was lost."""
        self._lock = threading.Lock()

    def version(self) -> str:
        """Return a value that changes with every change of the lake, for the price of a listing."""
        if self.legacy():
            return ",".join(self.store.names("videos"))
        return str(self._list().version)

    def legacy(self) -> bool:
        """Return whether the lake has an older format, without a log."""
        if self._format < FIRST_FORMAT_WITH_LOG:
            self._format = lake_format(self.store)
        return self._format < FIRST_FORMAT_WITH_LOG

    def snapshot(self) -> Snapshot:
        """Return the newest snapshot.

        Raises:
            LakeError: An entry is damaged, or the log changes faster than it can be read.
        """
        if self.legacy():
            found = legacy_snapshot(self.store)
            if self.legacy():
                # The same one as long as nothing changes, so that queries can share an engine.
                self._legacy = self._legacy if found == self._legacy else found
                return self._legacy
        for _ in range(_ATTEMPTS):
            listing = self._list()
            known = self._known
            if listing.version == known.version:
                return known
            try:
                found = self._read(listing, known)
            except FileNotFoundError:
                continue  # a newer snapshot has replaced the entry
            with self._lock:
                if self._known is known or found.version > self._known.version:
                    self._known = found
                return self._known
        raise LakeError(f"The log of the lake {self.store.uri} changes faster than it can be read. Try later.")

    def last(self) -> Snapshot:
        """Return the snapshot that was last read or written here."""
        return self._known

    def publish(self, propose: Propose) -> Change | None:
        """Make a change from the newest snapshot and append it. If others were faster, do both again.

        Args:
            propose: Writes the files of the change, and returns it with the check for `append`. None if there is
                nothing to do.

        Returns:
            The change that was published.

        Raises:
            ConflictError: Others were faster several times.
            LakeError: The lake cannot be written, or the writer lock was lost.
        """
        for attempt in range(1, _CONFLICTS + 1):
            snapshot = self.snapshot()
            proposed = propose(snapshot)
            if proposed is None:
                return None
            change, still_fits = proposed
            try:
                self.append(snapshot, change, still_fits)
            except ConflictError:
                self.store.remove_files([file.path for file in change.added])
                if attempt == _CONFLICTS:
                    raise
                logger.info("Another writer changes the lake %s. Trying again: %s", self.store.uri, change.operation)
            else:
                return change
        raise AssertionError("unreachable")

    def append(self, base: Snapshot, change: Change, still_fits: StillFits) -> Snapshot:
        """Publish a change.

        Args:
            base: Snapshot that the change was made from.
            change: The change. Its files are written.
            still_fits: If others were faster, called with the snapshot after their changes, and those changes: whether
                this change is still right.

        Returns:
            The snapshot after the change.

        Raises:
            ConflictError: The change does not fit any more.
            LakeError: The lake cannot be written, or the writer lock was lost.
        """
        content = change_to_json(change)
        current, others = base, list[Change]()
        while True:
            # Looked at right before, because the base may be older than what the log keeps.
            looked_at = time.time()
            newer = self._changes_since(current.version)
            if newer:
                others += newer
                current = current.after(newer, current.version + len(newer))
            if newer and not still_fits(current, others):
                raise ConflictError(f"Another writer has changed the lake {self.store.uri} at the same time.")
            if self.still_held:
                self.still_held()
            if self._written(current.version + 1, content, change.id):
                break
        if time.time() - looked_at > KEEP_S / 2 and not self._counts(change):
            raise ConflictError(f"Writing to the lake {self.store.uri} was interrupted for too long.")
        after = current.after([change], current.version + 1)
        with self._lock:
            self._known = max(self._known, after, key=lambda each: each.version)
        if after.version % SNAPSHOT_EVERY == 0:
            self._shorten(after)
        return after

    def upgrade(self) -> None:
        """Give a lake of an older format its log, and the newest format. The caller is the only writer."""
        if self.legacy():
            first = log_of(self.store)
            self.store.remove_folder(LOG)
            self.store.write(_entry(1), change_to_json(first))
        if self._format < LAKE_FORMAT:
            self.store.write(MARKER, json.dumps({"format": LAKE_FORMAT}).encode())
            self._format = LAKE_FORMAT

    def _changes_since(self, version: int) -> list[Change]:
        try:
            return [self._change(each) for each in range(version + 1, self._list().version + 1)]
        except FileNotFoundError as error:
            raise ConflictError(f"Others have changed the lake {self.store.uri} many times meanwhile.") from error

    def _written(self, version: int, content: bytes, identifier: str) -> bool:
        """Write an entry, and return whether it is this one that has the number."""
        if self.store.write_new(_entry(version), content):
            return True
        try:
            # An earlier try may have arrived although its answer was lost.
            return self._change(version).id == identifier
        except FileNotFoundError:
            return False

    def _counts(self, change: Change) -> bool:
        """Return whether a change is certainly part of the lake, because it adds files and they are."""
        return bool(change.added) and self.snapshot().has(change.added)

    def _shorten(self, snapshot: Snapshot) -> None:
        """Write a snapshot, so that readers need no earlier entries, and remove what one has replaced for long."""
        try:
            listing = self._list()
            self.store.write(
                f"{LOG}/{snapshot.version:0{_DIGITS}}-{int(time.time())}{_SNAPSHOT_END}", snapshot_to_json(snapshot)
            )
            old = [version for version, name in listing.snapshots.items() if _age_s(name) > KEEP_S]
            last = max(old, default=0)
            names = [_entry(version) for version in listing.entries if version <= last]
            names += [f"{LOG}/{name}" for version, name in listing.snapshots.items() if version < last]
            self.store.remove_files(names)
        except (LakeError, OSError) as error:
            # The entry is written, so the change counts. A later one writes the next snapshot.
            logger.warning("Cannot shorten the log of the lake %s: %s", self.store.uri, error)

    def _list(self) -> _Listing:
        entries, snapshots = list[int](), dict[int, str]()
        for name in self.store.names(LOG):
            if name.endswith(_SNAPSHOT_END):
                if snapshot := _SNAPSHOT.fullmatch(name):
                    snapshots[int(snapshot[1])] = name
            elif len(name) == _ENTRY_LENGTH and name.endswith(_ENTRY_END) and name[:_DIGITS].isdecimal():
                entries.append(int(name[:_DIGITS]))  # there may be thousands, and each commit lists them
        return _Listing(max([0, *entries, *snapshots]), entries, snapshots)

    def _read(self, listing: _Listing, known: Snapshot) -> Snapshot:
        start = known if known.version < listing.version else EMPTY  # another lake took its place
        newest = max(listing.snapshots, default=0)
        if newest > start.version:
            content = self.store.read(f"{LOG}/{listing.snapshots[newest]}")
            start = self._parsed(lambda: snapshot_from_json(content, newest), listing.snapshots[newest])
        # Listings may miss an entry that was just written, but numbers have no gaps.
        changes = [self._change(version) for version in range(start.version + 1, listing.version + 1)]
        return start.after(changes, listing.version)

    def _change(self, version: int) -> Change:
        content = self.store.read(_entry(version))
        return self._parsed(lambda: change_from_json(content), _entry(version))

    def _parsed(self, parse: Callable[[], Parsed], name: str) -> Parsed:
        try:
            return parse()
        except (ValueError, KeyError, TypeError) as error:
            raise LakeError(f"{name} in the lake {self.store.uri} is damaged: {error}") from error


def _entry(version: int) -> str:
    return f"{LOG}/{version:0{_DIGITS}}{_ENTRY_END}"


def _age_s(snapshot_name: str) -> float:
    found = _SNAPSHOT.fullmatch(snapshot_name)
    return time.time() - int(found[2]) if found else 0.0
