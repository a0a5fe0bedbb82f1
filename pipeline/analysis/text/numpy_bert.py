"""The embedded sentence encoders on NumPy alone, for a query or two: importing PyTorch would take seconds.

The weights stay on disk. Of the word embeddings, only the rows of a query's tokens are read.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.text.wordpiece import tokenizer_of

Array = NDArray[np.float32]

_DTYPES = {"F32": np.float32, "F16": np.float16, "I64": np.int64}
_ERF = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)
"""Coefficients of Abramowitz and Stegun's approximation 7.1.26, whose error is below 1.5e-7."""


class NumpyBert:
    """A BERT without its heads (Devlin et al. 2019): the same vectors as `Bert`, except for rounding.

    Args:
        folder: A model with `config.json`, `model.safetensors` and a tokenizer.

    Raises:
        ValueError: The weights cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        self.hidden_size: int = config["hidden_size"]
        self.longest_input: int = config["max_position_embeddings"]
        self._layers: int = config["num_hidden_layers"]
        self._heads: int = config["num_attention_heads"]
        self._eps: float = config["layer_norm_eps"]
        self._weights = _mapped(folder / "model.safetensors")
        self._tokenizer = tokenizer_of(folder)

    def tokenize(self, texts: Sequence[str], max_tokens: int) -> list[tuple[list[int], list[int]]]:
        """Return the token ids of each text, and which of them are special tokens."""
        return self._tokenizer.encode(texts, max_tokens)

    def pooled(self, tokens: Sequence[Sequence[int]], pooling: str) -> Array:
        """Return a vector for each text, (n, hidden_size) of unit length.

        Args:
            tokens: Ids of each text, with special tokens.
            pooling: `cls` takes the first token; `mean` the mean of all.
        """
        # One by one, so that nothing is padded: a query is short, and most have the same length as no other.
        hidden = [self._hidden_states(np.array(ids)) for ids in tokens]
        found = np.stack([each[0] if pooling == "cls" else each.mean(axis=0) for each in hidden])
        return np.asarray(found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12), np.float32)

    def _hidden_states(self, ids: NDArray[np.int64]) -> Array:
        """Return the last layer's output, (length, hidden_size)."""
        table = "embeddings.{}_embeddings.weight".format
        words = self._weights[table("word")][ids].astype(np.float32)
        hidden = words + self._weights[table("token_type")][0] + self._weights[table("position")][: len(ids)]
        hidden = self._norm(hidden, "embeddings.LayerNorm")
        for number in range(self._layers):
            layer = f"encoder.layer.{number}"
            hidden = self._add(hidden, self._attention(hidden, f"{layer}.attention.self"), f"{layer}.attention.output")
            inner = _gelu(self._linear(hidden, f"{layer}.intermediate.dense"))
            hidden = self._add(hidden, inner, f"{layer}.output")
        return hidden

    def _attention(self, hidden: Array, name: str) -> Array:
        query, key, value = (
            self._linear(hidden, f"{name}.{part}").reshape(len(hidden), self._heads, -1).swapaxes(0, 1)
            for part in ("query", "key", "value")
        )
        scores = query @ key.swapaxes(1, 2) / np.float32(np.sqrt(query.shape[-1]))  # (heads, length, length)
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        attended: Array = (weights @ value).swapaxes(0, 1).reshape(len(hidden), -1)
        return attended

    def _add(self, hidden: Array, inner: Array, name: str) -> Array:
        return self._norm(self._linear(inner, f"{name}.dense") + hidden, f"{name}.LayerNorm")

    def _linear(self, values: Array, name: str) -> Array:
        found: Array = values @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]
        return found

    def _norm(self, values: Array, name: str) -> Array:
        centred = values - values.mean(axis=-1, keepdims=True)
        deviation = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + np.float32(self._eps))
        scaled: Array = centred / deviation * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]
        return scaled


def _gelu(values: Array) -> Array:
    """Return the Gaussian error linear unit (Hendrycks and Gimpel 2016), exact to 1e-6."""
    distance = np.abs(values) * np.float32(np.sqrt(0.5))
    step = 1 / (1 + np.float32(0.3275911) * distance)
    polynomial = np.zeros_like(step)
    for coefficient in reversed(_ERF):
        polynomial = (polynomial + np.float32(coefficient)) * step
    erf = np.copysign(1 - polynomial * np.exp(-(distance**2)), values)
    return np.asarray(0.5 * values * (1 + erf), np.float32)


def _mapped(file: Path) -> Mapping[str, Array]:
    """Map a safetensors file into memory.

    Raises:
        ValueError: It is no such file, or was cut off.
    """
    content = np.memmap(file, np.uint8, "r")
    start = 8 + int(content[:8].view("<u8")[0])
    header = json.loads(content[8:start].tobytes())
    return {
        name: content[start + entry["data_offsets"][0] : start + entry["data_offsets"][1]]
        .view(_DTYPES[entry["dtype"]])
        .reshape(entry["shape"])
        for name, entry in header.items()
        if name != "__metadata__"
    }
