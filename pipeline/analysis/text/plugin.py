"""Text encoders from plug-ins."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.models import OutputCheck, TextModel, make_plugin


class PluginTextEncoder:
    """A plug-in model. Its output is checked and scaled to unit length.

    Args:
        model_id: `plugin:<name>` or `python:package.module:Factory`.
        device: `cpu` or `cuda`.
        threads: Threads it may use.

    Raises:
        ModelError: The model cannot be made.
    """

    def __init__(self, model_id: str, *, device: str, threads: int) -> None:
        self._check = OutputCheck("text.model", model_id)
        self._model = make_plugin("text", model_id, TextModel, device=device, threads=threads)
        self.dimensions = int(self._model.dimensions)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (n, dimensions) of unit length. Empty texts give zeros and are not passed to the model.

        Raises:
            ModelOutputError: The model returned another shape, or values that are not finite.
        """
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        filled = [index for index, text in enumerate(texts) if text]
        if not filled:
            return vectors
        texts = [texts[index] for index in filled]
        found = self._check.array(self._model.encode(texts), (len(filled), self.dimensions), "vectors")
        vectors[filled] = found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
        return vectors
