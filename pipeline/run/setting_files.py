"""Which files of this machine a run that anybody may start can name in its settings.

A taxonomy and a gazetteer are read on this machine, and the messages about a damaged one quote it. So a run of a
deployment names only files that the operator allows: those of the operator's own settings, and those in the folders of
`VIDEOLAKE_ALLOWED_FILES`, separated by commas. docs/archives.md explains it.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from pipeline.analysis.taxonomy import taxonomy_names
from schemas.config import NO_TAXONOMY, Config
from schemas.errors import ConfigurationError

_ALLOWED_VARIABLE = "VIDEOLAKE_ALLOWED_FILES"


def check_setting_files(config: Config) -> None:
    """Check that a run that anybody may have started names no file of its own choice.

    Links are followed first, so none leads out of an allowed folder.

    Raises:
        ConfigurationError: A setting names a file that the operator of this machine has not allowed. The message does
            not say whether the file exists.
    """
    allowed = [Path(each.strip()).expanduser().resolve() for each in _allowed().split(",") if each.strip()]
    for setting, path in _setting_files(config):
        if not any(_resolved(path).is_relative_to(root) for root in allowed):
            raise ConfigurationError(
                f"{setting}: {path} may not be read. The operator of this machine can allow its folder in "
                f"{_ALLOWED_VARIABLE}."
            )


def allow_setting_files(config: Config) -> None:
    """Allow the files that the operator's own configuration names, in this process and those it starts.

    Raises:
        ConfigurationError: A path has a comma, so its parts would be allowed instead of it.
    """
    named = [str(_resolved(path)) for _, path in _setting_files(config)]
    for path in named:
        if "," in path:
            raise ConfigurationError(f"{path} has a comma, which separates paths in {_ALLOWED_VARIABLE}. Rename it.")
    if named:
        os.environ[_ALLOWED_VARIABLE] = ",".join([*named, _allowed()]).rstrip(",")


def _allowed() -> str:
    return os.environ.get(_ALLOWED_VARIABLE, "")


def _setting_files(config: Config) -> Iterator[tuple[str, str]]:
    """Yield each setting that names a file to read as text, and its path."""
    if config.topics.taxonomy not in {NO_TAXONOMY, *taxonomy_names()}:
        yield "topics.taxonomy", config.topics.taxonomy
    if config.entities.gazetteer is not None:
        yield "entities.gazetteer", config.entities.gazetteer


def _resolved(path: str) -> Path:
    try:
        return Path(path).expanduser().resolve()
    except (OSError, RuntimeError, ValueError) as error:  # a link to itself, a user who does not exist, a zero byte
        raise ConfigurationError(f"{path!r} is not a path of a file: {error}") from None
