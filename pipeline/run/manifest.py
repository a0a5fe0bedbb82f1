"""Read manifests: files that list the videos of an archive."""

import csv
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import ArchiveError

_ENDINGS = {".txt", ".csv", ".parquet"}
_COLUMNS = ("uri", "path")


def is_manifest(path: Path) -> bool:
    """Tell by the ending whether a file is a manifest."""
    return path.suffix.lower() in _ENDINGS


def read_manifest(path: Path) -> list[str]:
    """Return the entries of a manifest in order.

    A `.txt` has one a line; empty lines and lines that begin with `#` are passed over. Of a `.csv` with a header, or of
    a `.parquet`, the column `uri` or `path` is read, else the first.

    Raises:
        ArchiveError: It cannot be read.
    """
    try:
        entries = _read(path)
    except (OSError, UnicodeDecodeError, csv.Error, pa.ArrowException) as error:
        raise ArchiveError(f"The manifest {path} cannot be read: {error}") from error
    return [entry for each in entries if (entry := each.strip())]


def _read(path: Path) -> list[str]:
    kind = path.suffix.lower()
    if kind == ".parquet":
        names = pq.read_schema(path).names
        column = next((name for name in _COLUMNS if name in names), names[0] if names else None)
        if column is None:
            raise ArchiveError(f"The manifest {path} has no columns.")
        values = pq.read_table(path, columns=[column]).column(0).to_pylist()
        return [str(value) for value in values if value is not None]
    with path.open(encoding="utf-8-sig", newline="", errors="surrogateescape") as file:
        if kind == ".txt":
            return [line for line in file.read().splitlines() if not line.lstrip().startswith("#")]
        rows = [row for row in csv.reader(file) if row]
    if not rows:
        return []
    header = [name.strip().lower() for name in rows[0]]
    place = next((header.index(name) for name in _COLUMNS if name in header), None)
    if place is None:
        # No column is named so: the first, and the first row too, unless it reads like a header.
        return [row[0] for row in (rows if _is_place(rows[0][0]) else rows[1:])]
    return [row[place] for row in rows[1:] if len(row) > place]


def _is_place(text: str) -> bool:
    return "/" in text or "." in text or "\\" in text
