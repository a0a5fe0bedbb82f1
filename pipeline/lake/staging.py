"""Staging: results wait here until their shard is committed, so a retry only repeats what was in flight."""

import uuid
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.lake.layout import STAGING, checked
from pipeline.lake.parquet import write_table
from pipeline.lake.store import Store
from schemas.errors import LakeError
from schemas.tables import VIDEO_TABLES

_LAST = f"{VIDEO_TABLES[-1]}.parquet"
"""The file that is written last. Once it exists, a video is completely staged."""
_ATTEMPTS = "attempts"


class UnusableStagingError(LakeError):
    """The staged files of a shard cannot be published, and its videos must be analysed again."""


def stage(store: Store, shard: str, video_id: str, tables: Mapping[str, pa.Table]) -> None:
    """Stage the rows of one video until its shard is committed.

    Args:
        store: The lake's files.
        shard: Commit that the rows belong to.
        video_id: The video.
        tables: A table for each of `VIDEO_TABLES`, as `rows.video_tables` makes them.

    Raises:
        LakeError: A table is missing, or the lake cannot be written.
    """
    if set(tables) != set(VIDEO_TABLES):
        raise LakeError(f"A video is staged with the tables {', '.join(VIDEO_TABLES)}, not {', '.join(tables)}.")
    folder = f"{shard_folder(shard)}/{checked(video_id)}"
    # A second attempt must never look complete while some of its files are from the first.
    store.remove(f"{folder}/{_LAST}")
    for name in VIDEO_TABLES:
        with store.publish(f"{folder}/{name}.parquet") as path:
            write_table(tables[name], path)


def begin_attempt(store: Store, shard: str, video_id: str, node: str) -> tuple[str, list[str]]:
    """Note the start of an analysis, so that a video that kills its workers is detected and given up.

    Args:
        store: The lake's files.
        shard: Commit that its rows will belong to.
        video_id: The video.
        node: Id of the machine that analyses it, without a dot.

    Returns:
        The id of this attempt, and the node of each earlier one of the same shard; empty for those that are excused.
    """
    folder = _attempts(shard, video_id)
    earlier = [name.rpartition(".")[0] for name in store.names(folder)]
    attempt = f"{node}.{uuid.uuid4().hex}"
    store.write(f"{folder}/{attempt}", b"")
    return attempt, earlier


def excuse_attempt(store: Store, shard: str, video_id: str, attempt: str) -> None:
    """Note that an attempt ended for a reason other than its video."""
    folder, number = _attempts(shard, video_id), attempt.rpartition(".")[2]
    store.write(f"{folder}/.{number}", b"")
    store.remove(f"{folder}/{attempt}")


def staged_rows(store: Store, shard: str, video_id: str, table: str) -> list[dict[str, Any]] | None:
    """Return the staged rows of a video in one table; None if the video is not completely staged."""
    if not store.exists(f"{shard_folder(shard)}/{checked(video_id)}/{_LAST}"):
        return None
    with store.open(staged_file(shard, video_id, table)) as file:
        rows: list[dict[str, Any]] = pq.read_table(file).to_pylist()
    return rows


def staged(store: Store, shard: str) -> set[str]:
    """Return the videos of a shard that are completely staged."""
    folder = shard_folder(shard)
    return {path.split("/", 1)[0] for path in store.tree(folder) if path.endswith(f"/{_LAST}")}


def staged_shards(store: Store) -> list[str]:
    """Return the shards with staged files, sorted."""
    return store.names(STAGING)


def staged_file(shard: str, video_id: str, table: str) -> str:
    """Return the path of a staged table."""
    return f"{shard_folder(shard)}/{video_id}/{table}.parquet"


def _attempts(shard: str, video_id: str) -> str:
    return f"{shard_folder(shard)}/{checked(video_id)}/{_ATTEMPTS}"


def shard_folder(shard: str) -> str:
    """Return the folder in which a shard's videos are staged."""
    return f"{STAGING}/{checked(shard)}"
