"""Sentence encoder: a BERT-like model that turns texts into unit vectors."""

import copy
import itertools
import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.analysis.text.bert import Bert
from pipeline.analysis.text.hub import HubEncoder
from pipeline.analysis.text.plugin import PluginTextEncoder
from pipeline.models import (
    BOTH,
    DIGEST_LENGTH,
    EMBEDDED_PREFIX,
    LOAD_ERRORS,
    BatchSize,
    ModelInfo,
    batch_size,
    is_plugin,
    resolve,
    runs_on,
    set_threads,
    text_configs,
)
from schemas.config import TextConfig
from schemas.errors import ModelError

logger = logging.getLogger(__name__)

# A token is rarely longer than a word, so far fewer characters than this fill the window. The cut bounds the time that
# the tokenizer spends on a text of megabytes.
_CHARACTERS_PER_TOKEN = 64


class TextEncoder:
    """A transformer encoder with pooling (Devlin et al. 2019; Reimers and Gurevych 2019). One thread at a time.

    With `text.model = auto` it holds two models: an English and a multilingual one. Vectors of different models cannot
    be compared, so each model fills its own part of the vector and leaves the other part at zero. `for_language` gives
    the encoder for texts in one language. `encode_queries` fills both parts, for texts that are compared with any
    video. `encode` without a language, as for label names, fills both parts too; the cosine with a video's vector is
    then the cosine by the video's model, divided by the square root of 2.

    Args:
        config: The `text` section.
        device: `cpu` or `cuda`.
        threads: Threads of PyTorch in this process.

    Raises:
        ModelError: The model cannot be found or loaded.
    """

    def __init__(self, config: TextConfig, *, device: str, threads: int) -> None:
        set_threads(threads)
        parts = text_configs(config)
        self._parts: tuple[TextEncoder, ...] = ()
        self._part: int | None = None
        if len(parts) > 1:
            self._parts = tuple(TextEncoder(part, device=device, threads=threads) for part in parts)
            self.info: ModelInfo = _joined_info([part.info for part in self._parts])
            return
        [config] = parts
        self.info = resolve("text", config.model)
        self._config = config
        self._device = device
        self._batch = BatchSize("text", batch_size("text", config.batch_tokens, device), device)
        self._plugin: PluginTextEncoder | None = None
        self._max_tokens = config.max_tokens
        if is_plugin(config.model):
            self._plugin = PluginTextEncoder(config.model, device=device, threads=threads)
            return
        self._model = _load(self.info, device)
        self._max_tokens = min(config.max_tokens, self._model.longest_input)

    @property
    def runs_on(self) -> str:
        """Device, precision and tokens at once, for the log."""
        return " + ".join(part.runs_on for part in self._parts) or runs_on(
            self._device, "plug-in" if self._plugin else "float32", self._batch.size
        )

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        if self._parts:
            return sum(part.dimensions for part in self._parts)
        return self._plugin.dimensions if self._plugin else self._model.hidden_size

    @property
    def recipe(self) -> str:
        """Everything that decides the vector of a text: weights, pooling and truncation."""
        if self._parts:
            return f"{self._part} of {' + '.join(part.recipe for part in self._parts)}"
        return f"{self.info.digest} {self._config.pooling} {self._max_tokens}"

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode texts. Batching does not change the result.

        Args:
            texts: Any strings. Each is truncated to `text.max_tokens`.

        Returns:
            float32 (n, dimensions) in the order of `texts`, of unit length; zeros for empty texts.
        """
        if self._parts:
            return self._encode_parts(texts)
        if self._plugin:
            return self._plugin.encode([_clean(text, self._max_tokens * _CHARACTERS_PER_TOKEN) for text in texts])
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        filled, tokens = self._tokenize(texts)
        # Texts of similar length share a batch, so that it holds little padding.
        longest_first = sorted(zip(filled, tokens, strict=True), key=lambda row: -len(row[1]))
        for batch, found in self._batch.batches(
            longest_first, lambda rows: self._encode_batch([ids for _, ids in rows]), weight=lambda row: len(row[1])
        ):
            vectors[[index for index, _ in batch]] = found
        return vectors

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode texts that are compared with the texts of any video.

        Returns:
            The result of `encode`. With `auto`, however, each model's part has unit length, so that the product with a
            video's vector is the cosine by the video's model.
        """
        if not self._parts or self._part is not None:
            return self.encode(texts)
        return np.concatenate([part.encode(texts) for part in self._parts], axis=1)

    @property
    def parts(self) -> tuple[tuple["TextEncoder", int, int], ...]:
        """The encoders that share a vector, each with the start and end of its part; one without `auto`."""
        encoders = self._parts or (self,)
        ends = list(itertools.accumulate(each.dimensions for each in encoders))
        return tuple((each, end - each.dimensions, end) for each, end in zip(encoders, ends, strict=True))

    @property
    def infos(self) -> tuple[ModelInfo, ...]:
        """The loaded models: one or two."""
        return tuple(part.info for part in self._parts) or (self.info,)

    def model_for(self, language: str | None) -> str:
        """Return the id of the model for a video in a language (ISO 639-1; None if nobody speaks)."""
        return self._parts[_part_for(language)].info.id if self._parts else self.info.id

    def for_language(self, language: str | None) -> "TextEncoder":
        """Return the encoder for the texts of a video. Without `auto` it is this encoder.

        Args:
            language: ISO 639-1; None if nobody speaks.
        """
        if not self._parts:
            return self
        view = copy.copy(self)
        view._part = _part_for(language)
        return view

    def for_languages(self, languages: Iterable[str]) -> "TextEncoder":
        """Return the encoder for texts about all that is said in some languages; with `auto`, by both models if needed.

        Args:
            languages: ISO 639-1; empty if nobody speaks.
        """
        if not self._parts:
            return self
        parts = {_part_for(language) for language in languages} or {_part_for(None)}
        view = copy.copy(self)
        view._part = parts.pop() if len(parts) == 1 else None
        return view

    def encode_spoken(self, texts: Sequence[str], languages: Sequence[str]) -> NDArray[np.float32]:
        """Encode texts, each with the model for its language; see `encode`."""
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        parts = np.array([_part_for(language) if self._parts else 0 for language in languages])
        for part in np.unique(parts):
            inside = np.flatnonzero(parts == part)
            encoder = self.for_language(languages[int(inside[0])])
            vectors[inside] = encoder.encode([texts[int(index)] for index in inside])
        return vectors

    def _encode_parts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        start = 0
        for index, part in enumerate(self._parts):
            if self._part in (None, index):
                vectors[:, start : start + part.dimensions] = part.encode(texts)
            start += part.dimensions
        return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9), np.float32)

    def _tokenize(self, texts: Sequence[str]) -> tuple[list[int], list[list[int]]]:
        """Return the indices of texts that hold any token, and their token ids with special tokens."""
        cleaned = [_clean(text, self._max_tokens * _CHARACTERS_PER_TOKEN) for text in texts]
        indices = [index for index, text in enumerate(cleaned) if text]
        if not indices:
            return [], []
        rows = self._model.tokenize([cleaned[index] for index in indices], self._max_tokens)
        kept = [(index, ids) for index, (ids, special) in zip(indices, rows, strict=True) if not all(special)]
        return [index for index, _ in kept], [ids for _, ids in kept]

    @torch.inference_mode()
    def _encode_batch(self, tokens: list[list[int]]) -> NDArray[np.float32]:
        length = max(map(len, tokens))
        pad = self._model.pad_token_id
        input_ids = torch.tensor([ids + [pad] * (length - len(ids)) for ids in tokens], device=self._device)
        lengths = torch.tensor([len(ids) for ids in tokens], device=self._device)
        attention_mask = torch.arange(length, device=self._device)[None, :] < lengths[:, None]  # (batch, length)
        hidden = self._model.hidden_states(input_ids, attention_mask)  # (batch, length, dimensions)
        if self._config.pooling == "cls":
            pooled = hidden[:, 0]
        else:
            weights = attention_mask[:, :, None].to(hidden.dtype)
            pooled = (hidden * weights).sum(dim=1) / weights.sum(dim=1)
        unit: NDArray[np.float32] = torch.nn.functional.normalize(pooled, dim=1).cpu().numpy()
        return unit


def _part_for(language: str | None) -> int:
    return 0 if language in (None, "en") else 1


def _joined_info(infos: Sequence[ModelInfo]) -> ModelInfo:
    return replace(
        infos[0],
        id=BOTH.join(info.id for info in infos),
        licence=" + ".join(dict.fromkeys(info.licence for info in infos)),
        digest="".join(info.digest[: DIGEST_LENGTH // len(infos)] for info in infos),
    )


def _clean(text: str, max_characters: int) -> str:
    """Return a text that any tokenizer accepts: single spaces, no lone surrogates, bounded length."""
    return " ".join(text.encode("utf-8", "replace").decode("utf-8").replace("\0", " ").split())[:max_characters]


def _load(info: ModelInfo, device: str) -> Bert | HubEncoder:
    try:
        model = (Bert if info.id.startswith(EMBEDDED_PREFIX) else HubEncoder)(info.path, device)
    except LOAD_ERRORS as error:
        raise ModelError(
            f"text.model: {info.id} ({info.path}) cannot be loaded as a text encoder: {error}. "
            "It must be a folder that transformers' AutoModel and AutoTokenizer read."
        ) from error
    logger.info("text encoder %s loaded, %d dimensions", info.id, model.hidden_size)
    return model
