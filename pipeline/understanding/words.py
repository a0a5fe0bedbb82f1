"""Text for people: cut at a word, split into sentences, free of control characters."""

import re
import unicodedata

_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)]*\s+|(?<=[。！？])")
_ABBREVIATION = re.compile(r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|vs|etc|e\.g|i\.e|No|Fig)|\b[A-Z])\.$")


def clean(text: str) -> str:
    """Return the text on one line, without control characters."""
    spaced = "".join(" " if unicodedata.category(character) in {"Cc", "Zl", "Zp"} else character for character in text)
    return " ".join(spaced.split())


def shortened(text: str, length: int) -> str:
    """Return the text in at most so many characters, cut at a word and with an ellipsis where it is longer."""
    text = clean(text)
    if len(text) <= length:
        return text
    cut = text[: length - 1]
    # Chinese and Japanese have no spaces to cut at.
    at_word = cut.rsplit(" ", 1)[0] if " " in cut[length // 2 :] else cut
    return at_word.rstrip(" ,;:.-–—、，") + "…"


def sentences(text: str) -> list[str]:
    """Split a text into sentences, for Latin and for Chinese and Japanese punctuation."""
    parts: list[str] = []
    for part in _SENTENCE_END.split(clean(text)):
        if not part:
            continue
        if parts and _ABBREVIATION.search(parts[-1]):
            parts[-1] += f" {part}"
        else:
            parts.append(part)
    return parts


def ends_sentence(text: str) -> bool:
    """Tell whether the text ends as a sentence does."""
    return text.rstrip("\"'”’) ").endswith((".", "!", "?", "…", "。", "！", "？"))


def word_count(text: str) -> int:
    """Return the number of words; of Chinese and Japanese, half the number of characters."""
    wide = sum(unicodedata.east_asian_width(character) in {"W", "F"} for character in text)
    return len(text.split()) if wide < len(text) / 3 else max(1, wide // 2)
