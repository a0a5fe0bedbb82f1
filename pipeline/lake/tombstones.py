"""Tombstones: the rows of `forgotten`, which keep a video that was forgotten out of the lake.

A file of `forgotten` is pending until its videos are removed from all other files. The log says which videos each file
names, so that readers and writers need not open one.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.lake.layout import is_pending, run_file, tombstone_file
from pipeline.lake.log import Log, StillFits, replaces
from pipeline.lake.parquet import merge
from pipeline.lake.rows import table_of
from pipeline.lake.snapshot import Change, DataFile, Snapshot, schema_key
from pipeline.lake.store import Store
from schemas.tables import table_schema

_TABLE = "forgotten"


def add_tombstones(log: Log, videos: Mapping[str, bool], sources: Sequence[Mapping[str, Any]] = ()) -> None:
    """Hide videos from readers and keep them out of commits, from now on. They are pending.

    Args:
        log: The lake's log.
        videos: Ids, each with whether it is a digest of all bytes of a large file.
        sources: Rows of `sources` to add in the same entry of the log.
    """
    also = table_of("sources", sources)

    def change(snapshot: Snapshot) -> tuple[pa.Table, list[DataFile]]:
        new = sorted(set(videos) - snapshot.forgotten)
        now = datetime.now(UTC)
        rows = [{"video_id": each, "read_whole": videos[each], "forgotten_at": now} for each in new]
        return table_of(_TABLE, rows), []

    _replace(log, change, pending=True, also=also)


def settle_tombstones(log: Log, videos: Collection[str]) -> None:
    """Note that these pending videos are removed from all other files."""

    def change(snapshot: Snapshot) -> tuple[pa.Table, list[DataFile]]:
        old = [file for file in snapshot.of(_TABLE) if is_pending(file.name) and set(file.holds) <= set(videos)]
        return _read(log.store, old), old

    _replace(log, change, pending=False)


def remove_tombstones(log: Log, videos: Collection[str]) -> None:
    """Let later runs analyse these videos again. None of them may be pending."""

    def change(snapshot: Snapshot) -> tuple[pa.Table, list[DataFile]]:
        old = [file for file in snapshot.of(_TABLE) if not is_pending(file.name) and set(file.holds) & set(videos)]
        rows = _read(log.store, old)
        removed = pc.is_in(rows["video_id"], value_set=pa.array(sorted(videos), pa.string()))
        return rows.filter(pc.invert(removed)), old

    _replace(log, change, pending=False)


def _read(store: Store, files: Collection[DataFile]) -> pa.Table:
    tables = [table_schema(_TABLE).empty_table()]
    for file in files:
        with store.parquet(file.path) as opened:
            tables.append(opened.read())
    return pa.concat_tables(tables)


def _replace(
    log: Log,
    change: Callable[[Snapshot], tuple[pa.Table, list[DataFile]]],
    *,
    pending: bool,
    also: pa.Table | None = None,
) -> None:
    """Add rows, and remove files, in one entry of the log."""

    def propose(snapshot: Snapshot) -> tuple[Change, StillFits] | None:
        rows, old = change(snapshot)
        if not rows.num_rows and not old:
            return None
        made, schemas = [], {}
        for table, added in ((_TABLE, rows), ("sources", also)):
            if added is not None and added.num_rows:
                name = tombstone_file(pending=pending) if table == _TABLE else run_file("forget")
                made.append(_written(log.store, table, name, added))
                schemas[made[-1].schema] = added.schema
        return Change("forget", made, old, schemas), replaces(old)

    published = log.publish(propose)
    if published:
        log.store.remove_files([file.path for file in published.removed])


def _written(store: Store, table: str, name: str, rows: pa.Table) -> DataFile:
    with store.publish(f"{table}/{name}") as path:
        merge([rows], path, rows.schema)
        size_bytes = path.stat().st_size
    holds = dict.fromkeys(rows["video_id"].to_pylist(), 1) if table == _TABLE else {"forget": rows.num_rows}
    return DataFile(table, name, schema_key(rows.schema), rows.num_rows, size_bytes, holds)
