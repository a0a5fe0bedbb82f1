"""All rows of one video from one commit, read without opening the files that hold others.

The log says which shards a file holds. So a worker that redoes a stage of a video opens one file per table, whatever
the size of the lake, and DuckDB reads only the columns and pages with rows of that video.
"""

import threading

import duckdb
import pyarrow as pa

from pipeline.lake.files import LakeFiles
from pipeline.lake.layout import group_of, is_compact, is_of_shard
from pipeline.lake.log import Log
from pipeline.lake.parquet import is_embedding
from pipeline.lake.query import again_if_vanished, open_engine
from pipeline.lake.snapshot import DataFile, Snapshot
from pipeline.lake.views import scan
from schemas.tables import VIDEO_TABLES, table_schema


class VideoRows:
    """Reads the rows of videos. Keeps its engine while the lake stays the same. Thread-safe.

    Args:
        log: The lake's log.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._lock = threading.Lock()
        self._engine: duckdb.DuckDBPyConnection | None = None
        self._files: LakeFiles

    def read(self, video_id: str, shard: str) -> dict[str, pa.Table] | None:
        """Return the rows of a video that one commit wrote.

        Args:
            video_id: The video.
            shard: The commit.

        Returns:
            A table for each of `VIDEO_TABLES`, with vectors as fixed-size lists; None if there are no such rows.

        Raises:
            LakeError: The lake cannot be read.
        """

        def work(connection: duckdb.DuckDBPyConnection) -> dict[str, pa.Table]:
            return {table: _rows(connection, self._files.snapshot, table, video_id, shard) for table in VIDEO_TABLES}

        with self._lock:
            tables = again_if_vanished(self._cursor, work)
        return tables if tables["videos"].num_rows else None

    def _cursor(self) -> tuple[duckdb.DuckDBPyConnection, LakeFiles]:
        snapshot = self._log.snapshot()
        if self._engine is None or self._files.vanished or self._files.snapshot is not snapshot:
            self._engine, self._files = open_engine(self._log.store, snapshot)
        return self._engine.cursor(), self._files


def files_of(snapshot: Snapshot, table: str, shard: str) -> list[DataFile]:
    """Return the files of a table that may hold rows of a shard: one, unless an older version made the files."""
    groups = {group_of("videos", file.name) for file in snapshot.of("videos") if shard in file.holds}
    return [
        file
        for file in snapshot.of(table)
        if shard in file.holds
        or (not file.holds and file.rows and group_of(table, file.name) in groups and _may_hold(file, shard))
    ]


def _may_hold(file: DataFile, shard: str) -> bool:
    """Return whether a file of which the log does not say it may hold rows of a shard."""
    return is_compact(file.name) or is_of_shard(file.name, shard)


def _rows(connection: duckdb.DuckDBPyConnection, snapshot: Snapshot, table: str, video_id: str, shard: str) -> pa.Table:
    by_schema: dict[str, list[DataFile]] = {}
    for file in files_of(snapshot, table, shard):
        by_schema.setdefault(file.schema, []).append(file)
    for key, files in by_schema.items():
        vectors = [field for field in snapshot.schemas[key] if is_embedding(field)]
        shaped = ", ".join(f"{field.name}::FLOAT[{field.type.list_size}] AS {field.name}" for field in vectors)
        select = f"SELECT * REPLACE ({shaped})" if shaped else "SELECT *"
        query = f"{select} FROM {scan(files)} WHERE video_id = $video AND shard = $shard"
        found = connection.sql(query, params={"video": video_id, "shard": shard}).to_arrow_table()
        if found.num_rows:
            return found
    return table_schema(table).empty_table()
