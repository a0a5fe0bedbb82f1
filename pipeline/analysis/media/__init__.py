"""Media files: what a file contains, and the single decoding pass that feeds every step.

Names are loaded when they are first used: who only plans a run opens files, but needs no decoder.
"""

from typing import TYPE_CHECKING

from schemas.lazy_names import lazy_names

if TYPE_CHECKING:
    from pipeline.analysis.media.audio_choice import choose_audio
    from pipeline.analysis.media.colour import complete_colours
    from pipeline.analysis.media.decoding import DecodeStats, decode
    from pipeline.analysis.media.encryption import encryption_error, find_encryption, is_encrypted
    from pipeline.analysis.media.filters import filtered, graph_of
    from pipeline.analysis.media.geometry import Orientation, PixelShape, orientation_of
    from pipeline.analysis.media.packets import packets_from
    from pipeline.analysis.media.prefetching import prefetch
    from pipeline.analysis.media.probing import best_video, probe
    from pipeline.analysis.media.sidecars import SIDECAR_EXTENSIONS, decoded, find_sidecars, list_subtitle_files
    from pipeline.analysis.media.sources import open_bytes, open_media
    from pipeline.analysis.media.timeline import Timeline, plausible_s

__all__ = [
    "SIDECAR_EXTENSIONS",
    "DecodeStats",
    "Orientation",
    "PixelShape",
    "Timeline",
    "best_video",
    "choose_audio",
    "complete_colours",
    "decode",
    "decoded",
    "encryption_error",
    "filtered",
    "find_encryption",
    "find_sidecars",
    "graph_of",
    "is_encrypted",
    "list_subtitle_files",
    "open_bytes",
    "open_media",
    "orientation_of",
    "packets_from",
    "plausible_s",
    "prefetch",
    "probe",
]

__getattr__ = lazy_names(
    __name__,
    {
        "audio_choice": ("choose_audio",),
        "colour": ("complete_colours",),
        "decoding": ("DecodeStats", "decode"),
        "encryption": ("encryption_error", "find_encryption", "is_encrypted"),
        "filters": ("filtered", "graph_of"),
        "geometry": ("Orientation", "PixelShape", "orientation_of"),
        "packets": ("packets_from",),
        "prefetching": ("prefetch",),
        "probing": ("best_video", "probe"),
        "sidecars": ("SIDECAR_EXTENSIONS", "decoded", "find_sidecars", "list_subtitle_files"),
        "sources": ("open_bytes", "open_media"),
        "timeline": ("Timeline", "plausible_s"),
    },
)
