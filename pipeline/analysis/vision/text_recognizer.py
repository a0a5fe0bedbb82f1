"""What a line of text says, by PP-OCR's recogniser: connectionist temporal classification (Graves et al. 2006)."""

import math
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.vision.networks import Image
from pipeline.analysis.vision.text_detector import Corners
from pipeline.models import onnx_session

_HEIGHT_PX = 48
_MIN_WIDTH_PX = 160
"""Shorter lines are padded to this."""
_UPRIGHT = 1.5
"""A box that is this many times as high as wide holds a line that runs upwards."""


class TextRecognizer:
    """Reads one line of text at a time: padding several to the longest one takes more time than a batch saves.

    Args:
        path: The network, ONNX, which holds its alphabet.
        device: `cpu` or `cuda`.
        threads: Threads of the network.
    """

    def __init__(self, path: Path, *, device: str, threads: int) -> None:
        self._network = onnx_session(path, device=device, threads=threads)
        alphabet = self._network.get_modelmeta().custom_metadata_map["character"].splitlines()
        # The first class separates equal letters.
        self._characters = ("", *alphabet, " ")

    def read(self, image: Image, corners: Corners) -> tuple[str, float]:
        """Return the text of a line, and the mean probability of its characters; 0 if there are none.

        Args:
            image: uint8 (height, width, 3) RGB.
            corners: Of the line, as the text detector returns them.
        """
        line = straightened(image, corners)
        width = max(1, math.ceil(_HEIGHT_PX * line.shape[1] / line.shape[0]))
        # As PaddleOCR: blue first, from -1 to 1, and grey to the right.
        pixels = np.zeros((1, 3, _HEIGHT_PX, max(width, _MIN_WIDTH_PX)), np.float32)
        resized = cv2.resize(line, (width, _HEIGHT_PX))
        pixels[:, :, :, :width] = cv2.dnn.blobFromImage(resized, 1 / 127.5, mean=(127.5,) * 3, swapRB=True)
        return self._decoded(self._network.run(None, {"x": pixels})[0][0])

    def _decoded(self, probabilities: NDArray[np.float32]) -> tuple[str, float]:
        """Take the best class of each column, (columns, classes), and drop repetitions."""
        best = probabilities.argmax(axis=1)
        kept = best != 0
        kept[1:] &= best[1:] != best[:-1]
        if not kept.any():
            return "", 0.0
        text = "".join(self._characters[index] for index in best[kept])
        return text, float(probabilities[kept, best[kept]].mean())


def straightened(image: Image, corners: Corners) -> Image:
    """Cut a line of text out of an image, so that it runs from left to right."""
    top_left, top_right, bottom_right, bottom_left = corners
    width = int(max(np.linalg.norm(top_left - top_right), np.linalg.norm(bottom_right - bottom_left)))
    height = int(max(np.linalg.norm(top_left - bottom_left), np.linalg.norm(top_right - bottom_right)))
    upright = top_left[0] == bottom_left[0] and top_right[0] == bottom_right[0]
    if upright and top_left[1] == top_right[1] and bottom_left[1] == bottom_right[1]:
        left, top = map(int, top_left)
        line = image[top : top + height, left : left + width]
    else:
        target = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
        line = cv2.warpPerspective(
            image,
            cv2.getPerspectiveTransform(corners, target),
            (width, height),
            borderMode=cv2.BORDER_REPLICATE,
            flags=cv2.INTER_CUBIC,
        )
    return np.ascontiguousarray(np.rot90(line)) if height >= _UPRIGHT * width else line
