"""Text encoders in the format of the Hugging Face Hub, run by transformers."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.analysis.text.pooling import pooled
from pipeline.models import LOAD_OPTIONS, load_pretrained, longest_input, quiet_transformers


class HubEncoder:
    """A BERT-like model that transformers' `AutoModel` and `AutoTokenizer` read.

    Args:
        folder: The model.
        device: `cpu` or `cuda`.

    Raises:
        ValueError: The model is not BERT-like. A folder that holds no model raises one of `LOAD_ERRORS`.
    """

    def __init__(self, folder: Path, device: str) -> None:
        from transformers import AutoModel, AutoTokenizer

        with quiet_transformers():
            self._tokenizer = AutoTokenizer.from_pretrained(folder, **LOAD_OPTIONS)
        model = load_pretrained(AutoModel, folder, dtype=torch.float32)
        if getattr(model.config, "is_encoder_decoder", False) or not hasattr(model.config, "hidden_size"):
            raise ValueError(f"it is a {model.config.model_type} model, not a BERT-like encoder")
        self._model = model.eval().to(device)
        self._device = device
        self.hidden_size = int(model.config.hidden_size)
        self.pad_token_id = int(self._tokenizer.pad_token_id or 0)
        self.longest_input = longest_input(model, self._tokenizer)

    def tokenize(self, texts: Sequence[str], max_tokens: int) -> list[tuple[list[int], list[int]]]:
        """Return the token ids of each text, and which of them are special tokens."""
        encoded = self._tokenizer(
            list(texts),
            truncation=True,
            max_length=max_tokens,
            return_attention_mask=False,
            return_special_tokens_mask=True,
        )
        return list(zip(encoded["input_ids"], encoded["special_tokens_mask"], strict=True))

    def pooled(self, tokens: Sequence[Sequence[int]], pooling: str) -> NDArray[np.float32]:
        """Return a vector for each text, (n, hidden_size) of unit length; see `pipeline.analysis.text.pooling`."""
        return pooled(self, tokens, pooling, self._device)

    def hidden_states(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return the last layer's output, (batch, length, hidden_size), float32; see `Bert.hidden_states`."""
        output = self._model(input_ids=input_ids, attention_mask=attention_mask.long())
        hidden: torch.Tensor = output.last_hidden_state.float()
        return hidden
