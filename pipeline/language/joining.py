"""Joining pieces of text: with a space, or without one where the script has none."""

from collections.abc import Iterable

from pipeline.language.scripts import UNSPACED, UNSPACED_LANGUAGES


def joined(parts: Iterable[str], language: str | None = None) -> str:
    """Join words, clauses or sentences to a text as their language writes it.

    Args:
        parts: Pieces in their order; empty ones are passed over.
        language: ISO 639-1 of the text. In a language without spaces there is one only between two pieces of another
            script; in others, and where the language is not known, there is none between two that both have no spaces.

    Returns:
        The text, with no space at its ends.
    """
    text = ""
    for part in (part.strip() for part in parts):
        if text and part:
            beside = [UNSPACED.match(text[-1]) is not None, UNSPACED.match(part[0]) is not None]
            tight = any(beside) if language in UNSPACED_LANGUAGES else all(beside)
            text += part if tight else f" {part}"
        else:
            text += part
    return text
