"""Splitting text into sentences by the rules of its language."""

import re

from pipeline.language.marks import SENTENCE_END, TITLE
from pipeline.language.scripts import DENSE_SCRIPT, KANA, READ_AS
from pipeline.language.word_segmentation import word_count

_BEFORE_LATIN = re.compile(r"(?<=[。！？])(?=[A-Za-z0-9])")
"""A full-width mark ends a sentence even before a lower-case letter, where sentencex would not split."""


def sentences(text: str, language: str | None = None) -> list[str]:
    """Split a text into sentences by Wikimedia's rules (https://github.com/wikimedia/sentencex).

    Abbreviations, initials and decimals do not end a sentence. Nor does an ellipsis before a lower-case letter.

    Args:
        text: Any text. Line breaks count as spaces.
        language: ISO 639-1. None: guessed from the script, or else English.

    Returns:
        Its sentences, none empty. Joined, they give the text except for the spaces between them.
    """
    import sentencex

    language = language or _by_script(text)
    found: list[str] = []
    split = sentencex.segment(READ_AS.get(language, language), " ".join(text.split()))
    for part in (piece for sentence in split for piece in _BEFORE_LATIN.split(sentence)):
        sentence = part.strip()
        if not sentence:
            continue
        if found and (_continues(found[-1], sentence) or not word_count(sentence, language)):
            found[-1] += f" {sentence}"
        else:
            found.append(sentence)
    return found


def ends_sentence(text: str) -> bool:
    """Return whether the text ends with a mark that ends a sentence."""
    return SENTENCE_END.search(text.rstrip()) is not None


def _continues(before: str, after: str) -> bool:
    return TITLE.search(before) is not None or (before.endswith(("...", "…")) and after[0].islower())


def _by_script(text: str) -> str:
    if KANA.search(text):
        return "ja"
    return "zh" if DENSE_SCRIPT.search(text) else "en"
