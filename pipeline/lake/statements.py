"""SQL statements that are parsed once in a process, however many lakes it opens."""

from collections.abc import Sequence
from functools import lru_cache

import duckdb


def run_parsed(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Run statements that are the same for most lakes. Parsing them takes DuckDB up to half as long as running them."""
    for statement in _parsed(sql):
        connection.execute(statement)


@lru_cache(maxsize=64)
def _parsed(sql: str) -> Sequence[duckdb.Statement]:
    return duckdb.extract_statements(sql)
