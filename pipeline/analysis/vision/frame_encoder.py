"""Frame encoder: frames in, embeddings and labels out."""

import logging
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.vision.change import featureless
from pipeline.analysis.vision.efficientnet import EfficientNetLite
from pipeline.analysis.vision.features import FrameFeatures, top_labels, unit_length
from pipeline.analysis.vision.hub import load_transformers
from pipeline.analysis.vision.networks import Image, VisionNetwork, choose_precision
from pipeline.analysis.vision.plugin import PluginNetwork
from pipeline.models import EMBEDDED_PREFIX, BatchSize, ModelInfo, batch_size, is_plugin, resolve, runs_on, set_threads
from schemas.config import VisionConfig
from schemas.records import Label

logger = logging.getLogger(__name__)


class FrameEncoder:
    """A vision model with its preprocessing. Use it from one thread at a time.

    Args:
        config: The `vision` section.
        device: `cpu` or `cuda`.
        threads: PyTorch and OpenCV threads in this process.

    Raises:
        ModelError: The model cannot be found or loaded.
    """

    def __init__(self, config: VisionConfig, *, device: str, threads: int) -> None:
        set_threads(threads)
        self.info: ModelInfo = resolve("vision", config.model)
        self._config = config
        self._batch = BatchSize("vision", batch_size("vision", config.batch_size, device), device)
        dtype = choose_precision(config.precision, device)
        self._place = device, "plug-in" if is_plugin(config.model) else dtype
        self._network: VisionNetwork
        if config.model.startswith(EMBEDDED_PREFIX):
            self._network = EfficientNetLite(self.info.path, device=device, dtype=dtype)
        elif is_plugin(config.model):
            self._network = PluginNetwork(config.model, device=device, threads=threads)
        else:
            self._network = load_transformers(self.info, device=device, dtype=dtype, labels=config.labels > 0)
        logger.info("frame encoder %s loaded, %d dimensions, %s", self.info.id, self.dimensions, dtype)

    @property
    def dimensions(self) -> int:
        """Length of an embedding."""
        return self._network.dimensions

    @property
    def runs_on(self) -> str:
        """Device, precision and frames at once, for the log."""
        return runs_on(*self._place, self.batch_size)

    @property
    def batch_size(self) -> int:
        """Frames that are encoded at once."""
        return self._batch.size

    @property
    def label_names(self) -> tuple[str, ...]:
        """All labels of the model; empty if it has none."""
        return self._network.label_names

    @property
    def reads_texts(self) -> bool:
        """Whether the model also encodes texts in the same space, as CLIP does."""
        return self._network.text_tower is not None

    def encode(self, images: Sequence[Image]) -> FrameFeatures:
        """Encode frames.

        Args:
            images: uint8 (height, width, 3) RGB each, of any sizes.

        Returns:
            Embeddings and labels, in the order of `images`. A frame of a single grey, as after a fade to black, has no
            labels and an embedding of zeros.
        """
        embeddings = np.zeros((len(images), self.dimensions), dtype=np.float32)
        probabilities = np.zeros((len(images), len(self.label_names)), dtype=np.float32) if self.label_names else None
        shown = [index for index, image in enumerate(images) if not featureless(image)]
        for indices, (vectors, scores) in self._batch.batches(
            shown, lambda batch: self._network.run(self._network.prepare([images[index] for index in batch]))
        ):
            embeddings[indices] = vectors.cpu().numpy()
            if probabilities is not None and scores is not None:
                probabilities[indices] = scores.cpu().numpy()
        return FrameFeatures(unit_length(embeddings), self._labels(probabilities, len(images)), probabilities)

    def encode_texts(self, texts: Sequence[str]) -> NDArray[np.float32] | None:
        """Encode texts in the space of the frames' embeddings.

        Returns:
            float32 (n, dimensions) of unit length; None if the model has no text tower (see `reads_texts`).
        """
        return self._network.text_tower.encode(texts) if self._network.text_tower else None

    def _labels(self, probabilities: NDArray[np.float32] | None, count: int) -> tuple[tuple[Label, ...], ...]:
        if probabilities is None or self._config.labels == 0:
            return ((),) * count
        # A blank frame has no labels, even with a threshold of 0.
        min_score = max(self._config.min_label_score, 1e-12)
        return tuple(top_labels(row, self.label_names, self._config.labels, min_score) for row in probabilities)
