"""Search, pages and SQL share one open lake, and none of them sees what a search does to its views meanwhile."""

from unittest.mock import Mock

import duckdb
import pytest

from pipeline.lake import Lake, query
from pipeline.search import Searcher
from pipeline.search.segment import load_content
from pipeline.view import LakeReader
from tests.pipeline.lake.lakes import publish

_VIDEOS = "SELECT video_id FROM videos ORDER BY video_id"


@pytest.fixture
def filled(lake: Lake) -> Lake:
    publish(lake, "01", ["v01", "v02"])
    publish(lake, "02", ["v03"])
    return lake


def test_search_pages_and_sql_open_a_lake_once(filled: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Mock(wraps=query.connect)
    monkeypatch.setattr("pipeline.lake.query.connect", opened)
    assert Searcher(filled).moments
    for _ in range(2):
        assert len(LakeReader(filled).ask(lambda connection: connection.execute(_VIDEOS).fetchall())) == 3
    assert filled.sql(_VIDEOS).num_rows == 3
    assert opened.call_count == 1


@pytest.mark.parametrize("fails", [False, True])
def test_what_is_hidden_while_some_videos_are_loaded_is_there_again(
    filled: Lake, monkeypatch: pytest.MonkeyPatch, *, fails: bool
) -> None:
    during: list[list[str]] = []

    def load(connection: duckdb.DuckDBPyConnection, *_: object) -> None:
        during.append([video for (video,) in connection.execute(_VIDEOS).fetchall()])
        during.append(filled.sql(_VIDEOS)["video_id"].to_pylist())
        if fails:
            raise KeyboardInterrupt

    monkeypatch.setattr("pipeline.search.segment.load_vectors", load)

    def work(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, ...]]:
        try:
            assert load_content(connection, {"v01": "01"}).rows["video_id"].unique().to_pylist() == ["v01"]
        except KeyboardInterrupt:
            assert fails
        tables = "SELECT table_name FROM duckdb_tables() WHERE table_name IN ('wanted', 'searchable')"
        return connection.execute(_VIDEOS).fetchall() + connection.execute(tables).fetchall()

    assert filled.read(work) == [("v01",), ("v02",), ("v03",)]
    assert during[:2] == [["v01"], ["v01", "v02", "v03"]]
