"""Engines that tests of commands open once for a lake, instead of once for each command."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from pipeline.lake import query
from pipeline.lake.log import Log


@contextmanager
def engines_kept() -> Iterator[None]:
    """Let all `Lake` objects of a location read it through one `Reader`, as pages and search of one object do."""
    kept: dict[str, query.Reader] = {}
    make = query.Reader

    def reader(log: Log) -> query.Reader:
        return kept.setdefault(log.store.absolute_uri, make(log))

    with patch.object(query, "Reader", reader):
        yield
