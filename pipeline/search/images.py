"""Pictures from files, to search by."""

import io
import warnings
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from schemas.errors import ConfigurationError

_LARGEST_BYTES = 256 * 1024**2
_MAX_PIXELS = 100_000_000


def read_image(path: Path) -> NDArray[np.uint8]:
    """Read a picture file: JPEG, PNG, WebP and what else Pillow and OpenCV know.

    Returns:
        uint8 (height, width, 3) RGB.

    Raises:
        ConfigurationError: The file cannot be read, holds no picture, or one of more than 100 megapixels.
    """
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise ConfigurationError(f"{path} is too large for a picture to search by.")
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror or error}.") from error
    # A small file may say that it is a huge picture, which decoding would make room for.
    pixels = _pixels(data)
    if pixels > _MAX_PIXELS:
        raise ConfigurationError(
            f"{path} is a picture of more than {_MAX_PIXELS // 10**6} megapixels; make it smaller to search by it."
        )
    try:
        decoded = cv2.imdecode(data, cv2.IMREAD_COLOR) if pixels else None
    except cv2.error:
        decoded = None
    if decoded is None:
        raise ConfigurationError(f"{path} holds no picture that can be read; name a JPEG, PNG or WebP file.")
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)


def _pixels(data: NDArray[np.uint8]) -> int:
    """Return how many pixels a picture says that it has, without decoding it; 0 for no picture."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            with Image.open(io.BytesIO(data.tobytes())) as picture:
                return picture.width * picture.height
        except Image.DecompressionBombError:
            return _MAX_PIXELS + 1
        except (OSError, ValueError):
            return 0
