"""Read image files to search by."""

import io
import warnings
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from schemas.errors import ConfigurationError

_MAX_BYTES = 256 * 1024**2
_MAX_PIXELS = 100_000_000


def read_image(path: Path) -> NDArray[np.uint8]:
    """Read an image file: JPEG, PNG, WebP, or another format that both Pillow and OpenCV read.

    Returns:
        uint8 (height, width, 3) RGB.

    Raises:
        ConfigurationError: The file cannot be read, is not an image, or has more than 100 megapixels.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ConfigurationError(f"{path} is too large to search by: the limit is {_MAX_BYTES // 1024**2} MiB.")
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror or error}.") from error
    # A small file may claim huge dimensions, and decoding would allocate memory for them.
    pixels = _pixels(data)
    if pixels > _MAX_PIXELS:
        raise ConfigurationError(
            f"{path} has more than {_MAX_PIXELS // 10**6} megapixels. Make it smaller to search by it."
        )
    try:
        decoded = cv2.imdecode(data, cv2.IMREAD_COLOR) if pixels else None
    except cv2.error:
        decoded = None
    if decoded is None:
        raise ConfigurationError(f"{path} is not an image that can be read. Use a JPEG, PNG or WebP file.")
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)


def _pixels(data: NDArray[np.uint8]) -> int:
    """Return the number of pixels that the file's header states, without decoding; 0 if it is not an image."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            with Image.open(io.BytesIO(data.tobytes())) as image:
                return image.width * image.height
        except Image.DecompressionBombError:
            return _MAX_PIXELS + 1
        except (OSError, ValueError):
            return 0
