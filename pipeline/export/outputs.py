"""Checks of output files: never overwrite an original, nor write text into a file named like media."""

from pathlib import Path

import duckdb

from pipeline.export.clip import CLIP_ENDINGS
from pipeline.lake import Lake
from pipeline.locations import local_path
from schemas.config import ArchiveConfig
from schemas.errors import ConfigurationError
from schemas.export import STDOUT

MEDIA_ENDINGS = CLIP_ENDINGS | {f".{ending}" for ending in ArchiveConfig().extensions}
"""File extensions of video and audio."""

_CANDIDATES = """
SELECT location FROM (SELECT unnest(uris) AS location, size_bytes FROM videos)
WHERE size_bytes = $size OR ends_with(location, $name)
"""


def check_text_output(lake: Lake, path: Path, what: str, ending: str) -> None:
    """Check that text may be written to a file.

    Args:
        lake: The lake whose originals are protected.
        path: The file to write.
        what: Description of the text, for the message.
        ending: Usual extension of such a file, for the message.

    Raises:
        ConfigurationError: The file is named like video or audio, or is an original of the lake.
        LakeError: The lake cannot be read.
    """
    if path == STDOUT:
        return
    if path.suffix.lower() in MEDIA_ENDINGS:
        raise ConfigurationError(f"{path} is named like video or audio, but {what} is text. Name a {ending} file.")
    refuse_original(lake, path)


def refuse_original(lake: Lake, path: Path) -> None:
    """Check that a file, under any name or link, is not an original of a lake.

    Raises:
        ConfigurationError: It is an original.
        LakeError: The lake cannot be read.
    """
    if not path.is_file():
        return
    known = {"size": path.stat().st_size, "name": path.resolve().name}

    def read(connection: duckdb.DuckDBPyConnection) -> list[str]:
        return [location for (location,) in connection.execute(_CANDIDATES, known).fetchall()]

    for uri in lake.read(read, moments=False):
        original = local_path(uri)
        if original is not None and original.exists() and original.samefile(path):
            raise ConfigurationError(f"{path} is an original of this lake ({uri}). Name another file.")
