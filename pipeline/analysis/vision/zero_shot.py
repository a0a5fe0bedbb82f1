"""Text towers of CLIP-like models: they encode queries, and label names for zero-shot classification."""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.models import LOAD_OPTIONS, ModelInfo, cached_array

logger = logging.getLogger(__name__)

_PROMPT = "a photo of a {}."
_BATCH = 64
_TOKENIZER_FILES = ("tokenizer.json", "vocab.json", "vocab.txt", "spiece.model", "tokenizer.model")


class TextTower:
    """The text encoder of a CLIP-like model (Radford et al. 2021).

    Args:
        model: A transformers model with `get_text_features`.
        info: The model. Its folder also holds the tokenizer.
    """

    def __init__(self, model: Any, info: ModelInfo) -> None:  # noqa: ANN401 - transformers' classes are chosen at run time
        from transformers import AutoTokenizer

        self._model = model
        self._info = info
        self._tokenizer = AutoTokenizer.from_pretrained(info.path, **LOAD_OPTIONS)
        # SigLIP was trained on padded text and needs it.
        self._padding = "max_length" if model.config.model_type.startswith("siglip") else True
        self._length = int(model.config.text_config.max_position_embeddings)

    @torch.inference_mode()
    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode texts without a prompt.

        Returns:
            float32 (n, dimensions) of unit length.
        """
        rows = []
        for start in range(0, len(texts), _BATCH):
            tokens = self._tokenizer(
                list(texts[start : start + _BATCH]),
                padding=self._padding,
                truncation=True,
                max_length=self._length,
                return_tensors="pt",
            ).to(self._model.device)
            output = self._model.get_text_features(**tokens)
            features = getattr(output, "pooler_output", output).float()
            rows.append(torch.nn.functional.normalize(features, dim=1).cpu())
        vectors: NDArray[np.float32] = torch.cat(rows).numpy()
        return vectors

    def label_vectors(self, names: Sequence[str]) -> torch.Tensor:
        """Encode label names once. The result is cached by the model's digest and precision.

        Returns:
            float32 (labels, dimensions) of unit length, on the model's device.
        """
        prompts = [_PROMPT.format(name) for name in names]
        key = (self._info.digest, str(self._model.dtype), *prompts)
        vectors = cached_array("labels", key, lambda: self.encode(prompts))
        return torch.from_numpy(vectors).to(self._model.device)


def text_tower(model: Any, info: ModelInfo) -> TextTower | None:  # noqa: ANN401
    """Return a model's text tower, or None if it comes without a tokenizer."""
    # Without its files, AutoTokenizer makes an empty tokenizer that encodes all texts alike.
    if not any((info.path / name).is_file() for name in _TOKENIZER_FILES):
        logger.warning(
            "%s comes without a tokenizer, so frames get no labels and cannot be compared with texts", info.id
        )
        return None
    return TextTower(model, info)
