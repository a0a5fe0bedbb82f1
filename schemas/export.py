"""The names of the export formats. `pipeline/export/formats.py` has what they do."""

from pathlib import Path
from typing import Literal, get_args

STDOUT = Path("-")
"""The output that means standard output. A file of this name is given by its absolute path."""

ExportFormat = Literal["srt", "vtt", "txt", "json", "chapters-vtt", "ffmetadata", "youtube", "edl", "otio"]

TABLE_FORMATS = ("table", "csv", "json", "jsonl", "parquet")
"""How the commands that print a table can print it."""
EXPORT_FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)
