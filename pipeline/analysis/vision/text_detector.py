"""Where text is in an image, by PP-OCR's detector: differentiable binarisation (Liao et al. 2020).

The network marks the shrunken middle of each line of text. The rest follows PaddleOCR, with its parameters.
"""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.vision.networks import Image
from pipeline.models import onnx_session

Corners = NDArray[np.float32]
"""(4, 2): x and y in pixels of the top left, top right, bottom right and bottom left corner of a line of text."""

_CELL_PX = 32
"""Sides of the network's input are multiples of this."""
_MAX_ASPECT = 8
_MIN_HEIGHT_PX = 30
"""Wider and lower images get black bars above and below, because the network finds no text at the edge of an image."""
_MIN_PROBABILITY = 0.3
_MIN_MEAN = 0.5
"""Mean probability in the middle of a line."""
_GROWTH = 1.6
"""How much the middle of a line grows to the whole line, relative to its area by its outline."""
_MIN_MIDDLE_PX, _MIN_LINE_PX = 3, 5
_MIN_SIDE_PX = 4
_MAX_LINES = 1000
_DILATION = np.ones((2, 2), np.uint8)


class TextDetector:
    """Finds lines of text, straight or rotated.

    Args:
        path: The network, ONNX.
        max_side_px: Longest side of the image that the network sees.
        device: `cpu` or `cuda`.
        threads: Threads of the network.
    """

    def __init__(self, path: Path, *, max_side_px: int, device: str, threads: int) -> None:
        self.network = onnx_session(path, device=device, threads=threads)
        self._max_side_px = max_side_px

    def find(self, image: Image) -> list[Corners]:
        """Return the corners of each line of text, in whole pixels.

        Args:
            image: uint8 (height, width, 3) RGB.
        """
        padded, top = _padded(image)
        height, width = padded.shape[:2]
        scale = min(1.0, self._max_side_px / max(height, width))
        size = _cells(width * scale), _cells(height * scale)
        # As PaddleOCR: blue first, from -1 to 1.
        pixels = cv2.dnn.blobFromImage(cv2.resize(padded, size), 1 / 127.5, mean=(127.5,) * 3, swapRB=True)
        probabilities = self.network.run(None, {"x": pixels})[0][0, 0]
        found = []
        for corners in lines(probabilities):
            scaled = np.round(corners * [width / size[0], height / size[1]])
            placed = np.clip(scaled - [0, top], 0, [image.shape[1] - 1, image.shape[0] - 1]).astype(np.float32)
            if min(_sides(placed)) >= _MIN_SIDE_PX:
                found.append(placed)
        return found


def lines(probabilities: NDArray[np.float32]) -> list[Corners]:
    """Return the corners of each line of text in a map of probabilities, in its pixels.

    Args:
        probabilities: float32 (height, width), high in the middle of each line.
    """
    mask = cv2.dilate((probabilities > _MIN_PROBABILITY).astype(np.uint8), _DILATION)
    outlines, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    found = []
    for outline in outlines[:_MAX_LINES]:
        centre, (width, height), angle = cv2.minAreaRect(outline)
        if min(width, height) < _MIN_MIDDLE_PX:
            continue
        middle = cv2.boxPoints((centre, (width, height), angle))
        if _mean_within(probabilities, middle) < _MIN_MEAN:
            continue
        # PaddleOCR moves each side outwards by this distance, from and to whole pixels. The recogniser is used to that.
        distance = _GROWTH * width * height / (2 * (width + height))
        centre, (width, height), angle = cv2.minAreaRect(middle.astype(np.int32))
        grown = width + 2 * distance, height + 2 * distance
        if min(grown) >= _MIN_LINE_PX:
            found.append(np.round(_ordered(cv2.boxPoints((centre, grown, angle)))))
    return found


def _mean_within(probabilities: NDArray[np.float32], corners: Any) -> float:  # noqa: ANN401 - an array of OpenCV
    limits = np.array(probabilities.shape[::-1]) - 1
    low = np.clip(np.floor(corners.min(axis=0)).astype(int), 0, limits)
    high = np.clip(np.ceil(corners.max(axis=0)).astype(int), 0, limits)
    part = probabilities[low[1] : high[1] + 1, low[0] : high[0] + 1]
    mask = np.zeros(part.shape, np.uint8)
    cv2.fillPoly(mask, [(corners - low).astype(np.int32)], 1)
    return float(cv2.mean(part, mask)[0])


def _ordered(corners: Any) -> Corners:  # noqa: ANN401
    """Sort corners: top left, top right, bottom right, bottom left."""
    by_x = corners[np.argsort(corners[:, 0])]
    top_left, bottom_left = by_x[:2][np.argsort(by_x[:2, 1])]
    top_right, bottom_right = by_x[2:][np.argsort(by_x[2:, 1])]
    return np.array([top_left, top_right, bottom_right, bottom_left], dtype=np.float32)


def _sides(corners: Corners) -> tuple[int, int]:
    """Return the length of the upper and of the left side."""
    return int(np.linalg.norm(corners[0] - corners[1])), int(np.linalg.norm(corners[0] - corners[3]))


def _padded(image: Image) -> tuple[Image, int]:
    """Return an image with black bars if it needs them, and the height of the upper one."""
    height, width = image.shape[:2]
    if height > _MIN_HEIGHT_PX and width <= _MAX_ASPECT * height:
        return image, 0
    bar = abs(max(width // _MAX_ASPECT, _MIN_HEIGHT_PX) * 2 - height) // 2
    barred: Image = cv2.copyMakeBorder(image, bar, bar, 0, 0, cv2.BORDER_CONSTANT, value=(0, 0, 0))
    return barred, bar


def _cells(length: float) -> int:
    return max(1, round(int(length) / _CELL_PX)) * _CELL_PX
