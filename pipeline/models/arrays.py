"""Arrays that are expensive to compute and never change, kept in the model cache."""

import hashlib
import logging
import tokenize
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.models.cache import cache_dir, written_whole

logger = logging.getLogger(__name__)


def cached_array(
    name: str, key: Sequence[str], make: Callable[[], NDArray[np.float32] | None]
) -> NDArray[np.float32] | None:
    """Return an array from the cache. Compute and store it on the first call.

    Args:
        name: Prefix of the file name.
        key: Everything the array depends on, such as the digest of the model and its input.
        make: Computes the array. None is returned but not stored.
    """
    digest = hashlib.sha256("\n".join(key).encode()).hexdigest()[:16]
    cached = cache_dir() / f"{name}-{digest}.npy"
    try:
        found: NDArray[np.float32] = np.load(cached, allow_pickle=False)
    except FileNotFoundError:
        pass
    except (OSError, ValueError, EOFError, tokenize.TokenError) as error:  # the last one of a damaged header
        # A crash of the machine can leave a damaged file.
        logger.warning("%s is damaged; computing it again: %s", cached, error)
    else:
        return found
    made = make()
    if made is not None:
        with written_whole(cached) as out:
            np.save(out, made, allow_pickle=False)
    return made
