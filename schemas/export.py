"""The names of the export formats. `pipeline/export/formats.py` has what they do."""

from typing import Literal, get_args

ExportFormat = Literal["srt", "vtt", "txt", "json", "chapters-vtt", "ffmetadata", "youtube", "edl", "otio"]

EXPORT_FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)
