"""Object detector: keyframes in, labelled boxes out."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.objects.boxes import Boxes
from pipeline.analysis.objects.content import natural_content
from pipeline.analysis.objects.hub import load_detector
from pipeline.analysis.objects.plugin import PluginDetector
from pipeline.analysis.objects.ssd_mobilenet import SsdMobileNet
from pipeline.analysis.vision import Image, choose_precision
from pipeline.models import EMBEDDED_PREFIX, BatchSize, ModelInfo, batch_size, is_plugin, resolve, runs_on, set_threads
from schemas.config import ObjectsConfig
from schemas.errors import ModelError
from schemas.records import DetectedObject, TextLine

logger = logging.getLogger(__name__)


class DetectionNetwork(Protocol):
    """A loaded network."""

    def check(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """Return what the network computes of images before any score is compared with a threshold."""

    def detect(self, images: Sequence[Image], min_score: float) -> list[Boxes]:
        """Return the objects of each image with at least this score, the best first."""


class ObjectDetector:
    """A loaded object detector. Use it from one thread at a time.

    Args:
        config: The `objects` section. Its model is not `none`.
        device: `cpu` or `cuda`.
        threads: PyTorch and OpenCV threads in this process.

    Raises:
        ModelError: The model cannot be found or loaded.
    """

    def __init__(self, config: ObjectsConfig, *, device: str, threads: int) -> None:
        set_threads(threads)
        self.info: ModelInfo = resolve("objects", config.model)
        self._min_score = config.min_score
        self._batch = BatchSize("objects", batch_size("objects", config.batch_size, device), device)
        dtype = choose_precision(config.precision, device)
        self._place = device, "plug-in" if is_plugin(config.model) else dtype
        self._network: DetectionNetwork
        if config.model.startswith(EMBEDDED_PREFIX):
            try:
                self._network = SsdMobileNet(self.info.path, device=device, dtype=dtype)
            except (OSError, ValueError, KeyError) as error:
                raise ModelError(f"objects.model: {self.info.path} does not hold SSD-MobileNet-v2: {error}") from error
        elif is_plugin(config.model):
            self._network = PluginDetector(config.model, device=device, threads=threads)
        else:
            self._network = load_detector(self.info, device=device, dtype=dtype)
        logger.info("object detector %s loaded, %s", self.info.id, dtype)

    @property
    def runs_on(self) -> str:
        """Device, precision and frames at once, for the log."""
        return runs_on(*self._place, self._batch.size)

    def check(self, image: Image) -> NDArray[np.float32]:
        """Run the network on one image, and return its output, to check that it is finite."""
        return self._network.check([image])

    def detect(
        self, images: Sequence[Image], texts: Sequence[tuple[TextLine, ...]]
    ) -> list[tuple[DetectedObject, ...]]:
        """Detect objects. Slides, drawings and blank frames are skipped, because the models see objects in them, too.

        Args:
            images: uint8 (height, width, 3) RGB each, of any sizes.
            texts: The on-screen text of each.

        Returns:
            The objects of each frame with a score of at least `objects.min_score`, the best first.

        Raises:
            ModelOutputError: A plug-in returned something else.
        """
        objects: list[tuple[DetectedObject, ...]] = [()] * len(images)
        contents = [natural_content(image, lines) for image, lines in zip(images, texts, strict=True)]
        shown = [(index, content) for index, content in enumerate(contents) if content]
        for batch, found in self._batch.batches(
            shown, lambda batch: self._network.detect([content.image for _, content in batch], self._min_score)
        ):
            for (index, content), boxes in zip(batch, found, strict=True):
                objects[index] = replace(boxes, boxes=content.in_frame(boxes.boxes)).objects()
        return objects
