"""The files are plain Parquet: what other engines read from them without our help."""

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from pipeline.lake import Lake
from pipeline.lake.parquet import RowGroupWriter, merge, row_groups
from schemas.tables import FORMAT_VERSION, VIDEO_TABLES, table_schema
from tests.pipeline.lake.lakes import COORDINATED, TEXT, VISION, contents, publish

COUNTS = {
    "videos": 3,
    "shots": 6,
    "frames": 6,
    "objects": 12,
    "utterances": 6,
    "sounds": 2,
    "subtitles": 4,
    "scenes": 6,
    "entities": 2,
    "summaries": 2,
    "errors": 1,
}


@pytest.fixture(scope="module", params=["committed", "compacted"])
def lake(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    made = Lake.create(str(tmp_path_factory.mktemp("readability") / "lake"))
    publish(made, "01", ["v01", "v02"], failed=["v02"])
    publish(made, "02", ["v03"])
    if request.param == "compacted":
        made.compact()
    return made


@pytest.mark.slow
@pytest.mark.parametrize("table", VIDEO_TABLES)
def test_duckdb_reads_the_folder_of_a_table(lake: Lake, table: str) -> None:
    connection = duckdb.connect()
    rows = connection.execute(f"SELECT count(*) FROM read_parquet('{lake.uri}/{table}/*.parquet')").fetchall()
    connection.close()
    assert rows == [(COUNTS[table],)]


@pytest.mark.slow
@pytest.mark.parametrize("table", VIDEO_TABLES)
def test_arrow_and_pandas_read_the_folder_of_a_table(lake: Lake, table: str) -> None:
    import pandas as pd

    schema = table_schema(table, text=TEXT, vision=VISION, coordinated=COORDINATED)
    found = ds.dataset(f"{lake.uri}/{table}").to_table()
    assert found.num_rows == COUNTS[table]
    assert found.schema.equals(schema)
    assert list(pd.read_parquet(f"{lake.uri}/{table}").columns) == schema.names


def test_engines_skip_the_internal_files_of_a_lake_folder(lake: Lake) -> None:
    folders = {path.name for path in Path(lake.uri).iterdir() if not path.name.startswith("_")}
    assert folders == set(VIDEO_TABLES)


def test_the_rule_in_the_reference_gives_other_engines_the_rows_of_the_views(lake: Lake) -> None:
    import pandas as pd

    videos = pd.read_parquet(f"{lake.uri}/videos")
    newest = videos[videos.status == "ok"].sort_values("committed_at").drop_duplicates("video_id", keep="last")
    frames = pd.read_parquet(f"{lake.uri}/frames").merge(newest[["video_id", "shard"]], on=["video_id", "shard"])
    assert sorted(frames.frame_id) == sorted(row["frame_id"] for row in contents(lake)["frames"])


def test_columns_keep_their_meaning_unit_and_model_in_the_files(lake: Lake) -> None:
    [name, *_] = lake._store.names("utterances")
    schema = pq.read_schema(f"{lake.uri}/utterances/{name}")
    assert schema.field("embedding").metadata[b"model"] == TEXT[0].encode()
    assert schema.field("start_s").metadata[b"unit"] == b"s"
    assert schema.metadata[b"videolake.format"] == str(FORMAT_VERSION).encode()


def test_files_are_compressed_and_have_useful_statistics(lake: Lake) -> None:
    [name, *_] = lake._store.names("frames")
    group = pq.read_metadata(f"{lake.uri}/frames/{name}").row_group(0)
    columns = {group.column(index).path_in_schema: group.column(index) for index in range(group.num_columns)}
    assert {column.compression for column in columns.values()} == {"ZSTD"}
    assert columns["video_id"].statistics.min <= columns["video_id"].statistics.max
    assert columns["time_s"].has_column_index
    assert columns["video_id"].has_dictionary_page
    assert not columns["thumbnail"].is_stats_set
    assert not columns["embedding.list.element"].has_dictionary_page


def rows(count: int, size: int = 0) -> pa.Table:
    return pa.table({"number": range(count), "bytes": pa.array([bytes(size)] * count, pa.binary())})


def test_many_small_tables_become_few_row_groups(tmp_path: Path) -> None:
    merge((rows(10) for _ in range(100)), tmp_path / "merged", rows(1).schema)
    assert pq.read_metadata(tmp_path / "merged").num_row_groups == 1
    assert pq.read_table(tmp_path / "merged")["number"].to_pylist() == list(range(10)) * 100


def test_row_groups_stay_under_their_limits(tmp_path: Path) -> None:
    path = tmp_path / "grouped"
    with RowGroupWriter(path, rows(1).schema, max_rows=64, max_bytes=10_000) as writer:
        for table in (rows(1000), rows(50, size=1000), rows(1, size=50_000), rows(3)):
            writer.add(table)
    with pq.ParquetFile(path) as file:
        groups = list(row_groups(file))
    assert sum(group.num_rows for group in groups) == 1054
    assert max(group.num_rows for group in groups) <= 64
    assert all(group.nbytes <= 11_000 or group.num_rows == 1 for group in groups)


def test_a_table_without_rows_is_a_file_with_columns(tmp_path: Path) -> None:
    with RowGroupWriter(tmp_path / "empty", table_schema("shots")) as writer:
        writer.add(table_schema("shots").empty_table())
    assert pq.read_table(tmp_path / "empty").schema.equals(table_schema("shots"))


def test_rows_of_a_shard_are_in_order_of_video(tmp_path: Path) -> None:
    lake = Lake.create(str(tmp_path / "sorted"))
    publish(lake, "01", ["v03", "v01", "v02"])
    [name] = lake._store.names("shots")
    found = pq.read_table(f"{lake.uri}/shots/{name}")["video_id"].to_pylist()
    assert found == sorted(found)
