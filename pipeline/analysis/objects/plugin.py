"""Object detectors from plug-ins."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.objects.boxes import Boxes, kept
from pipeline.analysis.vision import Image
from pipeline.models import ObjectModel, OutputCheck, make_plugin

_MARGIN = 0.5
"""Boxes may reach out of the image by so much of its size, as networks see objects at its edge. They are clipped."""


class PluginDetector:
    """A plug-in model. Its output is checked, so that an error names the plug-in.

    Args:
        model_id: `plugin:<name>` or `python:package.module:Factory`.
        device: `cpu` or `cuda`.
        threads: Threads it may use.

    Raises:
        ModelError: The model cannot be made, or has no classes.
    """

    def __init__(self, model_id: str, *, device: str, threads: int) -> None:
        self._check = OutputCheck("objects.model", model_id)
        self._model = make_plugin("objects", model_id, ObjectModel, device=device, threads=threads)
        self._names = self._check.label_names(self._model.label_names)

    def check(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """Return the scores of all boxes."""
        return np.concatenate([found.scores for found in self._found(images)])

    def detect(self, images: Sequence[Image], min_score: float) -> list[Boxes]:
        """Return the objects of each image with at least this score, the best first.

        Raises:
            ModelOutputError: The model returned something else than boxes, scores and classes for each image.
        """
        return [kept(_at_least(found, min_score)) for found in self._found(images)]

    def _found(self, images: Sequence[Image]) -> list[Boxes]:
        found = self._check.one_each(self._model.detect(images), len(images), "results", "images")
        return [self._boxes(each) for each in found]

    def _boxes(self, found: object) -> Boxes:
        if not isinstance(found, tuple | list) or len(found) != 3:
            raise self._check.error(f"{type(found).__name__} for an image; expected (boxes, scores, classes)")
        scores = self._check.scores(found[1], (None,), "scores")
        count = len(scores)
        boxes = self._check.array(
            np.reshape(found[0], (0, 4)) if not np.size(found[0]) else found[0], (count, 4), "boxes"
        )
        classes = self._check.array(found[2], (count,), "classes")
        if count and not (boxes.min() >= -_MARGIN and boxes.max() <= 1 + _MARGIN):
            raise self._check.error(
                f"boxes from {boxes.min():g} to {boxes.max():g}; they must be fractions of width and height. Are they "
                "pixels? Divide them by the size of the image"
            )
        if (boxes[:, 2:] < boxes[:, :2]).any():
            raise self._check.error("boxes that end before they begin; expected x0, y0, x1, y1")
        if count and (classes != np.round(classes)).any() | (classes.min() < 0) | (classes.max() >= len(self._names)):
            raise self._check.error(f"classes {np.unique(classes)}; expected integers from 0 to {len(self._names) - 1}")
        return Boxes(boxes, scores, tuple(self._names[int(each)] for each in classes))


def _at_least(found: Boxes, min_score: float) -> Boxes:
    chosen = np.flatnonzero(found.scores >= min_score)
    return Boxes(found.boxes[chosen], found.scores[chosen], tuple(found.labels[index] for index in chosen))
