"""Frames become sentences, by an image-to-text model: BLIP, GIT and their like, chat models, or a user's own."""

import logging
from collections.abc import Sequence

from pipeline.analysis.vision.change import featureless
from pipeline.analysis.vision.image_to_text import load_image_to_text
from pipeline.analysis.vision.networks import Image
from pipeline.models import CaptionModel, ModelInfo, is_plugin, make_plugin, resolve, set_threads
from schemas.config import CaptionsConfig
from schemas.errors import ModelError

logger = logging.getLogger(__name__)

_LONGEST = 600


class Captioner:
    """A loaded image-to-text model. One thread at a time.

    Args:
        config: The `captions` section; its model is not `composed`.
        device: `cpu` or `cuda`.
        threads: Threads of PyTorch in this process.

    Raises:
        ModelError: The model is not there, cannot be loaded, or is of another kind.
    """

    def __init__(self, config: CaptionsConfig, *, device: str, threads: int) -> None:
        set_threads(threads)
        self.info: ModelInfo = resolve("captions", config.model)
        self._batch_size = config.batch_size
        self._model: CaptionModel
        if is_plugin(config.model):
            self._model = make_plugin("captions", config.model, CaptionModel, device=device, threads=threads)
        else:
            self._model = load_image_to_text(self.info, config, device=device)
        logger.info("captioner %s loaded", self.info.id)

    @property
    def source(self) -> str:
        """What the column `caption_source` says of its captions."""
        return f"model:{self.info.id}"

    def caption(self, images: Sequence[Image]) -> list[str]:
        """Say what frames show; a frame of a single grey is not asked about, since models invent something.

        Args:
            images: uint8 (height, width, 3) RGB each, of any sizes.

        Returns:
            A sentence for each; empty where there is nothing to say.

        Raises:
            ModelError: A user's own model returns something else.
        """
        captions = [""] * len(images)
        places = [place for place, image in enumerate(images) if not featureless(image)]
        for start in range(0, len(places), self._batch_size):
            batch = places[start : start + self._batch_size]
            said = list(self._model.caption([images[place] for place in batch]))
            if len(said) != len(batch) or not all(isinstance(text, str) for text in said):
                raise ModelError(
                    f"captions.model: {self.info.id} returned {len(said)} captions for {len(batch)} frames; "
                    "one string for each is wanted."
                )
            for place, text in zip(batch, said, strict=True):
                captions[place] = sentence(text)
        return captions


def sentence(text: str) -> str:
    """Return what a model wrote as one sentence: on one line, with a capital and a full stop."""
    line = " ".join(text.split())[:_LONGEST]
    if not any(character.isalnum() for character in line):
        return ""
    line = line[0].upper() + line[1:]
    return line if line.endswith((".", "!", "?", "…", "。", "！", "？")) else f"{line.rstrip(' ,;:')}."
