"""`videolake sql`: query the lake, and print or write the result."""

import sys
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import click
import pyarrow as pa

from pipeline.export import WRITERS, Writer, check_terminal, json_text, plain_value, whole_file, write_csv
from pipeline.lake import Lake
from schemas.errors import ConfigurationError, LakeError
from schemas.export import STDOUT

_MAX_ROWS = 200
_WIDTH = 160
_MIN_COLUMN_WIDTH = 16
"""Characters per column. With less room, each row is printed as a list of its values."""


def print_query(query: str, lake: str, *, form: str, output: Path | None, spreadsheet: bool = False) -> None:
    """Run a query, and write the result to standard output or a file in constant memory.

    Raises:
        LakeError: The query is invalid, or the lake cannot be read.
        ExportError: The file cannot be written.
        ConfigurationError: The file extension is not supported.
    """
    output = None if output == STDOUT else output
    if spreadsheet and output is None and form == "table":
        form = "csv"
    if output is None and form == "table":
        _print_table(*Lake(lake).stream(query, _first_rows))
        return
    writer = _writer(form, output, spreadsheet=spreadsheet)
    Lake(lake).stream(query, _Once(writer) if output is None else partial(_write, writer=writer, output=output))


def print_answer(answer: pa.Table, *, form: str, output: Path | None) -> None:
    """Print a table to standard output in one of `TABLE_FORMATS`, or write it to a file.

    Raises:
        ExportError: The file cannot be written.
        ConfigurationError: The file extension is not supported.
    """
    output = None if output == STDOUT else output
    if output is None and form == "table":
        _print_table(answer.slice(0, _MAX_ROWS), answer.num_rows)
    else:
        _write(answer.to_reader(), _writer(form, output, spreadsheet=False), output)


class _Once:
    """Writes a result to standard output, where it cannot start again."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._begun = False

    def __call__(self, reader: pa.RecordBatchReader) -> None:
        if self._begun:
            raise LakeError("The lake was compacted while it was read, so the result is incomplete. Run it again.")
        self._begun = True
        self._writer(reader, sys.stdout.buffer)


def _writer(form: str, output: Path | None, *, spreadsheet: bool) -> Writer:
    ending = f".{form}" if output is None else output.suffix.lower()
    if output is None:
        check_terminal(ending)
    if ending not in WRITERS:
        raise ConfigurationError(f"{output} cannot be written: name a .parquet, .csv, .json or .jsonl file.")
    if spreadsheet and ending != ".csv":
        raise ConfigurationError("--spreadsheet only works with CSV.")
    return partial(write_csv, spreadsheet=True) if spreadsheet else WRITERS[ending]


def _write(reader: pa.RecordBatchReader, writer: Writer, output: Path | None) -> None:
    if output is None:
        writer(reader, sys.stdout.buffer)
        return
    with whole_file(output) as path, path.open("wb") as file:
        rows = writer(reader, file)
    click.echo(f"{rows} rows in {output}", err=True)


def _first_rows(reader: pa.RecordBatchReader) -> tuple[pa.Table, int]:
    """Return the rows to print, and the number of all rows."""
    kept: list[pa.RecordBatch] = []
    rows = 0
    for batch in reader:
        if rows < _MAX_ROWS:
            kept.append(batch.slice(0, _MAX_ROWS - rows))
        rows += batch.num_rows
    return pa.Table.from_batches(kept, reader.schema), rows


def _print_table(answer: pa.Table, rows: int) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    names = answer.column_names
    # As Text, so that rich does not take brackets in a transcript for markup.
    cells = [[Text(_cell(value)) for value in row.values()] for row in answer.to_pylist()]
    if len(names) * _MIN_COLUMN_WIDTH > console.width:
        for number, row in enumerate(cells, 1):
            console.print(Text(f"row {number}", style="dim"))
            table = Table(box=None, show_header=False, pad_edge=False)
            table.add_column(style="bold", no_wrap=True)
            table.add_column(overflow="fold")
            for name, cell in zip(names, row, strict=True):
                table.add_row(Text(name), cell)
            console.print(table)
    else:
        table = Table(box=None, header_style="bold", pad_edge=False)
        for name in names:
            table.add_column(Text(name), overflow="fold")
        for row in cells:
            table.add_row(*row)
        console.print(table)
    if rows > answer.num_rows:
        click.echo(f"… {rows - answer.num_rows} more rows; -o FILE or --format csv writes all", err=True)


def _cell(value: Any) -> str:  # noqa: ANN401 - whatever a query returns
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    text = value if isinstance(value, str) else _nested(plain_value(value))
    printable = "".join(character if character.isprintable() or character == "\n" else "�" for character in text)
    return printable if len(printable) <= 400 else printable[:399] + "…"


def _nested(value: Any) -> str:  # noqa: ANN401 - what plain_value returns
    """Return a list or struct as JSON, with the decimals of other cells; other values as text."""
    if isinstance(value, list | dict):
        return json_text(_rounded(value))
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _rounded(value: Any) -> Any:  # noqa: ANN401 - what plain_value returns
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return round(value, 3) if isinstance(value, float) else value
