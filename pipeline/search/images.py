"""Pictures from files, to search by."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from schemas.errors import ConfigurationError

_LARGEST_BYTES = 256 * 1024**2


def read_image(path: Path) -> NDArray[np.uint8]:
    """Read a picture file: JPEG, PNG, WebP and what else OpenCV knows.

    Returns:
        uint8 (height, width, 3) RGB.

    Raises:
        ConfigurationError: The file cannot be read, or holds no picture.
    """
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise ConfigurationError(f"{path} is too large for a picture to search by.")
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror or error}.") from error
    try:
        decoded = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    except cv2.error:
        decoded = None
    if decoded is None:
        raise ConfigurationError(f"{path} holds no picture that can be read; name a JPEG, PNG or WebP file.")
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)
