"""Languages in vectors: which one a query is in, and vectors without it, which are alike if they mean the same.

A multilingual encoder puts texts in one language closer together than texts with one meaning, and E5 puts all texts
within a narrow cone: unrelated ones have cosines of 0.8. Both are corrected by the vectors of the same sentences in
many languages, `parallel.toml`: their mean is subtracted, and so is the part of a vector that lies in the space that
the means of the languages span (Yang et al. 2021, "A Simple and Effective Method To Eliminate the Self Language Bias
in Multilingual Representations"; Xie et al. 2022 call it low-rank subtraction).
"""

import tomllib
from collections.abc import Callable, Sequence
from functools import cache, cached_property
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from pipeline.models import cached_array

VERSION = "1"
"""Increased when the correction changes."""


class Languages:
    """What the vectors of one encoder tell of a text's language. It is computed at the first use and cached.

    Args:
        encode: Returns the encoder's vectors (n, d) of texts as passages or, with True, as queries.
        recipe: Everything that these depend on.
    """

    def __init__(self, encode: Callable[[Sequence[str], bool], NDArray[np.float32]], recipe: str) -> None:
        self._encode, self._recipe = encode, recipe

    def without(self, vectors: NDArray[np.float32], *, queries: bool) -> NDArray[np.float32]:
        """Return corrected vectors (n, d) of unit length; zeros stay zeros.

        Args:
            vectors: (n, d) of unit length, or zeros.
            queries: Whether they are vectors of queries.
        """
        centred = vectors - self._means[int(queries)].mean(axis=0)
        neutral = centred - (centred @ self._basis.T) @ self._basis
        neutral /= np.maximum(np.linalg.norm(neutral, axis=1, keepdims=True), 1e-9)
        return np.where(np.any(vectors != 0, axis=1, keepdims=True), neutral, 0).astype(np.float32)

    def of_queries(self, vectors: NDArray[np.float32]) -> NDArray[np.str_]:
        """Return the language (ISO 639-1) of each query, (n,): the nearest of those in `parallel.toml`.

        Args:
            vectors: (n, d) of queries, as the encoder makes them.
        """
        means = self._means[1]
        centre = means.mean(axis=0)
        known, found = (means - centre) @ self._basis.T, (vectors - centre) @ self._basis.T
        distances = ((found[:, None] - known[None]) ** 2).sum(axis=2)
        found_languages: NDArray[np.str_] = np.array(list(_texts()))[distances.argmin(axis=1)]
        return found_languages

    @cached_property
    def _means(self) -> NDArray[np.float32]:
        """Return the mean of each language's vectors, (2, languages, d): of passages, then of queries."""
        texts = _texts().values()
        statements = [text for language in texts for text in language["statements"]]
        everything = [text for language in texts for text in (*language["questions"], *language["statements"])]
        key = (VERSION, self._recipe, *everything)

        def means() -> NDArray[np.float32]:
            passages, queries = self._encode(statements, False), self._encode(everything, True)
            shape = len(texts), -1, passages.shape[1]
            return np.stack([passages.reshape(shape).mean(axis=1), queries.reshape(shape).mean(axis=1)])

        found = cached_array("languages", key, means)
        return np.asarray(found, np.float32)

    @cached_property
    def _basis(self) -> NDArray[np.float32]:
        """Return an orthonormal basis (languages - 1, d) of what distinguishes the languages."""
        means = self._means
        differences = (means - means.mean(axis=1, keepdims=True)).reshape(-1, means.shape[2])
        return np.asarray(np.linalg.svd(differences, full_matrices=False)[2][: means.shape[1] - 1])


def known_languages() -> frozenset[str]:
    """Return the languages (ISO 639-1) that `Languages.of_queries` tells apart; it takes others for one of these."""
    return frozenset(_texts())


@cache
def _texts() -> dict[str, dict[str, list[str]]]:
    text = resources.files("pipeline.analysis.text").joinpath("parallel.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
