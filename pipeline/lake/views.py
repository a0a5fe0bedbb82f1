"""The views of the lake: each video once, in its current state.

- `videos`: the newest `ok` row of each video, or else its newest `failed` row, unless other content has replaced it
  (see `pipeline.lake.location_views`).
- `shots`, `frames`, `utterances`, `sounds`, `scenes`, `summaries`, `errors`: the rows of the same video from the same
  commit. So `errors` has a row for each `failed` row of `videos`, and rows of uncommitted or superseded shards are
  hidden.
- `runs`, `sources`: the newest row of each run or location.
- `corrections`: every correction, undone ones too.
- `all_videos`, `all_errors`: every row of every revision.
- `former_videos`: videos that no other view shows, because their files were replaced.
- `forgotten`: videos that were forgotten. All other views hide what files still hold of them.
- `moments`, `words`, `chapters` and other views and macros on top of them: see `pipeline.lake.moment_views`.

Embedding columns are `FLOAT[d]`, and NULL without a vector (the files hold zeros). Vectors of different models cannot
be compared: columns have the vectors of the model that made the newest results, and NULL in rows of other models.
`lake.spaces` names that model for each column.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import duckdb
import pyarrow as pa

from pipeline.lake.files import reader_path
from pipeline.lake.layout import RUN_TABLES, group_of
from pipeline.lake.location_views import create_locations, located
from pipeline.lake.moment_views import MOMENT_VIEWS, create_moments
from pipeline.lake.parquet import is_embedding
from pipeline.lake.snapshot import DataFile, Snapshot
from pipeline.lake.statements import run_parsed
from schemas.tables import DESCRIPTIONS, TABLE_NAMES, VIDEO_TABLES, table_schema, view_schema

VIEW_NAMES = (*TABLE_NAMES, *MOMENT_VIEWS, "all_videos", "all_errors", "former_videos")

_COMMITTED = """
CREATE TABLE lake.committed AS
SELECT video_id, uri, len(uris) AS locations, shard, revision, status, committed_at,
    coalesce(analysed_at, committed_at) AS analysed_at
FROM all_videos
"""

_STATES = """
CREATE TABLE lake.states AS
WITH repeated AS (SELECT video_id FROM lake.committed GROUP BY video_id HAVING count(*) > 1),
ranked AS (
    SELECT *, true AS is_best, true AS is_newest FROM lake.committed ANTI JOIN repeated USING (video_id)
    UNION ALL BY NAME
    SELECT *,
        row_number() OVER (
            PARTITION BY video_id ORDER BY status = 'ok' DESC, committed_at DESC, shard DESC
        ) = 1 AS is_best,
        row_number() OVER (PARTITION BY video_id ORDER BY committed_at DESC, shard DESC) = 1 AS is_newest
    FROM lake.committed SEMI JOIN repeated USING (video_id)
),
latest AS (
    SELECT uri, max_by(video_id, committed_at) AS video_id
    FROM lake.committed SEMI JOIN (FROM lake.committed WHERE status = 'failed') USING (uri) GROUP BY uri
)
SELECT ranked.*, is_best AND (status = 'ok' OR latest.video_id = ranked.video_id) AS is_current
FROM ranked LEFT JOIN latest USING (uri)
WHERE is_best OR is_newest
"""
"""The best row of each video, and its newest row if that is a later failure. The views show current rows.

A failure stops being current once its file was replaced or became readable, and so is another video now."""

_FORMER = "FROM all_videos SEMI JOIN (FROM lake.states WHERE is_best AND NOT is_current) USING (video_id, shard)"

_NEWEST_BY = {
    "runs": ("run_id", "finished_at"),
    "sources": ("uri", "seen_at"),
    "forgotten": ("video_id", "forgotten_at"),
}
"""The columns that make the newest row of each key of a table of `RUN_TABLES`."""

_FRAME_ROWS = """
SELECT video_id, shard, frame_id, filename, file_row_number
FROM ({files}) SEMI JOIN lake.current USING (video_id, shard)
"""
"""The file and row number of each row of `frames`. DuckDB finds a row by its number without reading the others."""

_STATE_VIEWS = """
ALTER TABLE lake.states DROP uri;
ALTER TABLE lake.states DROP locations;
CREATE VIEW lake.current AS SELECT video_id, shard FROM lake.states WHERE is_current;
CREATE VIEW lake.newest AS
SELECT revision FROM lake.states ORDER BY status = 'ok' DESC, analysed_at DESC LIMIT 1
"""
"""`lake.newest` is the revision of the newest analysis. Rows that were made again because of corrections keep the time
of theirs."""

_SPACES = """
CREATE TABLE lake.spaces (
    table_name VARCHAR, column_name VARCHAR, space VARCHAR, model VARCHAR, dimensions INTEGER
)
"""
"""For each embedding column: `text`, `vision`, `coordinated` or `fused`, and the model whose vectors the view shows."""

Space = tuple[str, int]
"""Id of the model of a column's vectors, and their dimensions."""


