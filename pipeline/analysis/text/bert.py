"""The embedded sentence encoder, a BERT, run by PyTorch alone: importing transformers would take 4 s."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch.nn.functional import embedding, gelu, layer_norm, linear, scaled_dot_product_attention

from pipeline.analysis.text.pooling import pooled
from pipeline.analysis.text.wordpiece import tokenizer_of


class Bert:
    """A BERT without its heads (Devlin et al. 2019), with the same results as transformers' `BertModel`.

    Args:
        folder: A model with `config.json`, `model.safetensors` and `tokenizer.json`.
        device: `cpu` or `cuda`.
    """

    def __init__(self, folder: Path, device: str) -> None:
        config = json.loads((folder / "config.json").read_text())
        self.hidden_size: int = config["hidden_size"]
        self.pad_token_id: int = config["pad_token_id"]
        self.longest_input: int = config["max_position_embeddings"]
        self._layers: int = config["num_hidden_layers"]
        self._heads: int = config["num_attention_heads"]
        self._eps: float = config["layer_norm_eps"]
        self._weights = load_file(folder / "model.safetensors", device=device)  # maps the file into memory on a CPU
        self._tokenizer = tokenizer_of(folder)
        self._device = device

    def tokenize(self, texts: Sequence[str], max_tokens: int) -> list[tuple[list[int], list[int]]]:
        """Return the token ids of each text, and which of them are special tokens."""
        return self._tokenizer.encode(texts, max_tokens)

    def pooled(self, tokens: Sequence[Sequence[int]], pooling: str) -> NDArray[np.float32]:
        """Return a vector for each text, (n, hidden_size) of unit length; see `pipeline.analysis.text.pooling`."""
        return pooled(self, tokens, pooling, self._device)

    def hidden_states(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return the last layer's output.

        Args:
            input_ids: (batch, length), int64.
            attention_mask: (batch, length), bool; False where a text is padded.

        Returns:
            (batch, length, hidden_size), float32.
        """
        mask = None if attention_mask.all() else attention_mask[:, None, None, :].expand(-1, -1, input_ids.shape[1], -1)
        table = "embeddings.{}_embeddings.weight".format
        words = embedding(input_ids, self._weights[table("word")]).float()
        kinds = self._weights[table("token_type")][0]
        positions = self._weights[table("position")][: input_ids.shape[1]]
        hidden = self._norm(words + kinds + positions, "embeddings.LayerNorm")
        for number in range(self._layers):
            layer = f"encoder.layer.{number}"
            attended = self._attention(hidden, mask, f"{layer}.attention.self")
            hidden = self._add(hidden, attended, f"{layer}.attention.output")
            hidden = self._add(hidden, gelu(self._linear(hidden, f"{layer}.intermediate.dense")), f"{layer}.output")
        return hidden

    def _attention(self, hidden: torch.Tensor, mask: torch.Tensor | None, name: str) -> torch.Tensor:
        query, key, value = (
            self._linear(hidden, f"{name}.{part}").view(*hidden.shape[:2], self._heads, -1).transpose(1, 2)
            for part in ("query", "key", "value")
        )
        return scaled_dot_product_attention(query, key, value, attn_mask=mask).transpose(1, 2).flatten(2)

    def _add(self, hidden: torch.Tensor, inner: torch.Tensor, name: str) -> torch.Tensor:
        return self._norm(self._linear(inner, f"{name}.dense") + hidden, f"{name}.LayerNorm")

    def _linear(self, values: torch.Tensor, name: str) -> torch.Tensor:
        return linear(values, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])

    def _norm(self, values: torch.Tensor, name: str) -> torch.Tensor:
        weight, bias = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        return layer_norm(values, weight.shape, weight, bias, self._eps)
