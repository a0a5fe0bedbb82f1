"""Clean up before a run: publish what a killed run had finished, and remove what it left unfinished."""

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
    """What a clean-up did."""

    videos_published: int
    """Videos that an earlier run had analysed but not published."""
    files_removed: int
    """Files of tables that no video referred to."""


def clean(store: Store) -> Cleaned:
    """Finish or undo the work of killed writers. Nothing that readers see is changed.

    All staged videos are published, whatever run they were part of. Rows have the time when they were made, so they
    never supersede newer ones. The caller must hold the lock, because everything found here counts as left over.
    """
    store.remove_folder(TEMPORARY)
    finish_compactions(store)
    published = sum(_publish_leftovers(store, shard) for shard in staged_shards(store))
    cleaned = Cleaned(published, _remove_orphans(store))
    if cleaned != Cleaned(0, 0):
        logger.info("Cleaned up after an earlier run: %s", cleaned)
    return cleaned


def finish_compactions(store: Store) -> None:
    """Remove the files that published compacted files replace, and then the notes about them."""
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
        # It would stop every later run. Its videos are not in the lake, so the next run analyses them.
        logger.warning("Dropped the staged files of shard %s: %s", shard, error)
    store.remove_folder(shard_folder(shard))
    return 0


def _revision_of(store: Store, path: str) -> str:
    try:
        with store.parquet(path) as file:
            return str(file.read(columns=["revision"]).column(0)[0].as_py())
    except pa.ArrowInvalid as error:
        raise UnusableStagingError(f"{path} is damaged: {error}") from error


def _remove_orphans(store: Store) -> int:
    """Remove files of shards without a row in `videos`: those of unfinished commits, or emptied by compaction."""
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
