"""Query results of any size as CSV, JSON, JSON Lines or Parquet, in batches.

CSV holds plain values only, so lists and structs are written as JSON in it. JSON has no bytes, NaN or infinity: bytes,
such as thumbnails, are written as their number, and the others as null. Decimals are numbers with all their digits.
Parquet keeps everything.
"""

import json
import math
import re
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

_FORMULA = r"^[=+\-@\t\r\n＝＋－＠]"  # noqa: RUF001
"""Start of a cell that spreadsheets take for a formula. Some of them accept full-width marks, too."""
_BYTE_ORDER_MARK = "\ufeff".encode()
_EXACT_MARK = f"decimal {uuid.uuid4().hex} "
_EXACT = re.compile(rf'"{_EXACT_MARK}(-?[0-9.]+)"')
"""Digits of a decimal, which `json` writes as text. No text of a lake can contain the mark."""
_GROUP_ROWS, _GROUP_BYTES = 65_536, 64_000_000

Writer = Callable[[pa.RecordBatchReader, IO[bytes]], int]
"""Writes batches, and returns the number of rows."""


def write_csv(reader: pa.RecordBatchReader, file: IO[bytes], *, spreadsheet: bool = False) -> int:
    """Write CSV in UTF-8, with a header.

    Args:
        reader: The result.
        file: Output file.
        spreadsheet: Make the file safe for spreadsheets: text that looks like a formula gets a leading apostrophe, and
            a byte order mark says that the file is UTF-8.

    Returns:
        Number of rows.
    """
    if spreadsheet:
        file.write(_BYTE_ORDER_MARK)
    flat = pa.schema([pa.field(field.name, _flat_type(field.type)) for field in reader.schema])
    rows = 0
    with pa_csv.CSVWriter(file, flat) as writer:
        for batch in reader:
            columns = [_flat(column) for column in batch.columns]
            if spreadsheet:
                columns = [_harmless(column) for column in columns]
            writer.write_batch(pa.record_batch(columns, schema=flat))
            rows += batch.num_rows
    return rows


def write_json(reader: pa.RecordBatchReader, file: IO[bytes]) -> int:
    """Write a JSON array, one row per line."""
    rows = 0
    for line in _lines(reader):
        file.write((b",\n" if rows else b"[\n") + line)
        rows += 1
    file.write(b"\n]\n" if rows else b"[]\n")
    return rows


def write_jsonl(reader: pa.RecordBatchReader, file: IO[bytes]) -> int:
    """Write JSON Lines, one row per line."""
    rows = 0
    for line in _lines(reader):
        file.write(line + b"\n")
        rows += 1
    return rows


def write_parquet(reader: pa.RecordBatchReader, file: IO[bytes]) -> int:
    """Write Parquet in row groups of up to 65,536 rows, or fewer if rows are large, as with thumbnails."""
    rows = held = held_bytes = 0
    waiting: list[pa.RecordBatch] = []
    with pq.ParquetWriter(file, reader.schema, compression="zstd") as writer:
        for batch in reader:
            waiting.append(batch)
            rows, held, held_bytes = rows + batch.num_rows, held + batch.num_rows, held_bytes + batch.nbytes
            if held >= _GROUP_ROWS or held_bytes >= _GROUP_BYTES:
                writer.write_table(pa.Table.from_batches(waiting))
                waiting, held, held_bytes = [], 0, 0
        writer.write_table(pa.Table.from_batches(waiting, reader.schema))
    return rows


WRITERS: dict[str, Writer] = {
    ".csv": write_csv, ".json": write_json, ".jsonl": write_jsonl, ".parquet": write_parquet,
}  # fmt: skip
"""By file extension."""


def plain_value(value: Any) -> Any:  # noqa: ANN401 - whatever a query returns
    """Return a value that JSON can hold, or a decimal."""
    if isinstance(value, dict):
        return {str(key): plain_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_value(item) for item in value]
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, str | int | bool | Decimal | None) else str(value)


def json_text(value: Any) -> str:  # noqa: ANN401 - what plain_value returns
    """Write a value of `plain_value` as one line of JSON."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, default=_exact)
    return _EXACT.sub(r"\1", text)


def _exact(value: Decimal) -> str:
    return f"{_EXACT_MARK}{value:f}"


def _lines(reader: pa.RecordBatchReader) -> Iterator[bytes]:
    maps = [field.name for field in reader.schema if pa.types.is_map(field.type)]
    for batch in reader:
        for row in batch.to_pylist():
            row.update({name: dict(row[name]) for name in maps if row[name] is not None})
            yield json_text(plain_value(row)).encode("utf-8", "replace")


def _flat_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(kind):
        return _flat_type(kind.value_type)
    opaque = pa.types.is_nested(kind) or _is_bytes(kind) or pa.types.is_interval(kind) or pa.types.is_null(kind)
    return pa.string() if opaque else kind


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind))


def _flat(column: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if _flat_type(column.type) == column.type:
        return column
    values = column.to_pylist()
    if pa.types.is_map(column.type):
        values = [None if value is None else dict(value) for value in values]
    return pa.array([None if value is None else _cell(value) for value in values], pa.string())


def _cell(value: Any) -> str:  # noqa: ANN401 - whatever a query returns
    flat = plain_value(value)
    return flat if isinstance(flat, str) else json_text(flat)


def _harmless(column: pa.Array) -> pa.Array:
    if not pa.types.is_string(column.type):
        return column
    formula = pc.match_substring_regex(column, _FORMULA)
    return pc.if_else(formula, pc.binary_join_element_wise("'", column, ""), column)
