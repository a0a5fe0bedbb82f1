"""Image measures: sharpness, perceptual hash and thumbnail."""

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""(height, width, 3) RGB."""

_SHARPNESS_WIDTH = 320
_HASH_SIDE = 8
_HASH_IMAGE_SIDE = 32


def sharpness(image: Image) -> float:
    """Return the variance of the Laplacian of the grey image at 320 pixels wide (Pech-Pacheco et al. 2000)."""
    height = max(1, round(image.shape[0] * _SHARPNESS_WIDTH / image.shape[1]))
    interpolation = cv2.INTER_AREA if image.shape[1] > _SHARPNESS_WIDTH else cv2.INTER_LINEAR
    grey = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (_SHARPNESS_WIDTH, height), interpolation=interpolation)
    return float(cv2.Laplacian(grey, cv2.CV_64F).var())


def phash(image: Image) -> int:
    """Return the 64-bit perceptual hash: signs of the lowest DCT coefficients against their median (Zauner 2010)."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (_HASH_IMAGE_SIDE, _HASH_IMAGE_SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(small)[:_HASH_SIDE, :_HASH_SIDE].reshape(-1)
    bits = low > np.median(low[1:])
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def hamming(one: int, other: int) -> int:
    """Return the number of bits in which two hashes differ."""
    return (one ^ other).bit_count()


def thumbnail(image: Image, width_px: int, quality: int) -> bytes:
    """Return the image as a JPEG.

    Args:
        image: uint8 (height, width, 3) RGB.
        width_px: Width of the thumbnail, which is never scaled up. The height is limited to four times this.
        quality: JPEG quality, 1 to 100.
    """
    height, width = image.shape[:2]
    scale = min(1.0, width_px / width, 4 * width_px / height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA) if scale < 1 else image
    encoded, data = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not encoded:
        raise ValueError(f"An image of {width} x {height} cannot be encoded as JPEG.")
    return bytes(data)
