"""Joining pieces of text, with or without spaces, depending on the script."""

from collections.abc import Iterable

from pipeline.language.scripts import UNSPACED, UNSPACED_LANGUAGES


def joined(parts: Iterable[str], language: str | None = None) -> str:
    """Join words, clauses or sentences as their language writes them.

    Args:
        parts: Pieces in order. Empty ones are skipped.
        language: ISO 639-1. In a language without spaces, a space goes only between two pieces in another script. In
            other languages, or if it is unknown, a space goes between all pieces except two in scripts without spaces.

    Returns:
        The text, without spaces at its ends.
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
