"""Compaction: merge many small files into few large ones, without superseded rows.

Files of one table, revision and schema are grouped into bins. Each bin becomes one file, which replaces the others in
one entry of the log. Rows keep their `shard`. Replaced files leave the folder of the table at once, and stay in
`_replaced` for another hour, for readers of older snapshots.

After commits, `compact_if_due` merges files of similar size whenever there are ten of them, so a row is rewritten once
each time its file grows tenfold, and a table never has more than about forty files per revision besides full ones.
`compact` merges whatever is small, and also rewrites files with superseded rows.
"""

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.lake.cleaning import forget_replaced, set_aside
from pipeline.lake.layout import group_of
from pipeline.lake.log import ConflictError, Log, replaces
from pipeline.lake.query import open_engine
from pipeline.lake.rewriting import Keep, rewrite
from pipeline.lake.snapshot import Change, DataFile, Snapshot
from pipeline.lake.store import Store
from pipeline.lake.views import create_states, scan
from schemas.tables import TABLE_NAMES, VIDEO_TABLES

logger = logging.getLogger(__name__)

TARGET_BYTES = 256 * 1024**2
_SMALL_SHARE = 0.5
"""Files smaller than this share of the target are merged."""
_FAN_IN = 10
"""Files of similar size that are merged after a commit, and what counts as similar: up to so many times larger."""

Bin = list[DataFile]
"""Files of a table to merge into one."""


@dataclass(frozen=True, slots=True)
class Compacted:
    """What compaction did."""

    files_before: int
    files_after: int
    rows_removed: int


def compact(log: Log, *, target_bytes: int = TARGET_BYTES) -> Compacted:
    """Merge small files and drop superseded rows. The caller must hold the lock, and have cleaned up.

    Args:
        log: The lake's log.
        target_bytes: Target size of files.

    Raises:
        ConflictError: Another writer compacts at the same time.
    """
    snapshot = log.snapshot()
    with closing(_states(log.store, snapshot)) as connection:
        bins: list[Bin] = []
        for table in TABLE_NAMES:
            outdated = _outdated(connection, table, snapshot)
            for files in _groups(snapshot, table):
                bins += _small_or_outdated(files, outdated, target_bytes)
        rules = _rules(connection, snapshot, {files[0].table for files in bins})
    removed = sum(_replace(log, files, rules.get(files[0].table)) for files in bins)
    result = Compacted(snapshot.count(), snapshot.count() - sum(map(len, bins)) + len(bins), removed)
    logger.info("Compacted the lake: %s", result)
    return result


def compact_if_due(log: Log, *, target_bytes: int = TARGET_BYTES) -> int:
    """Merge files of similar size if a commit has made too many of them. Cheap if there are not.

    Args:
        log: The lake's log.
        target_bytes: Target size of files.

    Returns:
        Number of files that were replaced.
    """
    snapshot = log.last()
    bins = [
        each
        for table in TABLE_NAMES
        for files in _groups(snapshot, table)
        for each in _of_similar_size(files, target_bytes)
    ]
    if not bins:
        return 0
    with closing(_states(log.store, snapshot)) as connection:
        rules = _rules(connection, snapshot, {files[0].table for files in bins})
    try:
        for files in bins:
            _replace(log, files, rules.get(files[0].table))
    except ConflictError:
        logger.info("Another writer compacts the lake %s.", log.store.uri)
        return 0
    forget_replaced(log.store)
    return sum(len(files) for files in bins)


def _states(store: Store, snapshot: Snapshot) -> duckdb.DuckDBPyConnection:
    connection, _ = open_engine(store, snapshot)
    create_states(connection, snapshot)
    return connection


def _rules(connection: duckdb.DuckDBPyConnection, snapshot: Snapshot, tables: set[str]) -> dict[str, Keep]:
    """Return which rows of each table to keep: what the views show, and newest failures, which the next run needs.

    Rows that these rules drop are superseded for good, whatever other writers add meanwhile.
    """
    found = connection.sql("SELECT shard, list(video_id) FROM lake.states GROUP BY shard").fetchall()
    rules: dict[str, Keep] = dict.fromkeys(VIDEO_TABLES, partial(_of_videos, dict(found)))
    if "sources" in tables:
        rows = scan(snapshot.of("sources"))
        newest = connection.sql(f"FROM {rows} SELECT concat(uri, ' ', epoch_us(max(seen_at))) AS key GROUP BY uri")
        rules["sources"] = partial(_newest_sources, newest.to_arrow_table()["key"])
    return rules