@dataclass(frozen=True, slots=True)
class _Group:
    """Files of a table with one schema."""

    schema: pa.Schema
    files: list[DataFile]


def create_states(connection: duckdb.DuckDBPyConnection, snapshot: Snapshot) -> None:
    """Create `all_videos` and the table `lake.states`, which holds the current row of each video."""
    run_parsed(connection, "CREATE SCHEMA lake; CREATE TABLE lake.forgotten (video_id VARCHAR)")
    if snapshot.forgotten:
        connection.execute("INSERT INTO lake.forgotten SELECT unnest($ids)", {"ids": list(snapshot.forgotten)})
    rows = _select("videos", _groups(snapshot, "videos"))
    _create_view(connection, "all_videos", _remembered("videos", rows, snapshot))
    run_parsed(connection, f"{_COMMITTED}; {_STATES}; DROP TABLE lake.committed")


def create_views(
    connection: duckdb.DuckDBPyConnection, snapshot: Snapshot, *, comments: bool = True, moments: bool = True
) -> None:
    """Create all views, over exactly these files.

    Args:
        connection: The connection.
        snapshot: The files.
        comments: Whether tables and columns have their comments.
        moments: Whether there are the views and macros of `pipeline.lake.moment_views`, which `comments` needs.
    """
    create_states(connection, snapshot)
    sources = _groups(snapshot, "sources")
    create_locations(connection, _remembered("sources", _select("sources", sources), snapshot) if sources else None)
    run_parsed(connection, _STATE_VIEWS)
    newest = connection.execute("FROM lake.newest").fetchone()
    groups_of = {table: _groups(snapshot, table) for table in VIDEO_TABLES}
    spaces_of = _create_spaces(connection, groups_of, group_of("videos", newest[0]) if newest else "")
    rows_of = {table: _select(table, groups, spaces_of[table]) for table, groups in groups_of.items()}
    for table in RUN_TABLES:
        rows = _remembered(table, _select(table, _groups(snapshot, table)), snapshot)
        key, time = _NEWEST_BY[table]
        newest_row = f"QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY {time} DESC) = 1"
        _create_view(connection, table, f"FROM ({rows}) {newest_row}")
    corrections = _select("corrections", _groups(snapshot, "corrections"))
    _create_view(connection, "corrections", _remembered("corrections", corrections, snapshot))
    if moments:
        _create_moments(connection, groups_of, spaces_of)
    for table, rows in rows_of.items():
        if table == "errors":
            _create_view(connection, "all_errors", _remembered(table, rows, snapshot))
        current = f"FROM ({rows}) SEMI JOIN lake.current USING (video_id, shard)"
        _create_view(connection, table, located(current) if table == "videos" else current)
    _create_view(connection, "former_videos", _FORMER)
    _create_view(connection, "lake.frame_rows", _FRAME_ROWS.format(files=_row_numbers(snapshot.of("frames"))))
    if comments:
        _describe(connection)


