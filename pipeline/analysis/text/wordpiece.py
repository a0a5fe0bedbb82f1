"""The tokenizers of the embedded encoders."""

from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

from pipeline.analysis.text.unigram import UnigramTokenizer


class WordPieceTokenizer:
    """The tokenizer of BERT, by the library `tokenizers`.

    Args:
        folder: A model with `tokenizer.json`.
    """

    def __init__(self, folder: Path) -> None:
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()

    def encode(self, texts: Sequence[str], max_tokens: int) -> list[tuple[list[int], list[int]]]:
        """Return the token ids of each text, and which of them are special tokens."""
        self._tokenizer.enable_truncation(max_tokens)
        return [(encoded.ids, encoded.special_tokens_mask) for encoded in self._tokenizer.encode_batch(list(texts))]


def tokenizer_of(folder: Path) -> WordPieceTokenizer | UnigramTokenizer:
    """Return the tokenizer of an embedded model.

    Args:
        folder: A model with `tokenizer.json`, or with the arrays of `UnigramTokenizer`.
    """
    return (UnigramTokenizer if UnigramTokenizer.has(folder) else WordPieceTokenizer)(folder)
