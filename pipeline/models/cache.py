"""The folder where models that must be put together or converted first are kept between runs."""

import os
import sys
from pathlib import Path

from schemas.errors import ModelError


def cache_dir() -> Path:
    """Return the cache folder, made if need be: `$VIDEOLAKE_CACHE`, or `videolake` in the user's cache folder.

    Raises:
        ModelError: It cannot be made.
    """
    folder = _configured() or _user_cache() / "videolake"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ModelError(
            f"Cannot make the model cache {folder}: {error.strerror or error}. "
            "Set VIDEOLAKE_CACHE to a writable folder."
        ) from error
    return folder


def _configured() -> Path | None:
    value = os.environ.get("VIDEOLAKE_CACHE")
    return Path(value).expanduser().absolute() if value else None


def _user_cache() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
