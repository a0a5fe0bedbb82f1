"""The Unigram tokenizer of XLM-RoBERTa and multilingual E5 (Kudo 2018), from two arrays on disk.

The library `tokenizers` needs 1.5 s and 280 MB to load a vocabulary of 250,000 pieces. Here, it stays on disk: workers
share the pages that they read.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

_META = "▁"
"""Begins a word."""
_REMOVED = re.compile(r"[\x01-\x08\x0b\x0e-\x1f\x7f\x8f\x9f]")
_NUL = str.maketrans("\0", "\U0010fffd")
"""NumPy does not tell a string from one with NUL after it. Both characters are unknown."""
_SPACES = re.compile(r"[\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]")
"""SentencePiece's rules `nmt_nfkc`, where they differ from NFKC."""
_BEGIN, _END, _UNKNOWN = 0, 2, 3
_UNKNOWN_PENALTY = 10.0
_CACHED_WORDS = 50_000


class UnigramTokenizer:
    """Splits texts into the pieces of highest probability (Viterbi 1967).

    Args:
        folder: A model with `pieces.npy`, bytes in ascending order, and `scores.npy`, the id and log probability of
            each. The vocabulary is XLM-RoBERTa's: `<s>` is 0, `</s>` 2, and `<unk>` 3.
    """

    def __init__(self, folder: Path) -> None:
        self._pieces = np.load(folder / "pieces.npy", mmap_mode="r")
        scores = np.load(folder / "scores.npy", mmap_mode="r")
        self._ids, self._scores = np.ascontiguousarray(scores["id"]), np.ascontiguousarray(scores["score"])
        self._longest = self._pieces.dtype.itemsize
        self._unknown = float(self._scores.min()) - _UNKNOWN_PENALTY
        self._word = lru_cache(_CACHED_WORDS)(self._word_uncached)

    @staticmethod
    def has(folder: Path) -> bool:
        """Return whether a model has the arrays of such a tokenizer."""
        return (folder / "pieces.npy").is_file()

    def encode(self, texts: Sequence[str], max_tokens: int) -> list[tuple[list[int], list[int]]]:
        """Return the token ids of each text with `<s>` and `</s>`, and which of them are special tokens.

        Args:
            texts: Any strings.
            max_tokens: Longer texts are cut, special tokens included.
        """
        found = []
        for text in texts:
            ids: list[int] = []
            for word in _normalised(text).split():
                ids += self._word(_META + word)
                if len(ids) >= max_tokens - 2:
                    break
            ids = [_BEGIN, *ids[: max_tokens - 2], _END]
            found.append((ids, [1, *[0] * (len(ids) - 2), 1]))
        return found

    def _word_uncached(self, word: str) -> tuple[int, ...]:
        """Return the ids of the most probable pieces of a word that begins with `_META`."""
        count = len(word)
        spans = [
            (start, end, piece)
            for start in range(count)
            for end in range(start + 1, min(start + self._longest, count) + 1)
            if len(piece := word[start:end].encode()) <= self._longest
        ]
        wanted = np.array([piece for _, _, piece in spans], self._pieces.dtype)
        indices = np.minimum(np.searchsorted(self._pieces, wanted), len(self._pieces) - 1)
        known = self._pieces[indices] == wanted
        best = [0.0, *[-np.inf] * count]
        came: list[tuple[int, int]] = [(0, _UNKNOWN)] * (count + 1)
        # In order of their starts, so the best way to each start is known.
        for (start, end, _), index, is_known in zip(spans, indices.tolist(), known.tolist(), strict=True):
            if not is_known and end > start + 1:
                continue
            score = best[start] + (float(self._scores[index]) if is_known else self._unknown)
            if score > best[end]:
                best[end] = score
                came[end] = (start, int(self._ids[index]) if is_known else _UNKNOWN)
        ids: list[int] = []
        end = count
        while end:
            start, piece_id = came[end]
            if not (piece_id == _UNKNOWN and ids and ids[-1] == _UNKNOWN):  # unknown characters in a row are one token
                ids.append(piece_id)
            end = start
        return tuple(reversed(ids))


def _normalised(text: str) -> str:
    return unicodedata.normalize("NFKC", _SPACES.sub(" ", _REMOVED.sub("", text.translate(_NUL))))
