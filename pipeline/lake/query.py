"""SQL queries, through a DuckDB connection that can read the lake's tables and do nothing else."""

import os
import re
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pyarrow as pa

from pipeline.lake.files import PROTOCOL, LakeFiles
from pipeline.lake.log import Log
from pipeline.lake.moment_views import MOMENT_NAMES
from pipeline.lake.snapshot import Snapshot
from pipeline.lake.statements import run_parsed
from pipeline.lake.store import Store
from pipeline.lake.text import well_formed
from pipeline.lake.views import VIEW_NAMES, create_views
from schemas.errors import LakeError

Answer = TypeVar("Answer")

_ATTEMPTS = 5
_BATCH_ROWS = 2048
_NOT_THERE = re.compile(
    r"Catalog Error: Table with name"
    r"|Binder Error: (?=.*\b(table|column|Values list)\b).*(not found|does not exist|does not have)",
    re.IGNORECASE,
)
"""DuckDB's messages about an unknown table or column."""
_MOMENTS = re.compile(
    rf"\b({'|'.join(MOMENT_NAMES)}|show|describe|summarize|pragma|information_schema|sqlite_\w+|pg_\w+)\b"
    r"|(^|\(|\*/)\s*desc\b",  # at the start, or after a comment; elsewhere it is an order
    re.IGNORECASE | re.MULTILINE,
)
"""What a query has in it that may need the views and macros about moments, or list them."""
_RAISED = "Invalid Input Error: "
"""Before a message of a macro of ours."""
_READING = {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN, duckdb.StatementType.PRAGMA}


