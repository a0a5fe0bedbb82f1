"""Put a lake in order before a run: publish what a killed run had finished, remove what it left half done."""

import logging
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.lake.commit import commit, committed_videos
from pipeline.lake.layout import COMPACTIONS, TEMPORARY, shard_of
from pipeline.lake.snapshot import notes
from pipeline.lake.staging import UnusableStagingError, shard_folder, staged, staged_file, staged_shards
from pipeline.lake.store import Store
from schemas.tables import VIDEO_TABLES

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What was found and put in order."""

    videos_published: int
    """Videos that an earlier run had analysed but not published."""
    files_removed: int
    """Table files that no video referred to."""


def clean(store: Store) -> Cleaned:
    """Finish or undo what earlier writers left; nothing that a reader may read is changed.

    Staged videos are published, whatever run or plan they were part of; rows carry the time when they were made, so
    they never supersede newer ones. Needs the lock: it takes everything it finds for left over.
    """
    store.remove_folder(TEMPORARY)
    finish_compactions(store)
    published = sum(_publish_leftovers(store, shard) for shard in staged_shards(store))
    cleaned = Cleaned(published, _remove_orphans(store))
    if cleaned != Cleaned(0, 0):
        logger.info("Put in order what an earlier run left: %s", cleaned)
    return cleaned


def finish_compactions(store: Store) -> None:
    """Remove the files for which a published compacted file stands, and then the notes about them."""
    for replacement in notes(store):
        if store.exists(f"{replacement.table}/{replacement.by}"):
            for name in replacement.replaced:
                store.remove(f"{replacement.table}/{name}")
    for name in store.names(COMPACTIONS):
        store.remove(f"{COMPACTIONS}/{name}")


def _publish_leftovers(store: Store, shard: str) -> int:
    videos = sorted(staged(store, shard))
    try:
        if videos:
            revision = _revision_of(store, staged_file(shard, videos[0], "videos"))
            if committed_videos(store, shard, revision) is None:
                return commit(store, shard, revision)
    except UnusableStagingError as error:
        # It would stop every run to come; its videos are not in the lake, so the next one analyses them.
        logger.warning("Dropped what was staged of shard %s: %s", shard, error)
    store.remove_folder(shard_folder(shard))
    return 0


def _revision_of(store: Store, path: str) -> str:
    try:
        with store.parquet(path) as file:
            return str(file.read(columns=["revision"]).column(0)[0].as_py())
    except pa.ArrowInvalid as error:
        raise UnusableStagingError(f"{path} is damaged: {error}") from error


def _remove_orphans(store: Store) -> int:
    """Remove files of shards without a row in `videos`: of unfinished commits, and of those that compaction emptied."""
    published = set(store.names("videos"))
    suspects = {
        (table, name)
        for table in VIDEO_TABLES
        for name in set(store.names(table)) - published
        if shard_of(name) is not None
    }
    if suspects:
        known = _compacted_shards(store)
        suspects = {(table, name) for table, name in suspects if shard_of(name) not in known}
    for table, name in sorted(suspects):
        store.remove(f"{table}/{name}")
    return len(suspects)


def _compacted_shards(store: Store) -> set[str]:
    shards: set[str] = set()
    for name in store.names("videos"):
        if shard_of(name) is None:
            with store.parquet(f"videos/{name}") as file:
                shards.update(pc.unique(file.read(columns=["shard"]).column(0)).to_pylist())
    return shards
