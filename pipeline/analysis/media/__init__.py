"""Media files: what a file contains, and the single decoding pass that feeds every step."""

from pipeline.analysis.media.decoding import DecodeStats, decode
from pipeline.analysis.media.prefetching import prefetch
from pipeline.analysis.media.probing import probe
from pipeline.analysis.media.sidecars import find_sidecars, list_subtitle_files
from pipeline.analysis.media.sources import local_path, open_bytes, open_media

__all__ = [
    "DecodeStats",
    "decode",
    "find_sidecars",
    "list_subtitle_files",
    "local_path",
    "open_bytes",
    "open_media",
    "prefetch",
    "probe",
]
