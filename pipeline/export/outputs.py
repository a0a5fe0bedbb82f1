"""Which files results may be written to: never one of the archive's, nor a text under the name of a film."""

from pathlib import Path

import duckdb

from pipeline.analysis.media import local_path
from pipeline.export.clip import CLIP_ENDINGS
from pipeline.lake import Lake
from schemas.config import ArchiveConfig
from schemas.errors import ConfigurationError

MEDIA_ENDINGS = CLIP_ENDINGS | {f".{ending}" for ending in ArchiveConfig().extensions}
"""Of files of films and sound."""

_ALIKE = """
SELECT place FROM (SELECT unnest(uris) AS place, size_bytes FROM videos)
WHERE size_bytes = $size OR ends_with(place, $name)
"""


def check_text_output(lake: Lake, path: Path, what: str, ending: str) -> None:
    """See to it that a text may be written to a file.

    Args:
        lake: The lake whose originals are safe.
        path: The file to write.
        what: What is written, for the message.
        ending: What such a file's name ends with.

    Raises:
        ConfigurationError: It is named as a film or sound, or is one of the lake's originals.
        LakeError: The lake cannot be read.
    """
    if path.suffix.lower() in MEDIA_ENDINGS:
        raise ConfigurationError(f"{path} is named as a film or sound, and {what} is text. Name a {ending} file.")
    refuse_original(lake, path)


def refuse_original(lake: Lake, path: Path) -> None:
    """See to it that a file, by whatever name or link, is none of the files that a lake was made of.

    Raises:
        ConfigurationError: It is.
        LakeError: The lake cannot be read.
    """
    if not path.is_file():
        return
    known = {"size": path.stat().st_size, "name": path.resolve().name}

    def read(connection: duckdb.DuckDBPyConnection) -> list[str]:
        return [place for (place,) in connection.execute(_ALIKE, known).fetchall()]

    for uri in lake.read(read):
        original = local_path(uri)
        if original is not None and original.exists() and original.samefile(path):
            raise ConfigurationError(f"{path} is an original of this lake ({uri}). Name another file.")
