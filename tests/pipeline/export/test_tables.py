import csv
import json
from decimal import Decimal
from io import BytesIO, StringIO

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.export.tables import WRITERS, write_csv, write_json, write_jsonl, write_parquet

EVERYTHING = """
SELECT 1 AS whole, 'nan'::DOUBLE AS nan, '-inf'::FLOAT AS infinite, [1.5::DOUBLE, 'nan'] AS list,
    {'a': [1], 'b': 'x'} AS struct, MAP {'step': 2.5::DOUBLE} AS map, '\\x00\\xFF'::BLOB AS bytes,
    12.50::DECIMAL(5, 2) AS decimal, sum(7) AS huge, TIMESTAMPTZ '2026-11-24 12:00:00+00' AS moment,
    INTERVAL 1 DAY AS span, NULL AS nothing, true AS yes, 'é "q", ' || chr(10) AS text,
    [0.5, 0.25]::FLOAT[2] AS vector, 18446744073709551615::UBIGINT AS big
"""
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def answer(query: str) -> pa.RecordBatchReader:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.sql(query).to_arrow_table().to_reader(max_chunksize=7)


def written(writer: object, reader: pa.RecordBatchReader, **options: bool) -> str:
    file = BytesIO()
    writer(reader, file, **options)
    return file.getvalue().decode("utf-8")


def test_json_holds_values_of_every_type() -> None:
    [row] = json.loads(written(write_json, answer(EVERYTHING)))
    assert row == {
        "whole": 1, "nan": None, "infinite": None, "list": [1.5, None], "struct": {"a": [1], "b": "x"},
        "map": {"step": 2.5}, "bytes": "<2 bytes>", "decimal": 12.5, "huge": 7,
        "moment": "2026-11-24 12:00:00+00:00", "span": row["span"], "nothing": None, "yes": True,
        "text": 'é "q", \n', "vector": [0.5, 0.25], "big": 18446744073709551615,
    }  # fmt: skip


def test_json_holds_all_digits_of_decimals() -> None:
    query = """
        SELECT 12345678901234567890.123456789012345678::DECIMAL(38, 18) AS long, -0.10::DECIMAL(5, 2) AS short,
            0::DECIMAL(38, 18) AS zero, 3::DECIMAL(38, 0) AS whole, NULL::DECIMAL(5, 2) AS nothing,
            [1.10::DECIMAL(4, 2)] AS list, {'a': 1.20::DECIMAL(4, 2)} AS struct
    """
    text = written(write_jsonl, answer(query))
    assert text == (
        '{"long": 12345678901234567890.123456789012345678, "short": -0.10, "zero": 0.000000000000000000, "whole": 3, '
        '"nothing": null, "list": [1.10], "struct": {"a": 1.20}}\n'
    )
    assert json.loads(text, parse_float=Decimal)["long"] == Decimal("12345678901234567890.123456789012345678")
    [row] = csv.DictReader(StringIO(written(write_csv, answer(query)), newline=""))
    assert (row["list"], row["struct"]) == ("[1.10]", '{"a": 1.20}')


def test_csv_holds_nested_values_as_json() -> None:
    [row] = csv.DictReader(StringIO(written(write_csv, answer(EVERYTHING)), newline=""))
    assert json.loads(row["struct"]) == {"a": [1], "b": "x"}
    assert json.loads(row["map"]) == {"step": 2.5}
    assert json.loads(row["vector"]) == [0.5, 0.25]
    assert (row["bytes"], row["huge"], row["nothing"], row["text"]) == ("<2 bytes>", "7", "", 'é "q", \n')


def test_parquet_keeps_everything_it_can_hold() -> None:
    query = EVERYTHING.replace("INTERVAL 1 DAY AS span, ", "")
    file = BytesIO()
    assert write_parquet(answer(query), file) == 1
    [before], [after] = answer(query).read_all().to_pylist(), pq.read_table(file).to_pylist()
    assert str(after) == str(before)


@pytest.mark.parametrize("ending", WRITERS)
@pytest.mark.parametrize("rows", [0, 1, 20])
def test_any_number_of_rows_is_written_whole(ending: str, rows: int) -> None:
    file = BytesIO()
    assert WRITERS[ending](answer(f"SELECT i, 'row ' || i AS t FROM range({rows}) r(i)"), file) == rows
    text = file.getvalue()
    found = {
        ".csv": lambda: list(csv.DictReader(StringIO(text.decode()))),
        ".json": lambda: json.loads(text),
        ".jsonl": lambda: [json.loads(line) for line in text.splitlines()],
        ".parquet": lambda: pq.read_table(BytesIO(text)).to_pylist(),
    }[ending]()
    assert [row["t"] for row in found] == [f"row {number}" for number in range(rows)]


@given(st.lists(TEXT, max_size=10))
def test_text_survives_every_format(texts: list[str]) -> None:
    table = pa.table({"t": pa.array(texts, pa.string()), "n": range(len(texts))})
    assert [json.loads(line)["t"] for line in written(write_jsonl, table.to_reader()).split("\n") if line] == texts
    assert [row["t"] for row in json.loads(written(write_json, table.to_reader()))] == texts
    rows = csv.DictReader(StringIO(written(write_csv, table.to_reader()), newline=""))
    assert [row["t"] for row in rows] == texts


@given(st.lists(st.builds(str.__add__, st.sampled_from(["", *FORMULAS, "a"]), TEXT), max_size=8))
def test_csv_for_spreadsheets_holds_no_formula_and_the_same_text_behind_the_apostrophe(texts: list[str]) -> None:
    table = pa.table({"t": pa.array(texts, pa.string()), "n": [-1.5] * len(texts)})
    made = written(write_csv, table.to_reader(), spreadsheet=True)
    assert made.startswith("\ufeff")
    rows = list(csv.DictReader(StringIO(made.removeprefix("\ufeff"), newline="")))
    assert not any(row["t"].startswith(FORMULAS) for row in rows)
    assert [row["t"].removeprefix("'") for row in rows] == [text.removeprefix("'") for text in texts]
    assert {row["n"] for row in rows} <= {"-1.5"}


def test_csv_for_spreadsheets_holds_no_formula_of_a_fixed_choice_either() -> None:
    assert "'=1" in written(write_csv, answer("SELECT '=1'::ENUM('=1', 'b') AS t"), spreadsheet=True)


def test_large_rows_come_in_smaller_row_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.export.tables._GROUP_BYTES", 640_000)
    file = BytesIO()
    batches = pa.table({"picture": [b"x" * 10_000] * 130}).to_batches(max_chunksize=10)
    write_parquet(pa.RecordBatchReader.from_batches(batches[0].schema, batches), file)
    groups = pq.ParquetFile(file).metadata
    assert [groups.row_group(number).num_rows for number in range(2)] == [70, 60]


def test_a_result_larger_than_memory_is_written_in_batches() -> None:
    peaks = []
    for rows in (20_000, 400_000):
        pa.default_memory_pool().release_unused()
        with duckdb.connect() as connection:
            reader = connection.sql(f"SELECT repeat('x', 500) || i AS t FROM range({rows}) r(i)").to_arrow_reader(2048)
            before = pa.total_allocated_bytes()
            held = []
            counted = pa.RecordBatchReader.from_batches(
                reader.schema, (held.append(pa.total_allocated_bytes() - before) or batch for batch in reader)
            )
            assert write_csv(counted, BytesIO()) == rows
        peaks.append(max(held))
    assert peaks[1] < 3 * max(peaks[0], 1_000_000)