def _create_spaces(
    connection: duckdb.DuckDBPyConnection, groups_of: Mapping[str, Sequence[_Group]], newest: str
) -> dict[str, dict[str, Space]]:
    """Create `lake.spaces`, and return the space of each embedding column by table."""
    run_parsed(connection, _SPACES)
    found: list[tuple[str, str, str, str, int]] = []
    known: dict[str, Space] = {}
    spaces_of: dict[str, dict[str, Space]] = {}
    for table, groups in groups_of.items():
        spaces_of[table] = _spaces(groups, newest)
        for column, (model, dimensions) in spaces_of[table].items():
            space = _space_name(table, column)
            known[space] = (model, dimensions)
            found.append((table, column, space, model, dimensions))
    if found:
        places = ", ".join(["(?, ?, ?, ?, ?)"] * len(found))
        insert = f"INSERT INTO lake.spaces VALUES {places}"  # noqa: S608 - only question marks
        connection.execute(insert, [value for row in found for value in row])
    for table, spaces in spaces_of.items():
        # A column that no file has yet gets the dimensions of its space, so that views can be combined.
        unseen = {
            field.name: known[_space_name(table, field.name)]
            for field in table_schema(table)
            if is_embedding(field) and _space_name(table, field.name) in known
        }
        spaces_of[table] = unseen | spaces
    return spaces_of


def _create_moments(
    connection: duckdb.DuckDBPyConnection,
    groups_of: Mapping[str, Sequence[_Group]],
    spaces_of: Mapping[str, Mapping[str, Space]],
) -> None:
    """Create the views on top of the tables.

    DuckDB opens the files below a view when it creates it, a hundred times in all here. So these views are created over
    empty tables of the same columns, which are then dropped.
    """
    statements = []
    for table, groups in groups_of.items():
        types = dict(_column_types(view_schema(table)))
        for group in groups:
            types |= _column_types(group.schema)
        types |= {name: f"FLOAT[{dimensions}]" for name, (_, dimensions) in spaces_of[table].items()}
        columns = ", ".join(f"{name} {kind}" for name, kind in types.items())
        statements.append(f"CREATE TABLE {table} ({columns})")
    run_parsed(connection, "; ".join(statements))
    create_moments(connection)
    run_parsed(connection, "; ".join(f"DROP TABLE {table}" for table in groups_of))


_TYPES = {
    pa.string(): "VARCHAR",
    pa.binary(): "BLOB",
    pa.bool_(): "BOOLEAN",
    pa.int8(): "TINYINT",
    pa.int16(): "SMALLINT",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.uint8(): "UTINYINT",
    pa.uint16(): "USMALLINT",
    pa.uint32(): "UINTEGER",
    pa.uint64(): "UBIGINT",
    pa.float32(): "FLOAT",
    pa.float64(): "DOUBLE",
}


@lru_cache(maxsize=64)
def _column_types(schema: pa.Schema) -> Mapping[str, str]:
    """Return DuckDB's type of each column. DuckDB itself is asked last: it imports pandas to answer."""
    try:
        return {field.name: column_type(field.type) for field in schema}
    except KeyError:
        return described(schema)


def described(schema: pa.Schema) -> Mapping[str, str]:
    """Return the type of each column as DuckDB describes it."""
    with duckdb.connect() as connection:
        connection.register("no_rows", schema.empty_table())
        return {name: kind for name, kind, *_ in connection.sql("DESCRIBE no_rows").fetchall()}


def column_type(kind: pa.DataType) -> str:
    """Return the type that DuckDB gives to columns of an Arrow type.

    Raises:
        KeyError: No column of our tables has such a type.
    """
    if pa.types.is_timestamp(kind):
        return "TIMESTAMP WITH TIME ZONE" if kind.tz else "TIMESTAMP"
    if pa.types.is_fixed_size_list(kind):
        return f"{column_type(kind.value_type)}[{kind.list_size}]"
    if pa.types.is_list(kind):
        return f"{column_type(kind.value_type)}[]"
    if pa.types.is_map(kind):
        return f"MAP({column_type(kind.key_type)}, {column_type(kind.item_type)})"
    if pa.types.is_struct(kind):
        fields = ", ".join(f'"{field.name}" {column_type(field.type)}' for field in kind)
        return f"STRUCT({fields})"
    return _TYPES[kind]


def _row_numbers(files: Sequence[DataFile]) -> str:
    if files:
        return f"FROM {scan(files, ', filename = true, file_row_number = true')}"
    return "SELECT '' AS video_id, '' AS shard, '' AS frame_id, '' AS filename, 0 AS file_row_number WHERE false"


def scan(files: Iterable[DataFile], options: str = "") -> str:
    """Return the SQL that reads these files."""
    # Paths are written into the SQL because a view cannot have parameters.
    paths = ", ".join(_literal(reader_path(file.path)) for file in files)
    return f"read_parquet([{paths}]{options})"


