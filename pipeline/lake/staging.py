"""Results wait here, video by video, until their shard is committed; so a retry repeats only what was in flight."""

import uuid
from collections.abc import Mapping
from datetime import datetime

import pyarrow as pa

from pipeline.lake.layout import STAGING, checked
from pipeline.lake.parquet import write_table
from pipeline.lake.store import Store
from schemas.errors import LakeError
from schemas.tables import VIDEO_TABLES

_LAST = f"{VIDEO_TABLES[-1]}.parquet"
"""The file that is written last: with it a video is staged completely."""
_ATTEMPTS = "attempts"


class UnusableStagingError(LakeError):
    """What is staged of a shard cannot be published; its videos have to be analysed again."""


def stage(store: Store, shard: str, video_id: str, tables: Mapping[str, pa.Table]) -> None:
    """Keep one video's rows until its shard is committed.

    Args:
        store: The lake's files.
        shard: Commit that the rows belong to.
        video_id: The video.
        tables: A table for each of `VIDEO_TABLES`, as `rows.video_tables` makes them.

    Raises:
        LakeError: A table is missing, or the lake cannot be written.
    """
    if set(tables) != set(VIDEO_TABLES):
        raise LakeError(f"A video is staged with the tables {', '.join(VIDEO_TABLES)}; these are {', '.join(tables)}.")
    folder = f"{shard_folder(shard)}/{checked(video_id)}"
    # A second attempt must never be taken for complete while some of its files are of the first.
    store.remove(f"{folder}/{_LAST}")
    for name in VIDEO_TABLES:
        with store.publish(f"{folder}/{name}.parquet") as path:
            write_table(tables[name], path)


def begin_attempt(store: Store, shard: str, video_id: str, now: datetime) -> list[datetime]:
    """Note that someone begins to analyse a video, so that one that kills its workers can be told and given up.

    Args:
        store: The lake's files.
        shard: Commit that its rows will belong to.
        video_id: The video.
        now: With a time zone.

    Returns:
        When earlier attempts of the same shard began, that ended in no staged video.
    """
    folder = f"{shard_folder(shard)}/{checked(video_id)}/{_ATTEMPTS}"
    earlier = [datetime.fromisoformat(store.read(f"{folder}/{name}").decode()) for name in store.names(folder)]
    store.write(f"{folder}/{uuid.uuid4().hex}", now.isoformat().encode())
    return sorted(earlier)


def staged(store: Store, shard: str) -> set[str]:
    """Return the videos of a shard that are staged completely."""
    folder = shard_folder(shard)
    return {path.split("/", 1)[0] for path in store.tree(folder) if path.endswith(f"/{_LAST}")}


def staged_shards(store: Store) -> list[str]:
    """Return the shards that something is staged of, sorted."""
    return store.names(STAGING)


def staged_file(shard: str, video_id: str, table: str) -> str:
    """Return the path of a staged table."""
    return f"{shard_folder(shard)}/{video_id}/{table}.parquet"


def shard_folder(shard: str) -> str:
    """Return the folder where a shard's videos are staged."""
    return f"{STAGING}/{checked(shard)}"
