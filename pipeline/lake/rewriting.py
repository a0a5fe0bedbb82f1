"""Rewrite files of a table into one, without some of their rows."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa

from pipeline.lake.layout import compact_file, group_of
from pipeline.lake.parquet import merge, row_groups
from pipeline.lake.snapshot import DataFile
from pipeline.lake.store import Store
from schemas.tables import VIDEO_TABLES

Keep = Callable[[pa.Table], pa.Table]
"""Returns the rows of a table to keep."""

_HELD = dict.fromkeys(VIDEO_TABLES, "shard") | {"runs": "run_id", "forgotten": "video_id"}
"""The column that `DataFile.holds` counts."""


def rewrite(store: Store, files: Sequence[DataFile], schema: pa.Schema, keep: Keep | None) -> DataFile:
    """Write the rows of some files of one schema into a new one, with one row group in memory.

    Args:
        store: The lake's files.
        files: At least one file.
        schema: Their schema.
        keep: Returns the rows of a table to keep; None: all.

    Returns:
        The new file, which nobody reads until the log names it.
    """
    table, name = files[0].table, compact_file(group_of(files[0].table, files[0].name))
    holds = Counter[str]()

    def kept(rows: pa.Table) -> pa.Table:
        rows = keep(rows) if keep else rows
        if table in _HELD:
            holds.update(rows[_HELD[table]].to_pylist())
        return rows

    with store.publish(f"{table}/{name}") as path:
        written = merge(_rows(store, files), path, schema, kept)
        size_bytes = path.stat().st_size
    return DataFile(table, name, files[0].schema, written, size_bytes, holds)


def _rows(store: Store, files: Sequence[DataFile]) -> Iterator[pa.Table]:
    for file in files:
        with store.parquet(file.path) as opened:
            yield from row_groups(opened)
