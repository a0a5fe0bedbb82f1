"""Stop words: words that say little about the subject of a text. The only list is `stop_words.toml`.

Keyphrases ignore the whole list. Search, and the check of model-written summaries, ignore only its function words: any
other common word may be what a query asks for or a summary claims.
"""

import tomllib
from functools import cache
from importlib import resources

from pipeline.language.scripts import READ_AS

ELISIONS = {"fr": "cdjlmnst", "it": "cdlmnst"}
"""By language, the letters that are elided words before an apostrophe."""


def stop_words_of(language: str | None) -> frozenset[str]:
    """Return the stop words of a language, in lower case.

    Args:
        language: ISO 639-1. None, as for on-screen text, means English. An unknown language has no stop words.
    """
    return function_words(language) | _words(language, "common")


def function_words(language: str | None) -> frozenset[str]:
    """Return the articles, pronouns, prepositions, conjunctions and auxiliary verbs among its stop words."""
    return _words(language, "function")


def query_stop_words() -> frozenset[str]:
    """Return the function words and elided letters of all languages, since the language of a query is unknown."""
    return frozenset().union(*map(function_words, _lists()), *ELISIONS.values())


def _words(language: str | None, kind: str) -> frozenset[str]:
    code = language or "en"
    return _lists().get(READ_AS.get(code, code), {}).get(kind, frozenset())


@cache
def _lists() -> dict[str, dict[str, frozenset[str]]]:
    text = resources.files("pipeline.language").joinpath("stop_words.toml").read_text(encoding="utf-8")
    return {
        language: {kind: frozenset(words.split()) for kind, words in kinds.items()}
        for language, kinds in tomllib.loads(text).items()
    }
