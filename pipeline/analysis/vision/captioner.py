"""Captions of frames, by an image-to-text model: BLIP, GIT and similar, a chat model, or a plug-in."""

import logging
from collections.abc import Sequence

from pipeline.analysis.vision.change import featureless
from pipeline.analysis.vision.image_to_text import load_image_to_text
from pipeline.analysis.vision.networks import Image
from pipeline.models import (
    BatchSize,
    CaptionModel,
    ModelInfo,
    OutputCheck,
    batch_size,
    is_plugin,
    make_plugin,
    resolve,
    runs_on,
    set_threads,
)
from schemas.config import CaptionsConfig

logger = logging.getLogger(__name__)

_MAX_CHARACTERS = 600


class Captioner:
    """A loaded image-to-text model. Use it from one thread at a time.

    Args:
        config: The `captions` section. Its model is not `composed`.
        device: `cpu` or `cuda`.
        threads: PyTorch threads in this process.

    Raises:
        ModelError: The model cannot be found or loaded, or is of another kind.
    """

    def __init__(self, config: CaptionsConfig, *, device: str, threads: int) -> None:
        set_threads(threads)
        self.info: ModelInfo = resolve("captions", config.model)
        self._check = OutputCheck("captions.model", self.info.id)
        self._device = device
        self._batch = BatchSize("captions", batch_size("captions", config.batch_size, device), device)
        self._model: CaptionModel
        if is_plugin(config.model):
            self._model = make_plugin("captions", config.model, CaptionModel, device=device, threads=threads)
        else:
            self._model = load_image_to_text(self.info, config, device=device)
        logger.info("captioner %s loaded", self.info.id)

    @property
    def runs_on(self) -> str:
        """Device, precision and frames at once, for the log."""
        return runs_on(self._device, getattr(self._model, "dtype", "plug-in"), self._batch.size)

    @property
    def source(self) -> str:
        """Value of the column `caption_source` for its captions."""
        return f"model:{self.info.id}"

    def caption(self, images: Sequence[Image]) -> list[str]:
        """Describe frames. Frames of a single colour are skipped, because models invent captions for them.

        Args:
            images: uint8 (height, width, 3) RGB each, of any sizes.

        Returns:
            A sentence for each frame, or an empty string.

        Raises:
            ModelOutputError: A plug-in returns something else.
        """
        captions = [""] * len(images)
        indices = [index for index, image in enumerate(images) if not featureless(image)]
        for batch, texts in self._batch.batches(
            indices, lambda batch: self._model.caption([images[index] for index in batch])
        ):
            for index, text in zip(batch, self._check.one_each(texts, len(batch), "captions", "frames"), strict=True):
                if not isinstance(text, str):
                    raise self._check.error(f"a caption of the type {type(text).__name__}; expected a string")
                captions[index] = sentence(text)
        return captions


def sentence(text: str) -> str:
    """Return a model's output as one sentence: on one line, with a capital letter and a full stop."""
    line = " ".join(text.split())[:_MAX_CHARACTERS]
    if not any(character.isalnum() for character in line):
        return ""
    line = line[0].upper() + line[1:]
    return line if line.endswith((".", "!", "?", "…", "。", "！", "？")) else f"{line.rstrip(' ,;:')}."
