"""Clean up before a run: publish what a killed run had finished, and remove what it left unfinished."""

import logging
import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

import pyarrow as pa

from pipeline.lake.commit import commit, committed_videos
from pipeline.lake.layout import REPLACED, TEMPORARY
from pipeline.lake.legacy import COMPACTIONS
from pipeline.lake.log import KEEP_S, ConflictError, Log
from pipeline.lake.snapshot import Change
from pipeline.lake.staging import StagingError, open_staged, shard_folder, staged, staged_shards
from pipeline.lake.store import Store
from schemas.tables import TABLE_NAMES

logger = logging.getLogger(__name__)

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What a clean-up did."""

    videos_published: int
    """Videos that an earlier run had analysed but not published."""
    files_removed: int
    """Files of tables that were not part of the lake."""


def clean(log: Log) -> Cleaned:
    """Finish or undo the work of killed writers. Nothing that readers see is changed.

    All staged videos are published, whatever run they were part of. Rows have the time when they were made, so they
    never supersede newer ones. The caller must hold the lock, because everything found here counts as left over.
    """
    store = log.store
    store.remove_folder(TEMPORARY)
    published = sum(_publish_leftovers(log, shard) for shard in staged_shards(store))
    cleaned = Cleaned(published, remove_orphans(log))
    forget_replaced(store)
    if cleaned != Cleaned(0, 0):
        logger.info("Cleaned up after an earlier run: %s", cleaned)
    return cleaned


def set_aside(store: Store, files: list[str]) -> None:
    """Move files that are no longer part of the lake out of its tables. Readers of older snapshots still find them.

    Args:
        store: The lake's files.
        files: Their paths in the lake.
    """
    folder = f"{REPLACED}/{int(time.time())}"
    for path in files:
        store.move(path, f"{folder}/{path}")


def forget_replaced(store: Store) -> None:
    """Remove the files that were set aside more than an hour ago."""
    for name in store.names(REPLACED):
        if name.isdecimal() and time.time() - int(name) > KEEP_S:  # others put files of their own everywhere
            store.remove_folder(f"{REPLACED}/{name}")


def _publish_leftovers(log: Log, shard: str) -> int:
    store = log.store
    with open_staged(store, shard, staged(store, shard) - log.snapshot().forgotten) as found:
        revisions = Counter(video.revision for video in found)
        ids = {video.video_id for video in found}
    known = committed_videos(store, log.snapshot(), shard) & ids
    published = 0
    if ids - known:
        revision = revisions.most_common(1)[0][0]
        published = _commit_what_fits(log, shard, revision, ids) - len(known)
    # What is left are half-written objects, notes about attempts, and the files of older versions.
    store.remove_folder(shard_folder(shard))
    return published


def _commit_what_fits(log: Log, shard: str, revision: str, videos: set[str]) -> int:
    try:
        return commit(log, shard, revision, videos)
    except StagingError as error:
        usable = videos - error.missing
        return commit(log, shard, revision, usable) if usable else 0


def remove_orphans(log: Log, *, keep: bool = True) -> int:
    """Remove files that are not part of the lake: those of unfinished commits, or replaced by others.

    Args:
        log: The lake's log.
        keep: Set them aside for readers of older snapshots, instead of deleting them at once. Those that hold rows of
            forgotten videos, as writers leave them that were stopped meanwhile, are always deleted.

    Returns:
        Their number.
    """
    store = log.store
    for attempt in range(1, _ATTEMPTS + 1):
        snapshot = log.snapshot()
        orphans = [
            f"{table}/{name}"
            for table in TABLE_NAMES
            for name in store.names(table)
            if name.endswith(".parquet") and name not in snapshot.files[table]
        ]
        try:
            if orphans:
                # Another writer may be about to publish them. After this entry it cannot, and makes its commit again.
                log.append(snapshot, Change("fence"), lambda *_: False)
        except ConflictError:
            if attempt == _ATTEMPTS:
                raise
        else:
            forgotten = snapshot.forgotten
            kept = [path for path in orphans if keep and not _holds(store, path, forgotten)]
            set_aside(store, kept)
            store.remove_files(sorted(set(orphans) - set(kept)))
            store.remove_folder(COMPACTIONS)
            return len(orphans)
    raise AssertionError("unreachable")


def _holds(store: Store, path: str, videos: Collection[str]) -> bool:
    """Return whether a file may have rows of some videos."""
    if not videos or path.startswith("forgotten/"):
        return False
    try:
        with store.parquet(path) as file:
            if "video_id" not in file.schema_arrow.names:
                return False
            return not set(videos).isdisjoint(file.read(columns=["video_id"])["video_id"].to_pylist())
    except (pa.ArrowException, OSError):
        return True
