import csv
import json
from io import StringIO
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from flows.cli import main
from pipeline.lake import Lake
from tests.pipeline.lake.lakes import publish


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> str:
    made = Lake.create(str(tmp_path_factory.mktemp("sql") / "lake"))
    publish(made, "01", ["v001", "v002", "v003"], failed=["v003"])
    return made.uri


def sql(lake: str, query: str, *arguments: object) -> Result:
    return CliRunner().invoke(main, ["sql", query, "--lake", lake, *map(str, arguments)])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("table", "ending"),
    [
        ("videos", "csv"), ("videos", "json"), ("frames", "csv"), ("frames", "parquet"), ("utterances", "jsonl"),
        ("scenes", "json"), ("summaries", "csv"), ("summaries", "parquet"), ("errors", "json"), ("runs", "csv"),
    ],
)  # fmt: skip
def test_every_table_is_written_to_a_file(lake: str, tmp_path: Path, table: str, ending: str) -> None:
    path = tmp_path / "new folder" / f"{table}.{ending}"
    result = sql(lake, f"FROM {table}", "-o", path)
    assert result.exit_code == 0, result.output
    text = path.read_bytes()
    rows = {
        "csv": lambda: list(csv.DictReader(StringIO(text.decode()))),
        "json": lambda: json.loads(text),
        "jsonl": lambda: [json.loads(line) for line in text.splitlines()],
        "parquet": lambda: pq.read_table(path).to_pylist(),
    }[ending]()
    assert f"{len(rows)} rows in" in result.stderr
    assert len(rows) == Lake(lake).sql(f"FROM {table}").num_rows


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["-o", "out.xlsx"], 2, ".parquet, .csv, .json or .jsonl"),
        (["-o", "out"], 2, ".parquet"),
        (["-o", "/dev/null/out.csv"], 1, "cannot be written"),
        (["-o", "/"], 2, ".parquet"),
        (["--format", "json", "--spreadsheet"], 2, "CSV"),
    ],
)
def test_a_file_that_cannot_be_written_is_reported(lake: str, arguments: list[str], code: int, said: str) -> None:
    result = sql(lake, "FROM videos", *arguments)
    assert result.exit_code == code, result.output
    assert said in result.stderr
    assert not Path("out.xlsx").exists()


def test_a_query_that_fails_midway_keeps_the_existing_file(lake: str, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("precious")
    result = sql(
        lake, "SELECT CASE WHEN i > 50000 THEN error('stop') ELSE i END AS n FROM range(100000) r(i)", "-o", path
    )
    assert result.exit_code == 1
    assert "stop" in result.stderr
    assert "cannot be written" not in result.stderr
    assert (path.read_text(), [each.name for each in tmp_path.iterdir()]) == ("precious", ["out.csv"])


def test_a_query_that_fails_midway_is_reported_on_standard_output_too(lake: str) -> None:
    query = "SELECT CASE WHEN i > 50000 THEN error('stop') ELSE i END AS n FROM range(100000) r(i)"
    result = sql(lake, query, "--format", "csv")
    assert (result.exit_code, "error: " in result.stderr, "stop" in result.stderr) == (1, True, True)


@pytest.mark.parametrize("arguments", [["--format", "jsonl"], ["--format", "csv"], []])
def test_columns_with_the_same_name_are_all_kept(lake: str, arguments: list[str]) -> None:
    result = sql(lake, "SELECT 'one' AS n, 'two' AS n, 'three' AS n_1", *arguments)
    assert [each in result.stdout for each in ("one", "two", "three", "n_2")] == [True] * 4


@pytest.mark.parametrize(("rows", "more"), [(0, 0), (200, 0), (201, 1), (5000, 4800)])
def test_a_table_shows_the_first_rows_and_says_how_many_more_there_are(lake: str, rows: int, more: int) -> None:
    result = sql(lake, f"SELECT 'row ' || i AS n FROM range({rows}) r(i)")
    assert result.stdout.count("row ") == min(rows, 200)
    assert (f"… {more} more rows" in result.stderr) == (more > 0)


def test_csv_for_a_spreadsheet_holds_no_formulas(lake: str) -> None:
    query = "SELECT '=HYPERLINK(\"http://x\")' AS text"
    assert '"=HYPERLINK(""http://x"")"' in sql(lake, query, "--format", "csv").stdout
    assert "'=HYPERLINK" in sql(lake, query, "--format", "csv", "--spreadsheet").stdout


def test_a_result_too_wide_for_a_table_is_printed_row_by_row(lake: str) -> None:
    lines = sql(lake, "FROM videos").stdout.splitlines()
    assert [line for line in lines if line.startswith("row ")] == ["row 1", "row 2", "row 3"]
    assert any(line.split() == ["video_id", "v001"] for line in lines)


def test_lists_and_structs_are_printed_as_json_with_few_decimals(lake: str) -> None:
    printed = sql(lake, "SELECT [{'label': 'a \u201ccat\u201d', 'score': 0.123456::FLOAT}] AS seen").stdout
    assert '[{"label": "a “cat”", "score": 0.123}]' in printed


def test_a_spreadsheet_is_csv(lake: str) -> None:
    asked = "SELECT '=1+1' AS cell"
    assert sql(lake, asked, "--spreadsheet").stdout == sql(lake, asked, "--spreadsheet", "--format", "csv").stdout
    assert "'=1+1" in sql(lake, asked, "--spreadsheet").stdout


def test_decimals_are_printed_with_all_digits(lake: str) -> None:
    asked = "SELECT 1234567890123456789.25::DECIMAL(38, 2) AS d, [0.10::DECIMAL(4, 2)] AS l"
    assert "1234567890123456789.25" in sql(lake, asked).stdout
    assert "[0.10]" in sql(lake, asked).stdout
