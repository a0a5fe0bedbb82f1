"""Engines that know nothing of Videolake read its files, as docs/readers.md shows."""

import re
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from pipeline.lake import Lake
from pipeline.lake.log import Log
from schemas.tables import TABLE_NAMES
from tests.pipeline.lake.lakes import NOON, publish, stage

PAGE = (Path(__file__).parent.parent / "docs" / "readers.md").read_text(encoding="utf-8")
SQL = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
PYTHON = dict(re.findall(r"## (\w+)\n\n```python\n(.*?)```", PAGE, re.DOTALL))


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.fixture(scope="module", params=["committed", "compacted"])
def lake(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Videos that were analysed twice, failed, failed later, and a commit that was killed before it counted."""
    made = Lake.create(str(tmp_path_factory.mktemp("readers") / "lake"))
    publish(made, "01", ["v01", "v02", "v04"], failed=["v02"])
    publish(made, "02", ["v01", "v03"], revision="b" * 16, minutes=10)
    publish(made, "03", ["v04"], failed=["v04"], minutes=20)
    made.write_sources(
        "run1", [{"uri": "/a", "size_bytes": 1, "mtime_ns": 1, "video_id": "v01", "seen_at": NOON}]
    )  # fmt: skip
    if request.param == "compacted":
        made.compact()
    stage(made, "99", ["v09"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Log, "append", _killed)
        with pytest.raises(KeyboardInterrupt):
            made.commit("99", "a1b2c3d4e5f60718")
    for path in Path(made.uri, "videos").glob("*-99-*.parquet"):
        path.unlink()  # as where a run is killed just before this file
    stage(made, "98", ["v08"])
    return made


def test_the_test_lake_has_rows_that_do_not_count(lake: Lake) -> None:
    assert ds.dataset(f"{lake.uri}/frames").count_rows() > lake.sql("FROM frames").num_rows == 9


@pytest.mark.parametrize("engine", ["DuckDB", "Polars", "pandas", "PyArrow"])
def test_an_engine_finds_the_rows_that_count_as_the_page_shows(lake: Lake, engine: str) -> None:
    names: dict[str, Any] = {"LAKE": lake.uri}
    exec(PYTHON[engine], names)
    rows = names["rows"]
    if not isinstance(rows, pa.Table):
        rows = rows.to_arrow() if engine == "Polars" else pa.Table.from_pandas(rows)
    expected = lake.sql("SELECT frame_id, time_s, caption FROM frames ORDER BY frame_id").to_pylist()
    assert rows.select(["frame_id", "time_s", "caption"]).sort_by("frame_id").to_pylist() == expected


def test_the_query_of_the_page_gives_the_rows_that_count(lake: Lake) -> None:
    [query] = SQL
    with duckdb.connect() as connection:
        found = connection.sql(query.replace("LAKE", lake.uri)).to_arrow_table()
    assert found.equals(lake.sql("SELECT frame_id, time_s, caption FROM frames ORDER BY frame_id"))


@pytest.mark.parametrize("table", [name for name in TABLE_NAMES if name not in {"runs", "forgotten", "corrections"}])
def test_every_table_is_read_whole_by_every_engine(lake: Lake, table: str) -> None:
    import polars as pl

    folder = f"{lake.uri}/{table}"
    rows = ds.dataset(folder).to_table()
    polars = pl.read_parquet(f"{folder}/*.parquet")
    with duckdb.connect() as connection:
        duck = connection.sql(f"FROM read_parquet('{folder}/*.parquet')").to_arrow_table()
    assert set(polars.columns) == set(duck.column_names) == set(rows.column_names)
    assert len(polars) == duck.num_rows == rows.num_rows
    assert len(rows.to_pandas()) == rows.num_rows


def test_a_folder_is_read_by_its_name_without_internal_files(lake: Lake) -> None:
    whole = ds.dataset(lake.uri, format="parquet", exclude_invalid_files=False)
    assert not any("/_" in path.removeprefix(lake.uri) for path in whole.files)
    assert all("=" not in path.removeprefix(lake.uri) for path in whole.files)


def test_vectors_are_arrays_of_fixed_length(lake: Lake) -> None:
    import polars as pl

    [width] = {each.type.list_size for each in [ds.dataset(f"{lake.uri}/frames").schema.field("embedding")]}
    frame = pl.read_parquet(f"{lake.uri}/frames/*.parquet", columns=["embedding"])
    assert frame.schema["embedding"] == pl.Array(pl.Float32, width)
    norms = (frame["embedding"].to_numpy() ** 2).sum(axis=1)
    assert norms == pytest.approx(1.0, abs=1e-5)
