from pathlib import Path

import duckdb
import pytest

from pipeline.lake import Lake
from pipeline.lake.statements import run_parsed
from schemas.errors import LakeError
from tests.pipeline.lake.conftest import ON_OBJECT_STORES_AT_NIGHT
from tests.pipeline.lake.lakes import publish


@pytest.fixture(scope="module")
def on_disk(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    made = Lake.create(str(tmp_path_factory.mktemp("query") / "lake"))
    publish(made, "01", ["v01"])
    return made


@pytest.fixture(scope="module")
def filled(any_folder: str) -> Lake:
    made = Lake.create(f"{any_folder}/lake")
    publish(made, "01", ["v01"])
    return made


@pytest.mark.slow
@pytest.mark.parametrize(
    "query",
    [
        "COPY (SELECT 1) TO '{inside}'",
        "WITH x AS (COPY (SELECT 1) TO '{inside}') SELECT * FROM x",
        "WITH x AS (COPY (SELECT 1) TO 'videolake://frames/new.parquet') SELECT * FROM x",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '{inside}'",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO 'videolake://videos/new.parquet'",
        "ATTACH '{inside}'",
        "ATTACH 'videolake://videos/new.db'",
        "EXPORT DATABASE '{inside}'",
        "CREATE TABLE videos2 AS FROM videos",
        "DROP VIEW videos",
        "SET enable_external_access = true",
        "PRAGMA enable_profiling = 'json'",
        "FROM enable_profiling(save_location = '{inside}')",
        "FROM enable_logging(storage = 'file', storage_path = '{inside}')",
        "INSTALL httpfs",
        "LOAD httpfs",
        "FROM read_csv('https://localhost:1/x.csv')",
        "FROM read_text('{outside}')",
        "FROM '{outside}'",
        "FROM glob('{outside}')",
        "FROM read_text('videolake://_videolake.json')",
        "FROM read_text('videolake://videos/../_videolake.json')",
        "FROM read_text('videolake:///{outside}')",
        "FROM read_blob('file://{outside}')",
    ],
)
def test_a_query_can_only_read_the_tables(filled: Lake, tmp_path: Path, query: str) -> None:
    outside = tmp_path / "secret.txt"
    outside.write_text("secret")
    before = sorted(tmp_path.rglob("*")), filled._store.tree("")
    with pytest.raises(LakeError):
        filled.sql(query.format(inside=f"{filled.uri}/frames/new.parquet", outside=outside))
    assert (sorted(tmp_path.rglob("*")), filled._store.tree("")) == before


@ON_OBJECT_STORES_AT_NIGHT
def test_variables_of_the_program_are_not_tables(filled: Lake) -> None:
    secret = filled.sql("SELECT 1")
    assert secret.num_rows == 1
    with pytest.raises(LakeError, match="does not exist"):
        filled.sql("FROM secret")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT * FROM framez", 'Did you mean "frames"'),
        ("SELEC 1", "syntax error"),
        ("SELECT nothing FROM videos", "nothing"),
        ("SELECT 1; SELECT 2", "one SQL statement"),
        ("", "one SQL statement"),
        ("UPDATE videos SET status = 'ok'", "read-only"),
    ],
)
@ON_OBJECT_STORES_AT_NIGHT
def test_an_invalid_query_is_explained(filled: Lake, query: str, message: str) -> None:
    with pytest.raises(LakeError, match=message):
        filled.sql(query)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "listed"),
    [
        ("FROM framez", True),
        ("SELECT nothing FROM videos", True),
        ("SELECT videos.nothing FROM videos", True),
        ("SELECT v.uri FROM videos", True),
        ("FROM videos JOIN frames USING (nothing)", True),
        ("FROM read_csv('/etc/passwd')", False),
        ("SELEC 1", False),
        ("SELECT nothing(uri) FROM videos", False),
        ("SELECT uri, count(*) FROM videos", False),
        ("SELECT 'x'::INT", False),
    ],
)
@ON_OBJECT_STORES_AT_NIGHT
def test_the_error_for_an_unknown_table_or_column_lists_the_tables(filled: Lake, query: str, listed: bool) -> None:
    with pytest.raises(LakeError) as error:
        filled.sql(query)
    assert ("Tables: videos, shots, frames" in str(error.value)) == listed


