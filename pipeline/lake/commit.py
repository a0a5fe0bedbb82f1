"""Publish a shard: merge its staged files into one file per table, `videos` last.

Readers see a shard's rows once its `videos` file exists. Until then a commit may be killed at any point and started
again: the same staged files give the same names, so it overwrites its own unfinished work. After that it only removes
the staged files.
"""

import logging
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.lake.layout import is_compact, shard_file
from pipeline.lake.lock import StillHeld
from pipeline.lake.parquet import merge, row_groups
from pipeline.lake.staging import UnusableStagingError, shard_folder, staged, staged_file
from pipeline.lake.store import Store
from schemas.errors import LakeError
from schemas.tables import VIDEO_TABLES

logger = logging.getLogger(__name__)


def commit(store: Store, shard: str, revision: str, still_held: StillHeld = lambda: None) -> int:
    """Publish the staged videos of a shard. Repeating it changes nothing.

    Args:
        store: The lake's files.
        shard: The commit, with the name under which its videos were staged.
        revision: Revision of its rows.
        still_held: Check that the writer lock is still held.

    Returns:
        Number of videos of the shard in the lake, including failed ones.

    Raises:
        LakeError: Nothing is staged for the shard, the lock was lost, or the lake cannot be written.
        UnusableStagingError: The staged files are damaged or do not belong together.
    """
    published = committed_videos(store, shard, revision)
    if published is None:
        videos = sorted(staged(store, shard))
        if not videos:
            raise LakeError(
                f"Nothing is staged for the shard {shard}, so it cannot be committed to the lake {store.uri}."
            )
        for table in VIDEO_TABLES:
            if table == VIDEO_TABLES[-1]:
                still_held()
            published = _publish(store, table, shard=shard, revision=revision, videos=videos)
        logger.info("Committed shard %s: %d videos", shard, published, extra={"shard": shard, "videos": published})
    store.remove_folder(shard_folder(shard))
    return published or 0


def committed_videos(store: Store, shard: str, revision: str) -> int | None:
    """Return the number of videos of a shard in the lake; None if it was never committed."""
    name = shard_file(revision, shard)
    if store.exists(f"videos/{name}"):
        with store.parquet(f"videos/{name}") as file:
            return int(file.metadata.num_rows)
    count = 0
    for compacted in (each for each in store.names("videos") if is_compact(each)):
        with store.parquet(f"videos/{compacted}") as file:
            shards = file.read(columns=["shard"]).column(0)
        count += int(pc.sum(pc.equal(shards, shard), min_count=0).as_py())
    return count or None


def _publish(store: Store, table: str, *, shard: str, revision: str, videos: Sequence[str]) -> int:
    try:
        schema = store.schema(staged_file(shard, videos[0], table))
        with store.publish(f"{table}/{shard_file(revision, shard)}") as path:
            rows = (
                rows
                for video_id in videos
                for rows in _staged_rows(store, staged_file(shard, video_id, table), schema, revision)
            )
            return merge(rows, path, schema)
    except pa.ArrowInvalid as error:
        raise UnusableStagingError(
            f"A staged file of the table {table} in shard {shard} is damaged: {error}"
        ) from error


def _staged_rows(store: Store, staged_path: str, schema: pa.Schema, revision: str) -> Iterator[pa.Table]:
    with store.parquet(staged_path) as file:
        if not file.schema_arrow.equals(schema):
            raise UnusableStagingError(f"{staged_path} has different columns from the rest of its shard.")
        for rows in row_groups(file):
            if pc.any(pc.not_equal(rows["revision"], revision)).as_py():
                raise UnusableStagingError(f"{staged_path} has rows of another revision than {revision}.")
            yield rows