def _literal(value: str) -> str:
    """Return a string literal, for statements in which DuckDB takes no parameters."""
    return "'" + value.replace("'", "''") + "'"


def _groups(snapshot: Snapshot, table: str) -> list[_Group]:
    """Group files by schema, which the log knows."""
    by_schema: dict[str, list[DataFile]] = {}
    for file in snapshot.of(table):
        by_schema.setdefault(file.schema, []).append(file)
    return [_Group(snapshot.schemas[key], files) for key, files in by_schema.items()]


def _spaces(groups: Sequence[_Group], newest: str) -> dict[str, Space]:
    """Return the space of each embedding column in the files of the newest revision."""
    chosen = [group for group in groups if any(file.name.startswith(newest) for file in group.files)] or groups
    return {field.name: _space(field) for group in chosen[:1] for field in group.schema if is_embedding(field)}


def _space_name(table: str, column: str) -> str:
    return str(table_schema(table).field(column).metadata[b"space"].decode())


def _space(field: pa.Field) -> Space:
    return ((field.metadata or {}).get(b"model", b"").decode(), field.type.list_size)


def _select(table: str, groups: Sequence[_Group], spaces: Mapping[str, Space] | None = None) -> str:
    """Return the SQL that reads all files of a table, with its embedding columns in one space."""
    if not groups:
        return _empty(table)
    selects = []
    for group in groups:
        columns = [_cast(field, (spaces or {})[field.name]) for field in group.schema if is_embedding(field)]
        replaced = f" REPLACE ({', '.join(columns)})" if columns else ""
        replaced += "".join(f", {column}" for column in _lacking(table, group.schema, spaces or {}))
        selects.append(f"FROM {scan(group.files)} SELECT *{replaced}")
    return " UNION ALL BY NAME ".join(selects)


def _remembered(table: str, rows: str, snapshot: Snapshot) -> str:
    """Return the SQL that leaves out the rows of forgotten videos."""
    if table == "forgotten" or not snapshot.forgotten or "video_id" not in table_schema(table).names:
        return rows
    return f"FROM ({rows}) ANTI JOIN lake.forgotten USING (video_id)"


def _lacking(table: str, schema: pa.Schema, spaces: Mapping[str, Space]) -> list[str]:
    """Return the columns that files of an older version lack, as NULL."""
    types = dict(_column_types(table_schema(table)))
    types |= {name: f"FLOAT[{dimensions}]" for name, (_, dimensions) in spaces.items() if name in types}
    return [f"NULL::{types[name]} AS {name}" for name in types if name not in schema.names]


def _cast(field: pa.Field, space: Space) -> str:
    vector = f"{field.name}::FLOAT[{space[1]}]"
    if _space(field) != space:
        return f"NULL::FLOAT[{space[1]}] AS {field.name}"
    # The cosine of a zero vector is NaN, which sorts above every true similarity.
    return f"CASE WHEN array_inner_product({vector}, {vector}) > 0 THEN {vector} END AS {field.name}"


def _empty(table: str) -> str:
    """Return the SQL of a table that has no files yet."""
    columns = ", ".join(f"NULL::{kind} AS {name}" for name, kind in _column_types(table_schema(table)).items())
    return f"SELECT {columns} WHERE false"


def _create_view(connection: duckdb.DuckDBPyConnection, name: str, select: str) -> None:
    connection.execute(f"CREATE VIEW {name} AS {select}")


def _describe(connection: duckdb.DuckDBPyConnection) -> None:
    """Comment on tables and columns, for `duckdb_columns()` and `duckdb_views()`."""
    comments = []
    for table in TABLE_NAMES:
        comments.append(f"COMMENT ON VIEW {table} IS {_literal(DESCRIPTIONS[table])}")
        for field in view_schema(table):
            meaning = _literal(field.metadata[b"description"].decode())
            comments.append(f"COMMENT ON COLUMN {table}.{field.name} IS {meaning}")
    comments += [f"COMMENT ON VIEW {view} IS {_literal(meaning)}" for view, meaning in MOMENT_VIEWS.items()]
    run_parsed(connection, "; ".join(comments))
