"""The folder where models that must be put together or converted first are kept between runs."""

import os
from pathlib import Path

from platformdirs import user_cache_path

from schemas.errors import ModelError


def cache_dir() -> Path:
    """Return the cache folder, made if need be: `$VIDEOLAKE_CACHE`, or `videolake` in the user's cache folder.

    Raises:
        ModelError: It cannot be made.
    """
    configured = os.environ.get("VIDEOLAKE_CACHE")
    folder = Path(configured).expanduser().absolute() if configured else user_cache_path("videolake")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ModelError(
            f"Cannot make the model cache {folder}: {error.strerror or error}. "
            "Set VIDEOLAKE_CACHE to a writable folder."
        ) from error
    return folder
