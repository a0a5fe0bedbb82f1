"""The cache folder for models that are assembled or converted before use."""

import os
from pathlib import Path

from platformdirs import user_cache_path

from schemas.errors import ModelError


def cache_dir() -> Path:
    """Return the cache folder, created if needed: `$VIDEOLAKE_CACHE`, or `videolake` in the user's cache folder.

    Raises:
        ModelError: The folder cannot be created.
    """
    configured = os.environ.get("VIDEOLAKE_CACHE")
    folder = Path(configured).expanduser().absolute() if configured else user_cache_path("videolake")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ModelError(
            f"Cannot create the model cache {folder}: {error.strerror or error}. "
            "Set VIDEOLAKE_CACHE to a writable folder."
        ) from error
    return folder
