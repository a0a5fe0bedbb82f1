"""Arrays that are dear to compute and the same ever after, kept in the model cache."""

import hashlib
import logging
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.models.cache import cache_dir

logger = logging.getLogger(__name__)


def cached_array(
    name: str, key: Sequence[str], make: Callable[[], NDArray[np.float32] | None]
) -> NDArray[np.float32] | None:
    """Return an array from the cache, made first if need be.

    Args:
        name: Beginning of the file's name.
        key: All that the array depends on, as the digest of the model and its input.
        make: Computes it; None is not kept.
    """
    digest = hashlib.sha256("\n".join(key).encode()).hexdigest()[:16]
    cached = cache_dir() / f"{name}-{digest}.npy"
    try:
        found: NDArray[np.float32] = np.load(cached, allow_pickle=False)
    except FileNotFoundError:
        pass
    except (OSError, ValueError, EOFError) as error:
        # As after a crash of the machine: what is damaged can be made again.
        logger.warning("%s is damaged and is made anew: %s", cached, error)
    else:
        return found
    made = make()
    if made is not None:
        _save(cached, made)
    return made


def _save(target: Path, array: NDArray[np.float32]) -> None:
    """Write an array so that other processes see it whole or not at all."""
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    scratch = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            np.save(stream, array, allow_pickle=False)
        scratch.replace(target)
    finally:
        scratch.unlink(missing_ok=True)
