"""Boxes of objects: which of several that overlap are kept."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from schemas.records import DetectedObject

_SAME_LABEL_IOU = 0.5
"""Two boxes with one label that overlap more are the same object."""
_OTHER_LABEL_IOU = 0.8
"""Two boxes with different labels that overlap more are the same object, of which the label with the best score is
right."""


@dataclass(frozen=True, slots=True, eq=False)
class Boxes:
    """What a network found in an image."""

    boxes: NDArray[np.float32]
    """(n, 4): x0, y0, x1, y1 in fractions of width and height."""
    scores: NDArray[np.float32]
    """(n,)"""
    labels: tuple[str, ...]
    """Name of the class of each box."""

    def objects(self) -> tuple[DetectedObject, ...]:
        """Return the objects, those with the best score first."""
        return tuple(
            DetectedObject(label, float(score), (float(box[0]), float(box[1]), float(box[2]), float(box[3])))
            for box, score, label in zip(self.boxes, self.scores, self.labels, strict=True)
        )


def kept(found: Boxes) -> Boxes:
    """Clip boxes to the image, and keep one box of each object, those with the best score first."""
    boxes = np.clip(found.boxes, 0.0, 1.0)
    solid = np.flatnonzero((boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1]))
    if not len(solid):
        return Boxes(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), ())
    names = sorted(set(found.labels))
    classes = [names.index(found.labels[index]) for index in solid]
    first = solid[_suppressed(boxes[solid], found.scores[solid], classes, _SAME_LABEL_IOU)]
    rest = first[_suppressed(boxes[first], found.scores[first], [0] * len(first), _OTHER_LABEL_IOU)]
    order = rest[np.argsort(-found.scores[rest], kind="stable")]
    return Boxes(boxes[order], found.scores[order], tuple(found.labels[index] for index in order))


def _suppressed(
    boxes: NDArray[np.float32], scores: NDArray[np.float32], classes: list[int], max_iou: float
) -> NDArray[np.int64]:
    """Return the indexes that non-maximum suppression leaves."""
    sized = [(float(x0), float(y0), float(x1 - x0), float(y1 - y0)) for x0, y0, x1, y1 in boxes]
    left = cv2.dnn.NMSBoxesBatched(sized, scores.tolist(), classes, 0.0, max_iou)
    return np.asarray(left, dtype=np.int64).reshape(-1)
