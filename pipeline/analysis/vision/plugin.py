"""Vision models from plug-ins."""

from collections.abc import Sequence

import torch

from pipeline.analysis.vision.networks import Image
from pipeline.analysis.vision.zero_shot import TextTower
from pipeline.models import OutputCheck, VisionModel, make_plugin


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
        self._check = OutputCheck("vision.model", model_id)
        self._model = make_plugin("vision", model_id, VisionModel, device=device, threads=threads)
        self.dimensions = int(self._model.dimensions)
        self.label_names = tuple(map(str, self._model.label_names))

    def prepare(self, images: Sequence[Image]) -> Sequence[Image]:
        """Return the images unchanged: the model prepares them itself."""
        return images

    def run(self, pixels: Sequence[Image]) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return embeddings (n, dimensions) and probabilities (n, classes) or None, float32.

        Raises:
            ModelOutputError: They have other shapes, are not finite, or are not probabilities.
        """
        embeddings, probabilities = self._model.encode(pixels)
        found = torch.from_numpy(self._check.array(embeddings, (len(pixels), self.dimensions), "embeddings"))
        if probabilities is None or not self.label_names:
            return found, None
        scores = self._check.scores(probabilities, (len(pixels), len(self.label_names)), "probabilities")
        return found, torch.from_numpy(scores)
