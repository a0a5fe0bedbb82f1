"""Ask the lake in SQL, through a DuckDB connection that can read its tables and do nothing else."""

import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pyarrow as pa

from pipeline.lake.files import PROTOCOL, LakeFiles
from pipeline.lake.snapshot import take_snapshot
from pipeline.lake.store import Store
from pipeline.lake.text import well_formed
from pipeline.lake.views import VIEW_NAMES, create_views, quoted
from schemas.errors import LakeError

Answer = TypeVar("Answer")

_ATTEMPTS = 5
_BATCH_ROWS = 2048
_NOT_THERE = re.compile(
    r"Catalog Error: Table with name"
    r"|Binder Error: (?=.*\b(table|column|Values list)\b).*(not found|does not exist|does not have)",
    re.IGNORECASE,
)
"""What DuckDB says where there is no such table or column."""
_READING = {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN, duckdb.StatementType.PRAGMA}


def connect(store: Store) -> tuple[duckdb.DuckDBPyConnection, LakeFiles]:
    """Open the lake for queries, with the views of `pipeline.lake.views`.

    The connection can read the lake's tables and nothing else: no other file, no network, no extension, no setting, and
    it cannot write. It keeps the view of the lake that it was opened with, until compaction removes a file of it.

    Returns:
        The connection, to be closed after use, and the files it reads through.

    Raises:
        LakeError: The lake cannot be read.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        connection, files = open_engine(store)
        try:
            create_views(connection, store, take_snapshot(store))
            _lock_down(connection)
        except (duckdb.Error, OSError, pa.ArrowException) as error:
            connection.close()
            vanished = files.vanished or isinstance(error, FileNotFoundError)
            if not vanished or attempt == _ATTEMPTS:
                raise LakeError(f"Cannot read the lake {store.uri}: {error}") from error
        except BaseException:
            connection.close()
            raise
        else:
            return connection, files
    raise AssertionError("unreachable")


def run_query(store: Store, query: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
    """Answer one SQL query from the lake as it is now.

    Args:
        store: The lake's files.
        query: One statement in DuckDB's SQL that reads, with `$name` for each parameter.
        parameters: Values by name.

    Returns:
        Its result.

    Raises:
        LakeError: The query is wrong, or would do something else than read.
    """
    query = _checked(query)

    def answer(connection: duckdb.DuckDBPyConnection) -> pa.Table:
        result = connection.sql(query, params=dict(parameters)) if parameters else connection.sql(query)
        table: pa.Table = result.to_arrow_table() if result is not None else pa.table({})
        return table.rename_columns(_distinct(table.column_names))

    return read(store, answer)


def read(store: Store, work: Callable[[duckdb.DuckDBPyConnection], Answer]) -> Answer:
    """Do something with a connection to the lake as it is now, again if compaction takes a file away meanwhile.

    Args:
        store: The lake's files.
        work: Reads from the connection, and keeps nothing of it.

    Raises:
        LakeError: The lake cannot be read, or a query of `work` is wrong.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        connection, files = connect(store)
        try:
            return work(connection)
        except duckdb.Error as error:
            # Compaction removed a file between our listing and our reading: look again.
            if not files.vanished or attempt == _ATTEMPTS:
                raise _explained(error) from error
        finally:
            connection.close()
    raise AssertionError("unreachable")


def fetch(connection: duckdb.DuckDBPyConnection, query: str, **values: object) -> list[dict[str, Any]]:
    """Answer a query in rows, by the names of its columns.

    Args:
        connection: Of the lake.
        query: SQL, with `$name` for each of the values.
        values: What to put there.
    """
    found: list[dict[str, Any]] = connection.sql(query, params=values).to_arrow_table().to_pylist()
    return found


def stream_query(store: Store, query: str, take: Callable[[pa.RecordBatchReader], Answer]) -> Answer:
    """Answer one SQL query batch by batch, in memory that does not grow with the answer.

    Args:
        store: The lake's files.
        query: One statement in DuckDB's SQL that reads.
        take: Takes the batches; called again, from the first one, if compaction takes a file away meanwhile.

    Returns:
        What `take` returns.

    Raises:
        LakeError: The query is wrong, or would do something else than read.
    """
    query = _checked(query)

    def answer(connection: duckdb.DuckDBPyConnection) -> Answer:
        result = connection.sql(query)
        try:
            return take(_own(result.to_arrow_reader(_BATCH_ROWS) if result is not None else pa.table({}).to_reader()))
        except pa.ArrowException as error:
            raise duckdb.Error(str(error)) from error  # a type that the form asked for does not hold

    return read(store, answer)


def _own(reader: pa.RecordBatchReader) -> pa.RecordBatchReader:
    """Pass an answer on under names that differ; Arrow's errors in it are DuckDB's own, and no trouble with writing."""
    names = _distinct(reader.schema.names)
    schema = pa.schema([field.with_name(name) for field, name in zip(reader.schema, names, strict=True)])

    def batches() -> Iterator[pa.RecordBatch]:
        while True:
            try:
                batch = reader.read_next_batch()
            except StopIteration:
                return
            except (pa.ArrowException, OSError) as error:
                raise duckdb.Error(str(error)) from error
            yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


def _distinct(names: Sequence[str]) -> list[str]:
    """Number names that came before, as DuckDB does in tables: JSON and people's programs know a column by its name."""
    found: list[str] = []
    for name in names:
        own, number = name, 0
        while own in found or (number and own in names):
            number += 1
            own = f"{name}_{number}"
        found.append(own)
    return found


def open_engine(store: Store) -> tuple[duckdb.DuckDBPyConnection, LakeFiles]:
    """Make a DuckDB connection that reaches the lake's files, with no views yet."""
    connection = duckdb.connect(config={"python_enable_replacements": False})
    files = LakeFiles(store)
    connection.register_filesystem(files)
    # DuckDB would spill into the current directory; and another user's folder cannot be written.
    spill = Path(tempfile.gettempdir()) / f"videolake-spill-{getattr(os, 'getuid', os.getpid)()}"
    connection.execute(f"SET temp_directory = {quoted(str(spill))}")
    connection.execute("SET TimeZone = 'UTC'")
    return connection, files


def _lock_down(connection: duckdb.DuckDBPyConnection) -> None:
    for setting in (
        f"allowed_directories = ['{PROTOCOL}://', '{PROTOCOL}:///']",
        "enable_external_access = false",
        "allow_community_extensions = false",
        "autoinstall_known_extensions = false",
        "autoload_known_extensions = false",
        "lock_configuration = true",
    ):
        connection.execute(f"SET {setting}")


def _checked(query: str) -> str:
    query = well_formed(query)
    try:
        statements = duckdb.extract_statements(query)
    except duckdb.Error as error:
        raise _explained(error) from error
    if len(statements) != 1:
        raise LakeError(f"One SQL statement is answered at a time, not {len(statements)}.")
    if statements[0].type not in _READING:
        raise LakeError(f"The lake is read only here: {statements[0].type.name} is no query. Use SELECT.")
    return query


def _explained(error: duckdb.Error) -> LakeError:
    message = str(error).strip()
    if message.startswith("Traceback"):
        # Raised by `LakeFiles` and wrapped by DuckDB: only the last line is for the user.
        message = message.splitlines()[-1]
    return LakeError(f"{message}\nTables: {', '.join(VIEW_NAMES)}." if _NOT_THERE.match(message) else message)
