"""Sentence encoder: a BERT-like model that turns texts into unit vectors."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.text.forms import forms_of, is_multilingual_e5
from pipeline.analysis.text.languages import VERSION, Languages
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
    joined_space,
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


class _Model(Protocol):
    hidden_size: int
    longest_input: int

    def tokenize(self, texts: Sequence[str], max_tokens: int) -> list[tuple[list[int], list[int]]]:
        """Return the token ids of each text, and which of them are special tokens."""

    def pooled(self, tokens: Sequence[Sequence[int]], pooling: str) -> NDArray[np.float32]:
        """Return a vector for each text, (n, hidden_size) of unit length."""


class TextEncoder:
    """A transformer encoder with pooling (Devlin et al. 2019; Reimers and Gurevych 2019). One thread at a time.

    With `text.model = auto` it holds two models, an English and a multilingual one, and each fills its own part of a
    vector. Every text has the multilingual part, so texts and queries in all languages can be compared by it
    (`pipeline.analysis.fusion.cosines`). An English text has the English part, too, which says more about it. Vectors
    of different models are never compared. `for_languages` gives the encoder of one part, and its `of_stored` takes
    that part out of stored vectors.

    Args:
        config: The `text` section.
        device: `cpu` or `cuda`.
        threads: Threads of PyTorch in this process.
        queries_only: Only short texts will be encoded, now and then. So the embedded models run on NumPy, with the same
            vectors except for rounding: importing PyTorch takes far longer than a query.

    Raises:
        ModelError: The model cannot be found or loaded.
    """

    def __init__(self, config: TextConfig, *, device: str, threads: int, queries_only: bool = False) -> None:
        parts = text_configs(config)
        self._parts: tuple[TextEncoder, ...] = ()
        self._stored: slice | None = None
        if len(parts) > 1:
            english, multilingual = (
                TextEncoder(part, device=device, threads=threads, queries_only=queries_only) for part in parts
            )
            english._stored = slice(0, english.dimensions)
            multilingual._stored = slice(english.dimensions, None)
            self._parts = (english, multilingual)
            self.info: ModelInfo = _joined_info(english.info, multilingual.info, multilingual.dimensions)
            return
        [config] = parts
        self.info = resolve("text", config.model)
        self._config = config
        self._device = device
        self._batch = BatchSize("text", batch_size("text", config.batch_tokens, device), device)
        self._plugin: PluginTextEncoder | None = None
        self._forms = forms_of(self.info.id)
        self._max_tokens = config.max_tokens
        self._languages = Languages(self._encode_raw, self.recipe)
        self._neutral = is_multilingual_e5(self.info.id)
        self._asked: tuple[tuple[str, ...] | None, NDArray[np.float32]] = (None, np.zeros((0, 0), np.float32))
        if is_plugin(config.model):
            self._plugin = PluginTextEncoder(config.model, device=device, threads=threads)
            return
        self._model = _load(self.info, device, threads, queries_only=queries_only)
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
        """Everything that decides the vector of a text: weights, pooling, truncation and forms."""
        if self._parts:
            return " + ".join(part.recipe for part in self._parts)
        forms = f" {self._forms.passage}{VERSION}" if self._forms.passage else ""
        return f"{self.info.digest} {self._config.pooling} {self._max_tokens}{forms}"

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode texts; if they are not queries and, with `auto`, in English. Batching does not change the result.

        Args:
            texts: Any strings. Each is truncated to `text.max_tokens`.

        Returns:
            float32 (n, dimensions) in the order of `texts`, of unit length; zeros for empty texts.
        """
        return self._encode(texts, queries=False)

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode queries in any language; see `encode`. With `auto`, only English has an English part."""
        vectors = self._encode(texts, queries=True)
        if self._parts:
            vectors[~self.are_english(texts), : self._parts[0].dimensions] = 0
        return _unit(vectors) if self._parts else vectors

    def are_english(self, queries: Sequence[str]) -> NDArray[np.bool_]:
        """Return which queries are in English, (n,), as the multilingual encoder of `auto` sees them.

        A name or a word of several languages may not be taken for English, but another language hardly ever is.
        """
        return np.array([language == "en" for language in self.languages_of(queries)], np.bool_)

    def languages_of(self, queries: Sequence[str]) -> list[str]:
        """Return the language (ISO 639-1) of each query, as the multilingual encoder sees it; empty without one."""
        multilingual = self._parts[1] if self._parts else self
        if not self._parts and not self._neutral:
            return [""] * len(queries)
        languages = multilingual._languages
        found: list[str] = _once_each(
            queries, lambda each: languages.of_queries(multilingual._raw_queries(each))
        ).tolist()
        return found

    def by_language(self, queries: Sequence[str], vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Keep one part of each vector (n, d), at unit length: by the language of its query. Without `auto`, keep all.

        Frames are placed by English labels, which the English encoder knows best.
        """
        if not self._parts:
            return vectors
        english, kept = self.are_english(queries), vectors.copy()
        size = self._parts[0].dimensions
        kept[english, size:] = 0
        kept[~english, :size] = 0
        return _unit(kept)

    def encode_spoken(self, texts: Sequence[str], languages: Sequence[str]) -> NDArray[np.float32]:
        """Encode texts in known languages (ISO 639-1); see `encode`. With `auto`, only English has an English part."""
        if not self._parts:
            return self.encode(texts)
        english, multilingual = self._parts
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        vectors[:, english.dimensions :] = multilingual.encode(texts)
        spoken = [index for index, language in enumerate(languages) if language == "en"]
        vectors[spoken, : english.dimensions] = english.encode([texts[index] for index in spoken])
        return _unit(vectors)

    @property
    def parts(self) -> tuple[tuple["TextEncoder", int, int], ...]:
        """The encoders that share a vector, each with the start and end of its part; one without `auto`."""
        if not self._parts:
            return ((self, 0, self.dimensions),)
        english, multilingual = self._parts
        return (english, 0, english.dimensions), (multilingual, english.dimensions, self.dimensions)

    @property
    def infos(self) -> tuple[ModelInfo, ...]:
        """The loaded models: one or two."""
        return tuple(part.info for part in self._parts) or (self.info,)

    def models_for(self, languages: Iterable[str]) -> str:
        """Return the ids of the models for a video in some languages (ISO 639-1; empty if nobody speaks)."""
        if not self._parts:
            return self.info.id
        used = self._parts[0 if _english(languages) or "en" in languages else 1 :]
        return BOTH.join(part.info.id for part in used)

    def for_languages(self, languages: Iterable[str]) -> "TextEncoder":
        """Return the encoder that says most about all texts in some languages. Without `auto`, it is this encoder.

        Args:
            languages: ISO 639-1; empty if nobody speaks.
        """
        return self._parts[0 if _english(languages) else 1] if self._parts else self

    def of_stored(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what this encoder contributed to vectors (…, d) of the whole encoder, of unit length, or zeros."""
        return vectors if self._stored is None else _unit(vectors[..., self._stored])

    def of_wholes(self, vectors: NDArray[np.float32], texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors (n, d) of passages, given the means of those of their sentences.

        With `auto`, the multilingual part is that of the whole passage: measured, it finds a tenth more of the answers
        to questions in other languages, because a sentence alone seldom says what it is about. A passage that is too
        long for the encoder keeps its mean. Else, nothing changes.
        """
        if not self._parts or not len(texts):
            return vectors
        english, multilingual = self._parts
        means = multilingual.of_stored(vectors)
        cut = [multilingual._is_cut(text) for text in texts]
        wholes = np.where(np.array(cut)[:, None], means, multilingual.encode(texts))
        return _unit(np.concatenate([english.of_stored(vectors), wholes], axis=1))

    def _encode(self, texts: Sequence[str], *, queries: bool) -> NDArray[np.float32]:
        if self._parts:
            return _unit(np.concatenate([part._encode(texts, queries=queries) for part in self._parts], axis=1))

        def encode(each: Sequence[str]) -> NDArray[np.float32]:
            vectors = self._raw_queries(each) if queries else self._encode_raw(each, queries)
            return self._languages.without(vectors, queries=queries) if self._neutral else vectors

        return _once_each(texts, encode)

    def _raw_queries(self, queries: Sequence[str]) -> NDArray[np.float32]:
        """Return what `_encode_raw` does. The last queries are kept: their language is asked for more than once."""
        asked = self._asked
        if asked[0] != tuple(queries):
            asked = self._asked = tuple(queries), self._encode_raw(queries, True)
        return asked[1]

    def _encode_raw(self, texts: Sequence[str], queries: bool) -> NDArray[np.float32]:
        if self._plugin:
            return self._plugin.encode([_clean(text, self._max_tokens * _CHARACTERS_PER_TOKEN) for text in texts])
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        filled, tokens = self._tokenize(texts, self._forms.query if queries else self._forms.passage)
        # Texts of similar length share a batch, so that it holds little padding.
        longest_first = sorted(zip(filled, tokens, strict=True), key=lambda row: -len(row[1]))
        for batch, found in self._batch.batches(
            longest_first,
            lambda rows: self._model.pooled([ids for _, ids in rows], self._config.pooling),
            weight=lambda row: len(row[1]),
        ):
            vectors[[index for index, _ in batch]] = found
        return vectors

    def _tokenize(self, texts: Sequence[str], form: str) -> tuple[list[int], list[list[int]]]:
        """Return the indices of texts that hold any token, and their token ids in a form, with special tokens."""
        cleaned = [_clean(text, self._max_tokens * _CHARACTERS_PER_TOKEN) for text in texts]
        indices = [index for index, text in enumerate(cleaned) if text]
        if not indices:
            return [], []
        bare, *rows = self._model.tokenize([form, *(form + cleaned[index] for index in indices)], self._max_tokens)
        least = bare[1].count(0)
        kept = [(index, ids) for index, (ids, special) in zip(indices, rows, strict=True) if special.count(0) > least]
        return [index for index, _ in kept], [ids for _, ids in kept]

    def _is_cut(self, text: str) -> bool:
        return not self._plugin and any(
            len(ids) >= self._max_tokens for ids in self._tokenize([text], self._forms.passage)[1]
        )


def _once_each(texts: Sequence[str], compute: Callable[[Sequence[str]], NDArray[Any]]) -> NDArray[Any]:
    """Compute rows of texts, (n, …), once for each text, however often it occurs, as a chorus or a subtitle does."""
    rows = {text: row for row, text in enumerate(dict.fromkeys(texts))}
    return compute(list(rows))[[rows[text] for text in texts]]


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return vectors (…, d) at unit length; zeros stay zeros."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9), np.float32)


def _english(languages: Iterable[str]) -> bool:
    """Return whether there is nothing but English, or nobody speaks."""
    return set(languages) <= {"en"}


def _joined_info(english: ModelInfo, multilingual: ModelInfo, dimensions: int) -> ModelInfo:
    infos = (english, multilingual)
    return replace(
        english,
        id=joined_space(english.id, (multilingual.id, dimensions)),
        licence=" + ".join(dict.fromkeys(info.licence for info in infos)),
        digest="".join(info.digest[: DIGEST_LENGTH // len(infos)] for info in infos),
    )


def _clean(text: str, max_characters: int) -> str:
    """Return a text that any tokenizer accepts: single spaces, no lone surrogates, bounded length."""
    return " ".join(text.encode("utf-8", "replace").decode("utf-8").replace("\0", " ").split())[:max_characters]


def _load(info: ModelInfo, device: str, threads: int, *, queries_only: bool) -> _Model:
    try:
        model = _loaded(info, device, threads, queries_only=queries_only)
    except LOAD_ERRORS as error:
        raise ModelError(
            f"text.model: {info.id} ({info.path}) cannot be loaded as a text encoder: {error}. "
            "It must be a folder that transformers' AutoModel and AutoTokenizer read."
        ) from error
    logger.info("text encoder %s loaded, %d dimensions", info.id, model.hidden_size)
    return model


def _loaded(info: ModelInfo, device: str, threads: int, *, queries_only: bool) -> _Model:
    embedded = info.id.startswith(EMBEDDED_PREFIX)
    if embedded and queries_only and device == "cpu":
        from pipeline.analysis.text.numpy_bert import NumpyBert

        return NumpyBert(info.path)
    set_threads(threads)
    if embedded:
        from pipeline.analysis.text.bert import Bert

        return Bert(info.path, device)
    from pipeline.analysis.text.hub import HubEncoder

    return HubEncoder(info.path, device)
