"""Writing the lake's Parquet files: bounded row groups, zstd, statistics and a page index."""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

MAX_GROUP_ROWS = 65_536
MAX_GROUP_BYTES = 64 * 1024**2


def row_groups(file: pq.ParquetFile) -> Iterator[pa.Table]:
    """Read a file one row group at a time."""
    for index in range(file.num_row_groups):
        yield file.read_row_group(index)


class RowGroupWriter:
    """Writes tables of any size to one Parquet file. Small ones are joined, and large ones are split into row groups.

    Args:
        path: Local file to write.
        schema: Arrow schema, kept in the file with its metadata.
        max_rows: Maximum rows of a row group.
        max_bytes: Approximate maximum size of a row group, and of the memory held.
    """

    def __init__(
        self, path: Path, schema: pa.Schema, *, max_rows: int = MAX_GROUP_ROWS, max_bytes: int = MAX_GROUP_BYTES
    ) -> None:
        self._schema = schema
        self._max_rows, self._max_bytes = max_rows, max_bytes
        self._held: list[pa.Table] = []
        self._held_rows = self._held_bytes = 0
        self._writer = pq.ParquetWriter(
            path,
            schema,
            compression="zstd",
            compression_level=3,
            write_page_index=True,
            **_column_options(schema),
        )

    def __enter__(self) -> "RowGroupWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._flush()
        finally:
            self._writer.close()

    def add(self, table: pa.Table) -> None:
        """Append rows."""
        for piece in pieces(table, self._max_rows, self._max_bytes):
            if self._held and (
                self._held_rows + piece.num_rows > self._max_rows or self._held_bytes + piece.nbytes > self._max_bytes
            ):
                self._flush()
            self._held.append(piece)
            self._held_rows += piece.num_rows
            self._held_bytes += piece.nbytes

    def _flush(self) -> None:
        if self._held:
            rows = pa.concat_tables(self._held)
            self._writer.write_table(rows, row_group_size=max(1, rows.num_rows))
        self._held.clear()
        self._held_rows = self._held_bytes = 0


def merge(
    tables: Iterable[pa.Table], path: Path, schema: pa.Schema, keep: Callable[[pa.Table], pa.Table] | None = None
) -> int:
    """Write tables one after another into one file, with one row group in memory.

    Args:
        tables: Tables with that schema.
        path: Local file to write.
        schema: Arrow schema of the file.
        keep: Returns the rows of a table to write; None: all.

    Returns:
        Number of rows written.
    """
    rows = 0
    with RowGroupWriter(path, schema) as writer:
        for table in tables:
            kept = keep(table) if keep else table
            writer.add(kept)
            rows += kept.num_rows
    return rows


def pieces(table: pa.Table, max_rows: int, max_bytes: int) -> Iterator[pa.Table]:
    """Yield a table in pieces of at most so many rows and about so many bytes."""
    if table.num_rows == 0:
        return
    bytes_per_row = max(1, table.nbytes // table.num_rows)
    step = max(1, min(max_rows, max_bytes // bytes_per_row))
    for start in range(0, table.num_rows, step):
        yield table.slice(start, step)


@lru_cache(maxsize=64)
def _column_options(schema: pa.Schema) -> dict[str, Any]:
    """Choose encodings by column: dictionaries for strings, no statistics for images and vectors.

    Parquet names nested columns by their leaves, so the names are taken from an empty file.
    """
    sink = pa.BufferOutputStream()
    pq.write_table(schema.empty_table(), sink)
    leaves = pq.read_metadata(pa.BufferReader(sink.getvalue())).schema
    opaque = {field.name for field in schema if is_embedding(field) or pa.types.is_binary(field.type)}
    dictionary, statistics, split = [], [], []
    for index in range(len(leaves)):
        leaf = leaves.column(index)
        top = leaf.path.split(".", 1)[0]
        if leaf.logical_type.type == "STRING":
            dictionary.append(leaf.path)
        if top not in opaque:
            statistics.append(leaf.path)
        elif leaf.physical_type == "FLOAT":
            split.append(leaf.path)
    return {"use_dictionary": dictionary, "write_statistics": statistics, "use_byte_stream_split": split}


def is_embedding(field: pa.Field) -> bool:
    """Return whether a column holds vectors."""
    return bool(pa.types.is_fixed_size_list(field.type) and pa.types.is_float32(field.type.value_type))
