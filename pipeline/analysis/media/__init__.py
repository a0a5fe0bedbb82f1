"""Media files: what a file contains, and the single decoding pass that feeds every step."""

from pipeline.analysis.media.decoding import DecodeStats, decode
from pipeline.analysis.media.prefetching import prefetch
from pipeline.analysis.media.probing import best_video, probe
from pipeline.analysis.media.sources import local_path, open_bytes, open_media

__all__ = [
    "DecodeStats",
    "best_video",
    "decode",
    "local_path",
    "open_bytes",
    "open_media",
    "prefetch",
    "probe",
]
