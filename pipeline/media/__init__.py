"""Media files: what is in an archive, what is in a file, and one decoding pass that feeds everybody."""

from pipeline.media.archive import list_archive
from pipeline.media.decode import DecodeStats, decode
from pipeline.media.digest import content_digest
from pipeline.media.prefetch import prefetch
from pipeline.media.probe import probe
from pipeline.media.sources import open_media

__all__ = ["DecodeStats", "content_digest", "decode", "list_archive", "open_media", "prefetch", "probe"]
