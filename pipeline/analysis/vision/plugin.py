"""Vision models from plug-ins."""

from collections.abc import Sequence

import numpy as np
import torch

from pipeline.analysis.vision.networks import Image
from pipeline.analysis.vision.zero_shot import TextTower
from pipeline.models import VisionModel, make_plugin
from schemas.errors import ModelError

_ROUNDING = 1e-3


class PluginNetwork:
    """A plug-in model. Its output is checked, so that an error names the plug-in.

    Args:
        model_id: `plugin:<name>` or `python:package.module:Factory`.
        device: `cpu` or `cuda`.
        threads: Threads it may use.

    Raises:
        ModelError: The model cannot be made.
    """

    text_tower: TextTower | None = None

    def __init__(self, model_id: str, *, device: str, threads: int) -> None:
        self._id = model_id
        self._model = make_plugin("vision", model_id, VisionModel, device=device, threads=threads)
        self.dimensions = int(self._model.dimensions)
        self.label_names = tuple(map(str, self._model.label_names))

    def prepare(self, images: Sequence[Image]) -> Sequence[Image]:
        """Return the images unchanged: the model prepares them itself."""
        return images

    def run(self, pixels: Sequence[Image]) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return embeddings (n, dimensions) and probabilities (n, classes) or None, float32.

        Raises:
            ModelError: They have other shapes, are not finite, or are not probabilities.
        """
        embeddings, probabilities = self._model.encode(pixels)
        found = self._checked("embeddings", embeddings, (len(pixels), self.dimensions))
        if probabilities is None or not self.label_names:
            return found, None
        scores = self._checked("probabilities", probabilities, (len(pixels), len(self.label_names)))
        if len(scores) and not (float(scores.min()) >= -_ROUNDING and float(scores.max()) <= 1.0 + _ROUNDING):
            raise ModelError(
                f"vision.model: {self._id} returned probabilities from {float(scores.min()):g} to "
                f"{float(scores.max()):g}; they must be from 0 to 1. Are they logits? Return their softmax or sigmoid."
            )
        return found, scores.clamp(0.0, 1.0)

    def _checked(self, what: str, values: object, shape: tuple[int, int]) -> torch.Tensor:
        array = np.asarray(values, dtype=np.float32)
        if array.shape != shape or not np.isfinite(array).all():
            raise ModelError(
                f"vision.model: {self._id} returned {what} of shape {array.shape}; expected finite values of "
                f"shape {shape}."
            )
        return torch.from_numpy(np.array(array))
