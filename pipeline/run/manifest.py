"""Read manifests: files that list the videos of an archive."""

import codecs
import csv
import io
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import ArchiveError

_EXTENSIONS = frozenset({"txt", "csv", "parquet"})
_COLUMNS = ("uri", "path")


def is_manifest(name: str) -> bool:
    """Return whether a file is a manifest, by its name."""
    return "." in name and _kind(name) in _EXTENSIONS


def read_manifest(file: IO[bytes], location: str) -> list[str]:
    """Return the entries of a manifest, in order.

    A `.txt` file has one entry per line; empty lines and lines that start with `#` are skipped. In a `.csv` with a
    header, or a `.parquet` file, the entries are in the column `uri` or `path`, or else in the first column.

    Args:
        file: The open manifest.
        location: Where it is, which tells the kind of file.

    Raises:
        ArchiveError: The manifest cannot be read.
    """
    try:
        entries = _read(file, location)
    except (OSError, UnicodeError, csv.Error, pa.ArrowException) as error:
        raise ArchiveError(f"The manifest {location} cannot be read: {error}") from error
    if any("\0" in entry for entry in entries):
        raise ArchiveError(f"The manifest {location} is not text. Files that end in .txt or .csv must list videos.")
    return [entry for each in entries if (entry := each.strip())]


def _kind(name: str) -> str:
    return name.rpartition(".")[2].lower()


def _read(file: IO[bytes], location: str) -> list[str]:
    kind = _kind(location)
    if kind == "parquet":
        table = pq.ParquetFile(file)
        names = table.schema_arrow.names
        column = next((name for name in _COLUMNS if name in names), names[0] if names else None)
        if column is None:
            raise ArchiveError(f"The manifest {location} has no columns.")
        values = table.read(columns=[column]).column(0).to_pylist()
        return [str(value) for value in values if value is not None]
    text = _decoded(file.read())
    if kind == "txt":
        return [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text)) if row]
    if not rows:
        return []
    header = [name.strip().lower() for name in rows[0]]
    column = next((header.index(name) for name in _COLUMNS if name in header), None)
    if column is None:
        # No column has one of these names: take the first one, with the first row unless it looks like a header.
        return [row[0] for row in (rows if _is_location(rows[0][0]) else rows[1:])]
    return [row[column] for row in rows[1:] if len(row) > column]


def _decoded(content: bytes) -> str:
    """Return the text of a manifest. Programs on Windows write UTF-16, too."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16")
    return content.decode("utf-8-sig", errors="surrogateescape")


def _delimiter(text: str) -> str:
    """Return what separates columns: a semicolon if the header has some, as where a comma is in numbers."""
    header = text.lstrip().partition("\n")[0]
    names = [name.strip(' "\r').lower() for name in header.split(";")]
    return ";" if len(names) > 1 and "," not in header and not {*names}.isdisjoint(_COLUMNS) else ","


def _is_location(text: str) -> bool:
    return "/" in text or "." in text or "\\" in text
