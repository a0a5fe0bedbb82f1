"""Compaction: merge many small files into few large ones, without superseded rows.

Files of one revision are grouped into bins, and each bin becomes one file. A kill may come after any of these steps:

1. `_compactions/<id>.json` says which files each new file will replace. It has no effect yet.
2. The new file is written and renamed into its table. From now on it replaces the old ones, because readers follow the
   note (see `pipeline.lake.snapshot`). Rows keep their `shard`, so nothing else changes.
3. The old files are removed. Steps 2 and 3 repeat for each bin.
4. The note is removed.

`clean` finishes a killed compaction. An engine that reads a folder without our views sees the rows of a bin twice
between steps 2 and 3.
"""

import json
import logging
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.lake.cleaning import clean, finish_compactions
from pipeline.lake.layout import COMPACTIONS, compact_file, group_of
from pipeline.lake.parquet import merge, row_groups
from pipeline.lake.query import open_engine
from pipeline.lake.snapshot import Files, Replacement, take_snapshot
from pipeline.lake.store import Store
from pipeline.lake.views import create_states, scan
from schemas.tables import TABLE_NAMES, VIDEO_TABLES

logger = logging.getLogger(__name__)

TARGET_BYTES = 256 * 1024**2
_SMALL_SHARE = 0.5
"""Files smaller than this share of the target are merged."""

Keep = Callable[[pa.Table], pa.Table]
"""Returns the rows of a table to keep."""


@dataclass(frozen=True, slots=True)
class Compacted:
    """What compaction did."""

    files_before: int
    files_after: int
    rows_removed: int


def compact(store: Store, *, target_bytes: int = TARGET_BYTES) -> Compacted:
    """Merge small files and drop superseded rows. The caller must hold the lock, and no commit may be running.

    Args:
        store: The lake's files.
        target_bytes: Target size of files.
    """
    clean(store)
    snapshot = take_snapshot(store)
    connection, _ = open_engine(store)
    try:
        create_states(connection, store, snapshot)
        keep = _rules(connection, snapshot)
        bins = [
            (table, names)
            for table in TABLE_NAMES
            for names in _bins(store, table, snapshot[table], _outdated(connection, table, snapshot), target_bytes)
        ]
    finally:
        connection.close()
    plan = _plan(bins)
    removed = _carry_out(store, plan, keep) if plan else 0
    before = sum(len(names) for names in snapshot.values())
    result = Compacted(before, before - sum(len(each.replaced) - 1 for each in plan), removed)
    logger.info("Compacted the lake: %s", result)
    return result


def _rules(connection: duckdb.DuckDBPyConnection, snapshot: Files) -> dict[str, Keep]:
    """Return which rows of each table to keep: what the views show, and newest failures, which the next run needs."""
    found = connection.sql("SELECT shard, list(video_id) FROM lake.states GROUP BY shard").fetchall()
    rules: dict[str, Keep] = dict.fromkeys(VIDEO_TABLES, partial(_of_videos, dict(found)))
    if snapshot["sources"]:
        rows = scan("sources", snapshot["sources"])
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


def _outdated(connection: duckdb.DuckDBPyConnection, table: str, snapshot: Files) -> set[str]:
    """Return the files with superseded rows."""
    if table not in VIDEO_TABLES or not snapshot[table]:
        return set()
    rows = scan(table, snapshot[table], ", filename = true")
    found = connection.sql(f"FROM {rows} ANTI JOIN lake.states USING (video_id, shard) SELECT DISTINCT filename")
    return {path.rsplit("/", 1)[-1] for (path,) in found.fetchall()}


def _bins(
    store: Store, table: str, names: Sequence[str], outdated: set[str], target_bytes: int
) -> Iterator[tuple[str, ...]]:
    """Yield groups of files of a table to merge into one."""
    groups: dict[str, list[tuple[str, int]]] = {}
    for name in names:
        size = store.size(f"{table}/{name}")
        if name in outdated or size < target_bytes * _SMALL_SHARE:
            groups.setdefault(group_of(table, name), []).append((name, size))
    for files in groups.values():
        chosen: list[str] = []
        held = 0
        for name, size in [*files, ("", target_bytes)]:
            if chosen and held + size > target_bytes:
                if len(chosen) > 1 or chosen[0] in outdated:
                    yield tuple(chosen)
                chosen, held = [], 0
            chosen.append(name)
            held += size


def _plan(bins: Sequence[tuple[str, tuple[str, ...]]]) -> list[Replacement]:
    identifier = uuid.uuid4().hex[:8]
    return [
        Replacement(table, compact_file(group_of(table, names[0]), identifier, number), names)
        for number, (table, names) in enumerate(bins)
    ]


def _carry_out(store: Store, plan: Sequence[Replacement], keep: Mapping[str, Keep]) -> int:
    note = {"files": [{"table": each.table, "by": each.by, "replaced": each.replaced} for each in plan]}
    store.write(f"{COMPACTIONS}/{uuid.uuid4().hex}.json", json.dumps(note).encode())
    removed = sum(_replace(store, each, keep.get(each.table)) for each in plan)
    finish_compactions(store)
    return removed


def _replace(store: Store, replacement: Replacement, keep: Keep | None) -> int:
    table = replacement.table
    found = 0

    def rows() -> Iterator[pa.Table]:
        nonlocal found
        for name in replacement.replaced:
            with store.parquet(f"{table}/{name}") as file:
                for group in row_groups(file):
                    found += group.num_rows
                    yield group

    schema = store.schema(f"{table}/{replacement.replaced[0]}")
    with store.publish(f"{table}/{replacement.by}") as path:
        written = merge(rows(), path, schema, keep)
    for name in replacement.replaced:
        store.remove(f"{table}/{name}")
    return found - written
