"""Short text on one line: without control characters, and cut at a word where it is too long."""

import unicodedata

from pipeline.language.word_segmentation import word_spans


def clean(text: str) -> str:
    """Return the text on one line, without control characters."""
    spaced = "".join(" " if unicodedata.category(character) in {"Cc", "Zl", "Zp"} else character for character in text)
    return " ".join(spaced.split())


def shortened(text: str, max_length: int) -> str:
    """Return the text on one line, cut at a word and with an ellipsis if it is longer than `max_length` characters."""
    text = clean(text)
    if len(text) <= max_length:
        return text
    cut = text[: max_length - 1]
    at_word = cut.rsplit(" ", 1)[0] if " " in cut[max_length // 2 :] else _cut_between_words(text, len(cut))
    return at_word.rstrip(" ,;:.-–—、，") + "…"


def _cut_between_words(text: str, max_length: int) -> str:
    """Cut a text without spaces, such as Chinese, after a whole word if possible."""
    ends = [end for _, end in word_spans(text[: 2 * max_length]) if max_length // 2 < end <= max_length]
    return text[: max(ends, default=max_length)]
