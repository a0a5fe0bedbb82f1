"""Splitting text into words, including Chinese, Japanese and Thai, which have no spaces between them."""

import json
import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any

from pipeline.language.scripts import CJK_RUN, KANA, READ_AS, THAI_RUN

_RUN = re.compile(rf"(?P<cjk>{CJK_RUN})|(?P<thai>{THAI_RUN})|(?P<other>[^\s—…]+?(?={CJK_RUN}|{THAI_RUN}|[\s—…]|$))")


def words(text: str, language: str | None = None) -> list[str]:
    """Split a text into words, without surrounding punctuation.

    Jieba's dictionary and hidden Markov model segment Chinese (https://github.com/messense/jieba-rs); BudouX segments
    Japanese and Thai (https://github.com/google/budoux). Lao, Burmese and Khmer are not segmented: their words are
    whatever stands between spaces.

    Args:
        text: Any text, possibly in mixed scripts.
        language: ISO 639-1. It decides whether Chinese characters are read as Chinese or Japanese. None: Japanese if
            the text has kana.

    Returns:
        The words in order, each with at least one letter or digit.
    """
    return [text[start:end] for start, end in word_spans(text, language)]


def word_spans(text: str, language: str | None = None) -> list[tuple[int, int]]:
    """Return the start and end of each word as indices into the text; see `words`."""
    chinese = READ_AS.get(language or "", language) == "zh"
    japanese = language == "ja" or (not chinese and KANA.search(text) is not None)
    spans: list[tuple[int, int]] = []
    for run in _RUN.finditer(text):
        start = run.start()
        for piece in _pieces(run, japanese=japanese):
            spans += _trimmed(text, start, start + len(piece))
            start += len(piece)
    return spans


def word_count(text: str, language: str | None = None) -> int:
    """Return the number of words in a text; see `words`."""
    return len(word_spans(text, language))


def _pieces(run: re.Match[str], *, japanese: bool) -> list[str]:
    if run["thai"]:
        return list(_budoux("th").parse(run["thai"]))
    if not run["cjk"]:
        return [run[0]]
    if japanese:
        return list(_budoux("ja_word").parse(run["cjk"]))
    import rjieba

    return list(rjieba.cut(run["cjk"]))


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the span without punctuation at its edges, or nothing if it is all punctuation."""
    while start < end and not text[start].isalnum():
        start += 1
    # Vowel signs of Indic scripts and Thai can end words, but are not letters, so they are kept.
    while end > start and not (text[end - 1].isalnum() or _combines(text[end - 1])):
        end -= 1
    if start < end:
        yield start, end


def _combines(character: str) -> bool:
    return unicodedata.category(character)[0] == "M"


@cache
def _budoux(model: str) -> Any:  # noqa: ANN401 - BudouX's parser carries no types
    from budoux import Parser

    weights = resources.files("budoux").joinpath("models", f"{model}.json").read_text(encoding="utf-8")
    return Parser(json.loads(weights))
