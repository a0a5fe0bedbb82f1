"""SQL statements that are parsed once in a process, however many lakes it opens."""

from collections.abc import Sequence

import duckdb

_MAX_KEPT = 64
_kept: dict[str, Sequence[duckdb.Statement]] = {}
"""Parsed statements by their SQL."""


def run_parsed(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Run statements that are the same for most lakes. Parsing them takes DuckDB up to half as long as running them."""
    statements = _kept.get(sql)
    if statements is None:
        if len(_kept) >= _MAX_KEPT:
            _kept.clear()
        # `duckdb.extract_statements` would obey what the program has set for the connection that it shares.
        statements = _kept[sql] = connection.extract_statements(sql)
    for statement in statements:
        connection.execute(statement)
