"""Frames become vectors and labels."""

import logging
from collections.abc import Sequence

import numpy as np
import torch

from pipeline.models import ModelInfo, is_plugin, resolve, set_threads
from pipeline.models.embedded import EMBEDDED_PREFIX
from pipeline.vision.efficientnet import EfficientNetLite
from pipeline.vision.features import FrameFeatures, top_labels, unit_length
from pipeline.vision.hub import load_transformers
from pipeline.vision.networks import Image, VisionNetwork, choose_precision
from pipeline.vision.plugged import PluggedNetwork
from schemas.config import VisionConfig
from schemas.records import Label

logger = logging.getLogger(__name__)


class FrameEncoder:
    """A vision model with its preprocessing. One thread at a time.

    Args:
        config: The `vision` section.
        device: `cpu` or `cuda`.
        threads: Threads of PyTorch and OpenCV in this process.

    Raises:
        ModelError: The model is not there or cannot be loaded.
    """

    def __init__(self, config: VisionConfig, *, device: str, threads: int) -> None:
        set_threads(threads)
        self.info: ModelInfo = resolve("vision", config.model)
        self._config = config
        dtype = choose_precision(config.precision, device)
        self._network: VisionNetwork
        if config.model.startswith(EMBEDDED_PREFIX):
            self._network = EfficientNetLite(self.info.path, device=device, dtype=dtype)
        elif is_plugin(config.model):
            self._network = PluggedNetwork(config.model, device=device, threads=threads)
        else:
            self._network = load_transformers(self.info, device=device, dtype=dtype, labels=config.labels > 0)
        logger.info("frame encoder %s loaded, %d dimensions, %s", self.info.id, self.dimensions, dtype)

    @property
    def dimensions(self) -> int:
        """Length of an embedding."""
        return self._network.dimensions

    @property
    def label_names(self) -> tuple[str, ...]:
        """Every label the model can give; empty where it gives none."""
        return self._network.label_names

    def encode(self, images: Sequence[Image]) -> FrameFeatures:
        """Encode frames.

        Args:
            images: uint8 (height, width, 3) RGB each, of any sizes.

        Returns:
            Embeddings and labels, in the order of `images`.
        """
        embeddings = [np.zeros((0, self.dimensions), dtype=np.float32)]
        labels: list[tuple[Label, ...]] = []
        for start in range(0, len(images), self._config.batch_size):
            vectors, probabilities = self._network.run(
                self._network.prepare(images[start : start + self._config.batch_size])
            )
            embeddings.append(vectors.cpu().numpy())
            labels += self._labels(probabilities, len(vectors))
        return FrameFeatures(embeddings=unit_length(np.concatenate(embeddings)), labels=tuple(labels))

    def _labels(self, probabilities: torch.Tensor | None, count: int) -> list[tuple[Label, ...]]:
        if probabilities is None or self._config.labels == 0:
            return [()] * count
        names, config = self.label_names, self._config
        return [top_labels(row, names, config.labels, config.min_label_score) for row in probabilities.cpu().numpy()]
