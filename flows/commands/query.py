"""`videolake sql`: ask the lake, print or write the answer."""

import json
import sys
from pathlib import Path
from typing import Any

import click
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from pipeline.lake import Lake
from schemas.errors import ConfigurationError, LakeError

_MOST_ROWS = 200
_WIDEST = 160


def print_query(query: str, lake: str, *, form: str, output: Path | None) -> None:
    """Answer a query on standard output or into a file.

    Raises:
        LakeError: The query is wrong, or the lake cannot be read.
        ConfigurationError: The file's ending is none that can be written.
    """
    print_answer(Lake(lake).sql(query), form=form, output=output)


def print_answer(answer: pa.Table, *, form: str, output: Path | None) -> None:
    """Print a table on standard output as `table`, `csv`, `json` or `jsonl`, or write it into a file.

    Raises:
        LakeError: The file cannot be written.
        ConfigurationError: The file's ending is none that can be written.
    """
    if output:
        _write(answer, output)
    elif form == "table":
        _print_table(answer)
    elif form == "csv":
        pa_csv.write_csv(_flat(answer), sys.stdout.buffer)
    else:
        click.echo(_json(answer, lines=form == "jsonl"))


def _write(answer: pa.Table, output: Path) -> None:
    kind = output.suffix.lower()
    try:
        if kind == ".parquet":
            pq.write_table(answer, output, compression="zstd")
        elif kind == ".csv":
            pa_csv.write_csv(_flat(answer), output)
        elif kind in {".json", ".jsonl"}:
            output.write_text(_json(answer, lines=kind == ".jsonl") + "\n", encoding="utf-8")
        else:
            raise ConfigurationError(f"{output} cannot be written: name a .parquet, .csv, .json or .jsonl file.")
    except OSError as error:
        raise LakeError(f"{output} cannot be written: {error.strerror or error}.") from error
    click.echo(f"{answer.num_rows} rows in {output}", err=True)


def _print_table(answer: pa.Table) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=None if sys.stdout.isatty() else _WIDEST)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in answer.column_names:
        table.add_column(Text(name), overflow="fold")
    for row in answer.slice(0, _MOST_ROWS).to_pylist():
        # As Text, so that brackets in a transcript are not taken for markup.
        table.add_row(*(Text(_cell(value)) for value in row.values()))
    console.print(table)
    if answer.num_rows > _MOST_ROWS:
        click.echo(f"… {answer.num_rows - _MOST_ROWS} more rows; -o FILE or --format csv gives them all", err=True)


def _cell(value: Any) -> str:  # noqa: ANN401 - whatever a query returns
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    text = value if isinstance(value, str) else str(_plain(value))
    printable = "".join(character if character.isprintable() or character == "\n" else "�" for character in text)
    return printable if len(printable) <= 400 else printable[:399] + "…"


def _flat(answer: pa.Table) -> pa.Table:
    """Return the table with nested columns as JSON, since CSV holds only plain ones."""
    columns = []
    for column in answer.columns:
        kind = column.type
        nested = pa.types.is_nested(kind) or pa.types.is_map(kind) or pa.types.is_binary(kind)
        columns.append(
            pa.array(
                [
                    None if value is None else json.dumps(_plain(value), ensure_ascii=False)
                    for value in column.to_pylist()
                ]
            )
            if nested
            else column
        )
    return pa.table(columns, names=answer.column_names)


def _json(answer: pa.Table, *, lines: bool) -> str:
    rows = [_plain(row) for row in answer.to_pylist()]
    if lines:
        return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    return json.dumps(rows, ensure_ascii=False, indent=2)


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a query returns
    """Return a value as JSON knows it; bytes, as thumbnails are, only by their number."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    if isinstance(value, float) and value != value:  # noqa: PLR0124 - NaN, which JSON does not know
        return None
    return value if isinstance(value, str | int | float | bool | None) else str(value)
