"""Labelled examples for classification, from a file with texts or with ids of texts in a lake."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.json as pa_json
import pyarrow.parquet as pq

from pipeline.lake import Lake
from schemas.errors import ConfigurationError

_TEXT_OF = {"utterance_id": "utterances", "frame_id": "frames"}


@dataclass(frozen=True, slots=True)
class Example:
    """A text and its class."""

    text: str
    label: str


def read_examples(path: Path, lake: Lake | None = None) -> list[Example]:
    """Read a table with the columns `label`, and `text`, `utterance_id` or `frame_id`.

    Args:
        path: `.csv`, `.jsonl` or `.parquet`.
        lake: To look up ids.

    Raises:
        ConfigurationError: It cannot be read, lacks a column or a value, or has an id that is not in the lake.
    """
    table = _read(path)
    if "label" not in table.column_names:
        raise ConfigurationError(f"{path} has no column `label`; it has {', '.join(table.column_names)}.")
    labels = _strings(table, "label", path)
    if "text" in table.column_names:
        return [Example(text, label) for text, label in zip(_strings(table, "text", path), labels, strict=True)]
    key = next((name for name in _TEXT_OF if name in table.column_names), None)
    if key is None or lake is None:
        raise ConfigurationError(f"{path} needs a column `text`, or a column `utterance_id` or `frame_id` and --lake.")
    ids = _strings(table, key, path)
    texts = _texts(lake, key, ids)
    missing = [each for each in ids if each not in texts]
    if missing:
        raise ConfigurationError(f"{path} has {len(missing)} ids that are not in the lake, such as {missing[0]}.")
    return [Example(texts[each], label) for each, label in zip(ids, labels, strict=True)]


def _read(path: Path) -> pa.Table:
    readers = {".csv": _read_csv, ".jsonl": pa_json.read_json, ".parquet": pq.read_table}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise ConfigurationError(f"{path} cannot be read. Give a .csv, .jsonl or .parquet file.")
    try:
        table: pa.Table = reader(path)
    except (OSError, pa.ArrowException) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error
    return table


def _read_csv(path: Path) -> pa.Table:
    """Read a CSV file. Texts may have several lines; `01`, `NA` and `true` are ordinary labels."""
    names = ("label", "text", *_TEXT_OF)
    return pa_csv.read_csv(
        path,
        parse_options=pa_csv.ParseOptions(newlines_in_values=True),
        convert_options=pa_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
    )


def _strings(table: pa.Table, column: str, path: Path) -> list[str]:
    values = table[column].to_pylist()
    empty = next((number for number, value in enumerate(values, 1) if value is None or value == ""), None)
    if empty is not None:
        raise ConfigurationError(f"{path} has no `{column}` in row {empty}. Fill it in or remove the row.")
    return [str(value) for value in values]


def _texts(lake: Lake, key: str, ids: Sequence[str]) -> dict[str, str]:
    def read(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
        connection.register("wanted", pa.table({"id": pa.array(ids, pa.string())}))
        query = f"SELECT {key}, text FROM {_TEXT_OF[key]} SEMI JOIN wanted ON id = {key}"  # noqa: S608 - fixed names
        return dict(connection.sql(query).fetchall())

    return lake.read(read, moments=False)
