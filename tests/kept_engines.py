"""Engines that tests of commands open once for a lake, instead of once for each command."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import duckdb

from pipeline.lake import query
from pipeline.lake.files import LakeFiles
from pipeline.lake.log import Log


class _Kept:
    """The engines of a location: one without the views about moments, and one with them."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._lock = threading.Lock()
        self._engines: dict[bool, tuple[duckdb.DuckDBPyConnection, LakeFiles]] = {}

    def cursor(self, *, moments: bool) -> tuple[duckdb.DuckDBPyConnection, LakeFiles]:
        with self._lock:
            engine = self._engines.get(moments)
            if engine is None or engine[1].vanished or engine[1].snapshot is not self._log.snapshot():
                engine = self._engines[moments] = query.connect(self._log, comments=False, moments=moments)
            return engine[0].cursor(), engine[1]


class _Reader(query.Reader):
    """Like the first one of a process, it has no views about moments until something needs them."""

    def __init__(self, log: Log, kept: _Kept) -> None:
        super().__init__(log)
        self._kept = kept

    def _cursor(self, *, moments: bool) -> tuple[duckdb.DuckDBPyConnection, LakeFiles]:
        self._has_moments = moments or self._has_moments
        return self._kept.cursor(moments=self._has_moments)


@contextmanager
def engines_kept() -> Iterator[None]:
    """Let all `Lake` objects of a location share engines, as pages and search of one object do."""
    kept: dict[str, _Kept] = {}

    def reader(log: Log) -> _Reader:
        return _Reader(log, kept.setdefault(log.store.absolute_uri, _Kept(log)))

    with patch.object(query, "Reader", reader):
        yield
