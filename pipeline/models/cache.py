"""The cache folder for models that are assembled or converted before use, also where the home folder is read-only."""

import logging
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import BinaryIO

from platformdirs import user_cache_path

from schemas.errors import ModelError

logger = logging.getLogger(__name__)


def cache_dir() -> Path:
    """Return the cache folder, created if needed.

    It is `$VIDEOLAKE_CACHE`, or `videolake` in the user's cache folder. If that cannot be written, as in a container or
    a system account without a home, it is in the folder for temporary files.

    Raises:
        ModelError: The folder cannot be created.
    """
    configured = os.environ.get("VIDEOLAKE_CACHE")
    if not configured:
        return _writable(user_cache_path("videolake"))
    folder = Path(configured).expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ModelError(
            f"Cannot create the model cache {folder}: {error.strerror or error}. "
            "Set VIDEOLAKE_CACHE to a writable folder."
        ) from error
    return folder


def is_writable(folder: Path) -> bool:
    """Return whether files can be created in a folder. Creates the folder if needed."""
    if not folder.is_absolute():
        return False  # `~` without a home
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def temporary_folder(name: str) -> Path:
    """Return a folder for temporary files that only this user can read. It is kept between runs.

    Raises:
        ModelError: It cannot be created, or is another user's.
    """
    folder = Path(tempfile.gettempdir()) / f"videolake-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        about = folder.lstat()
        if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.getuid() or about.st_mode & 0o022:
            raise PermissionError(None, "it belongs to somebody else")
        (folder / name).mkdir(exist_ok=True)
    except OSError as error:
        raise ModelError(
            f"Neither the home folder nor {folder} can be used: {error.strerror or error}. "
            "Set HOME or TMPDIR to a writable folder."
        ) from error
    return folder / name


@contextmanager
def written_whole(target: Path) -> Iterator[BinaryIO]:
    """Write a file in a folder that exists. Other processes see a complete file or none."""
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    scratch = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as out:
            yield out
        scratch.replace(target)
    finally:
        scratch.unlink(missing_ok=True)


@cache
def _writable(folder: Path) -> Path:
    if is_writable(folder):
        return folder
    instead = temporary_folder("cache")
    logger.warning(
        "%s cannot be written, so models are cached in %s. Set VIDEOLAKE_CACHE to keep them elsewhere.", folder, instead
    )
    return instead
