"""An object detector: finds the region that has a colour."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Found = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]


class ColourDetector:
    """Finds what is strongly red, green or blue.

    Args:
        device: `cpu` or `cuda`; arithmetic as small as this ignores it.
        threads: Threads it may use; likewise.
    """

    licence = "Apache-2.0"
    label_names = ("red region", "green region", "blue region")

    def __init__(self, *, device: str, threads: int) -> None:
        del device, threads

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[Found]:
        """Return boxes (n, 4) in fractions of the image, scores (n,) and classes (n,) for each image."""
        return [self._found(image.astype(np.float32)) for image in images]

    def _found(self, image: NDArray[np.float32]) -> Found:
        height, width, _ = image.shape
        boxes, scores, classes = [], [], []
        for channel in range(3):
            others = np.delete(image, channel, axis=2).max(axis=2)
            rows, columns = np.nonzero(image[:, :, channel] > 1.5 * others + 40)
            if len(rows) < 0.01 * height * width:
                continue
            x0, y0, x1, y1 = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
            boxes.append((x0 / width, y0 / height, x1 / width, y1 / height))
            scores.append(len(rows) / ((x1 - x0) * (y1 - y0)))  # how much of the box has the colour
            classes.append(channel)
        return np.array(boxes, np.float32).reshape(-1, 4), np.array(scores, np.float32), np.array(classes, np.int64)