@pytest.mark.slow
@pytest.mark.parametrize(
    "query", ["SHOW TABLES", "DESCRIBE frames", "SUMMARIZE shots", "EXPLAIN FROM videos", "FROM videos;", "VALUES (1)"]
)
@ON_OBJECT_STORES_AT_NIGHT
def test_statements_that_only_read_are_allowed(filled: Lake, query: str) -> None:
    assert filled.sql(query).num_rows > 0


@ON_OBJECT_STORES_AT_NIGHT
def test_show_tables_names_the_tables_and_nothing_internal(filled: Lake) -> None:
    assert set(filled.sql("SHOW TABLES")["name"].to_pylist()) == {
        "videos", "shots", "frames", "objects", "utterances", "sounds", "subtitles", "scenes", "entities", "summaries",
        "errors", "runs", "sources", "forgotten", "corrections", "all_videos", "all_errors", "former_videos", "moments",
        "shot_objects", "words", "chapters", "file_chapters", "highlights", "sentences", "mentions",
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", ["with space", "it's", "br[a]cket*", "ünï", "semi;colon", "per%20cent"])
def test_a_lake_may_be_in_a_folder_of_any_name(tmp_path: Path, name: str) -> None:
    lake = Lake.create(str(tmp_path / name))
    publish(lake, "01", ["v01"])
    publish(lake, "02", ["v02"])
    lake.compact()
    assert lake.sql("SELECT count(*) AS n FROM frames")["n"][0].as_py() == 6


@pytest.mark.parametrize(
    "query",
    [
        "SELECT count(*) FROM MOMENTS",
        "FROM query_table('mom' || 'ents') SELECT count(*)",
        "SELECT count(*) FROM (SHOW TABLES) WHERE name = 'moments'",
        "SELECT count(*) FROM (DESC) WHERE name LIKE 'moment_'",
        "SELECT count(*) FROM (/* all */ DESC) WHERE name LIKE 'moment_'",
        "SELECT count(*) FROM information_schema.tables WHERE table_name = 'moments'",
        "SELECT count(*) FROM duckdb_views() WHERE view_name = 'moments' AND comment <> ''",
        "SELECT clock(61)",
    ],
)
def test_views_about_moments_are_made_for_the_first_query_that_needs_them(on_disk: Lake, query: str) -> None:
    lake = Lake(on_disk.uri)
    assert lake.sql("FROM videos ORDER BY video_id DESC").num_rows == 1
    assert not lake._reader._has_moments, "it opened the lake without them"
    assert lake.sql(query).column(0)[0].as_py() not in {0, None}
    assert lake.read(lambda connection: connection.sql("FROM moments").fetchall())
    assert lake.sql("FROM videos").num_rows == 1


@ON_OBJECT_STORES_AT_NIGHT
def test_a_query_that_fails_after_its_first_rows_is_not_run_again_with_those_views(filled: Lake) -> None:
    lake, batches = Lake(filled.uri), []
    with pytest.raises(LakeError, match="row 999999"):
        lake.stream("SELECT if(i = 999999, error('row ' || i), i) FROM range(1000000) rows(i)", batches.extend)
    assert 0 < sum(batch.num_rows for batch in batches) < 1_000_000
    assert not lake._reader._has_moments


def test_a_lake_does_not_obey_what_a_program_has_set_for_duckdb() -> None:
    duckdb.execute("SET integer_division = true")
    try:
        with duckdb.connect() as connection:
            run_parsed(connection, "CREATE VIEW halves AS SELECT 1 / 2 AS half")
            assert connection.execute("FROM halves").fetchone() == (0.5,)
    finally:
        duckdb.execute("RESET integer_division")