def _of_videos(videos: Mapping[str, Sequence[str]], rows: pa.Table) -> pa.Table:
    # Arrow hashes the whole set on every call, so it gets only the shards in these rows.
    shards = pc.unique(rows["shard"]).to_pylist()
    kept = pa.array([f"{shard} {video_id}" for shard in shards for video_id in videos.get(shard, ())], pa.string())
    return rows.filter(pc.is_in(pc.binary_join_element_wise(rows["shard"], rows["video_id"], " "), value_set=kept))


def _newest_sources(newest: pa.ChunkedArray, rows: pa.Table) -> pa.Table:
    seen_at = rows["seen_at"].cast(pa.int64()).cast(pa.string())
    return rows.filter(pc.is_in(pc.binary_join_element_wise(rows["uri"], seen_at, " "), value_set=newest))


def _outdated(connection: duckdb.DuckDBPyConnection, table: str, snapshot: Snapshot) -> set[str]:
    """Return the files with superseded rows."""
    if table not in VIDEO_TABLES or not snapshot.of(table):
        return set()
    rows = scan(snapshot.of(table), ", filename = true")
    found = connection.sql(f"FROM {rows} ANTI JOIN lake.states USING (video_id, shard) SELECT DISTINCT filename")
    return {path.rsplit("/", 1)[-1] for (path,) in found.fetchall()}


def _groups(snapshot: Snapshot, table: str) -> Iterator[list[DataFile]]:
    """Yield the files of a table that can be merged: those of one revision and one schema."""
    groups: dict[tuple[str, str], list[DataFile]] = {}
    for file in snapshot.of(table):
        groups.setdefault((group_of(table, file.name), file.schema), []).append(file)
    yield from groups.values()


def _small_or_outdated(files: Sequence[DataFile], outdated: set[str], target_bytes: int) -> Iterator[Bin]:
    chosen = [file for file in files if file.name in outdated or _size(file) < target_bytes * _SMALL_SHARE]
    for each in _filled(chosen, target_bytes):
        if len(each) > 1 or each[0].name in outdated:
            yield each


def _of_similar_size(files: Sequence[DataFile], target_bytes: int) -> Iterator[Bin]:
    tiers: dict[int, list[DataFile]] = {}
    for file in files:
        if _size(file) < target_bytes * _SMALL_SHARE:
            tiers.setdefault(int(math.log(max(1, _size(file)), _FAN_IN)), []).append(file)
    for tier in tiers.values():
        if len(tier) >= _FAN_IN:
            yield from (each for each in _filled(tier, target_bytes) if len(each) > 1)


def _filled(files: Sequence[DataFile], target_bytes: int) -> Iterator[Bin]:
    """Yield bins of at most the target size, or of one file."""
    chosen: Bin = []
    held = 0
    for file in files:
        if chosen and held + _size(file) > target_bytes:
            yield chosen
            chosen, held = [], 0
        chosen.append(file)
        held += _size(file)
    if chosen:
        yield chosen


def _size(file: DataFile) -> int:
    return file.size_bytes or 0


def _replace(log: Log, files: Bin, keep: Keep | None) -> int:
    """Merge files into one, and return the number of rows dropped."""
    store, snapshot = log.store, log.snapshot()
    if not snapshot.has(files):
        raise ConflictError(f"Another writer compacts the lake {store.uri} at the same time.")
    made = rewrite(store, files, snapshot.schemas[files[0].schema], keep)
    change = Change("compact", [made], files)
    try:
        log.append(snapshot, change, replaces(files))
    except ConflictError:
        store.remove(made.path)
        raise
    set_aside(store, [file.path for file in files])
    return sum(file.rows for file in files) - made.rows