def connect(
    log: Log, *, comments: bool = True, moments: bool = True, pending: bool = False
) -> tuple[duckdb.DuckDBPyConnection, LakeFiles]:
    """Open the lake for queries, with the views of `pipeline.lake.views`.

    The connection can only read the lake's tables. It cannot write, read other files, use the network, load extensions
    or change settings. It sees the lake as it was when it was opened, until an hour after compaction has replaced one
    of its files, or until a video in one of them is forgotten.

    Args:
        log: The lake's log.
        comments: Whether tables and columns have their comments, which take a quarter of the time.
        moments: Whether there are the views and macros of `pipeline.lake.moment_views`, which take another quarter.
        pending: Whether the views show forgotten videos that are not yet removed from all files.

    Returns:
        The connection, which the caller closes, and the files it reads through.

    Raises:
        LakeError: The lake cannot be read.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        snapshot = log.snapshot().with_pending() if pending else log.snapshot()
        connection, files = open_engine(log.store, snapshot)
        try:
            create_views(connection, snapshot, comments=comments, moments=moments)
            _lock_down(connection)
        except (duckdb.Error, OSError, pa.ArrowException) as error:
            connection.close()
            vanished = files.vanished or isinstance(error, FileNotFoundError)
            if not vanished or attempt == _ATTEMPTS:
                raise LakeError(f"Cannot read the lake {log.store.uri}: {error}") from error
        except BaseException:
            connection.close()
            raise
        else:
            return connection, files
    raise AssertionError("unreachable")


class Reader:
    """Reads the newest state of a lake. Its queries share an engine as long as that state is the newest.

    The engine has the views and macros about moments from the first query on that may need them.

    Args:
        log: The lake's log.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._lock = threading.Lock()
        self._engine: tuple[duckdb.DuckDBPyConnection, LakeFiles] | None = None
        self._has_moments = False

    def run(self, query: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
        """Run one SQL query.

        Args:
            query: One reading statement in DuckDB's SQL, with `$name` for each parameter.
            parameters: Values by name.

        Returns:
            The result.

        Raises:
            LakeError: The query is invalid, or does more than read.
        """
        query = _checked(query)

        def answer(connection: duckdb.DuckDBPyConnection) -> pa.Table:
            result = connection.sql(query, params=dict(parameters)) if parameters else connection.sql(query)
            table: pa.Table = result.to_arrow_table() if result is not None else pa.table({})
            return table.rename_columns(_distinct(table.column_names))

        return self._read(query, answer)

    def stream(self, query: str, take: Callable[[pa.RecordBatchReader], Answer]) -> Answer:
        """Run one SQL query and stream its result in batches, in constant memory.

        Args:
            query: One reading statement in DuckDB's SQL.
            take: Reads the batches. It is called again with the first batch if the state becomes too old.

        Returns:
            The result of `take`.

        Raises:
            LakeError: The query is invalid, or does more than read.
        """
        query = _checked(query)

        def answer(connection: duckdb.DuckDBPyConnection) -> Answer:
            result = connection.sql(query)
            try:
                return take(
                    _own(result.to_arrow_reader(_BATCH_ROWS) if result is not None else pa.table({}).to_reader())
                )
            except pa.ArrowException as error:
                raise duckdb.Error(str(error)) from error  # the output format has no such type

        return self._read(query, answer)

    def read(self, work: Callable[[duckdb.DuckDBPyConnection], Answer], *, moments: bool = True) -> Answer:
        """Call a function with a cursor of the engine; again if its state becomes too old.

        Args:
            work: Reads from the connection, and keeps no reference to it.
            moments: Whether it may use the views and macros of `pipeline.lake.moment_views`.

        Raises:
            LakeError: The lake cannot be read, or a query of `work` is invalid.
        """
        return again_if_vanished(partial(self._cursor, moments=moments), work)

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Return a cursor of the engine, which the caller closes. It keeps seeing the lake as it is now."""
        return self._cursor(moments=True)[0]

    def _read(self, query: str, work: Callable[[duckdb.DuckDBPyConnection], Answer]) -> Answer:
        if _reads_comments(query):
            return read(self._log, work, comments=True)
        if _MOMENTS.search(query):
            return self.read(work)
        had_moments = self._has_moments
        try:
            return self.read(work, moments=False)
        except LakeError as error:
            # Only what is unknown shows before the first row: whoever has read rows must not get them again.
            if had_moments or not isinstance(error.__cause__, duckdb.CatalogException | duckdb.BinderException):
                raise
            return self.read(work)  # it may name them in another way, and messages list what there is

    def _cursor(self, *, moments: bool) -> tuple[duckdb.DuckDBPyConnection, LakeFiles]:
        with self._lock:
            engine, moments = self._engine, moments or self._has_moments
            old = engine is None or engine[1].vanished or engine[1].snapshot is not self._log.snapshot()
            if engine is None or old or (moments and not self._has_moments):
                # Not closed: other threads may still read from the one before. It goes with its last cursor.
                engine = self._engine = connect(self._log, comments=False, moments=moments)
                self._has_moments = moments
            return engine[0].cursor(), engine[1]


def read(
    log: Log,
    work: Callable[[duckdb.DuckDBPyConnection], Answer],
    *,
    comments: bool = False,
    moments: bool = True,
    pending: bool = False,
) -> Answer:
    """Call a function with a connection of its own to the newest state of the lake; again if that becomes too old.

    Args:
        log: The lake's log.
        work: Reads from the connection, and keeps no reference to it.
        comments: Whether tables and columns have their comments.
        moments: Whether there are the views and macros of `pipeline.lake.moment_views`.
        pending: Whether the views show forgotten videos that are not yet removed from all files.

    Raises:
        LakeError: The lake cannot be read, or a query of `work` is invalid.
    """
    return again_if_vanished(lambda: connect(log, comments=comments, moments=moments, pending=pending), work)


def again_if_vanished(
    opened: Callable[[], tuple[duckdb.DuckDBPyConnection, LakeFiles]],
    work: Callable[[duckdb.DuckDBPyConnection], Answer],
) -> Answer:
    """Call a function with an opened connection, which is closed after it; again if its state becomes too old.

    Raises:
        LakeError: The lake cannot be read, or a query of `work` is invalid.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        connection, files = opened()
        try:
            return work(connection)
        except duckdb.Error as error:
            # One of its files was replaced long ago, or held a video that was forgotten: start again.
            if not files.vanished or attempt == _ATTEMPTS:
                raise _explained(error) from error
        finally:
            connection.close()
    raise AssertionError("unreachable")


def fetch(connection: duckdb.DuckDBPyConnection, query: str, **values: object) -> list[dict[str, Any]]:
    """Run a query and return its rows as dictionaries by column name.

    Args:
        connection: A connection to the lake.
        query: SQL, with `$name` for each of the values.
        values: The values by name.
    """
    found: list[dict[str, Any]] = connection.sql(query, params=values).to_arrow_table().to_pylist()
    return found


def _own(reader: pa.RecordBatchReader) -> pa.RecordBatchReader:
    """Return a reader with distinct column names that raises DuckDB's error for any failure to read."""
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
    """Number repeated names, as DuckDB does in tables: JSON and other programs identify a column by its name."""
    found: list[str] = []
    for name in names:
        own, number = name, 0
        while own in found or (number and own in names):
            number += 1
            own = f"{name}_{number}"
        found.append(own)
    return found


def open_engine(store: Store, snapshot: Snapshot) -> tuple[duckdb.DuckDBPyConnection, LakeFiles]:
    """Return a DuckDB connection that can reach the lake's files. It has no views yet."""
    # DuckDB would spill into the current directory. One folder per user, since nobody can write to another user's.
    spill = Path(tempfile.gettempdir()) / f"videolake-spill-{getattr(os, 'getuid', os.getpid)()}"
    connection = duckdb.connect(config={"python_enable_replacements": False, "temp_directory": str(spill)})
    files = LakeFiles(store, snapshot)
    connection.register_filesystem(files)
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    return connection, files


def _lock_down(connection: duckdb.DuckDBPyConnection) -> None:
    settings = (
        f"allowed_directories = ['{PROTOCOL}://', '{PROTOCOL}:///']",
        "enable_external_access = false",
        "allow_community_extensions = false",
        "autoinstall_known_extensions = false",
        "autoload_known_extensions = false",
        "lock_configuration = true",
    )
    run_parsed(connection, "; ".join(f"SET {setting}" for setting in settings))


def _reads_comments(query: str) -> bool:
    """Return whether a query may show the comments, which only DuckDB's functions about the catalogue do."""
    return "duckdb_" in query.lower()


def _checked(query: str) -> str:
    query = well_formed(query)
    try:
        statements = duckdb.extract_statements(query)
    except duckdb.Error as error:
        raise _explained(error) from error
    if len(statements) != 1:
        raise LakeError(f"Run one SQL statement at a time, not {len(statements)}.")
    if statements[0].type not in _READING:
        raise LakeError(f"The lake is read-only here: {statements[0].type.name} is not a query. Use SELECT.")
    return query


def _explained(error: duckdb.Error) -> LakeError:
    message = str(error).strip()
    if message.startswith("Traceback"):
        # `LakeFiles` raised it and DuckDB wrapped it: only the last line is for the user.
        message = message.splitlines()[-1]
    message = message.removeprefix(_RAISED)
    return LakeError(f"{message}\nTables: {', '.join(VIEW_NAMES)}." if _NOT_THERE.match(message) else message)
