"""Stop words: what says little of what a text is about. The product has one list, `stop_words.toml`.

Keyphrases pass over all of it. Searches, and the check of what a model wrote, pass over its function words only: what
people say all the time may be what is asked for, or what is claimed.
"""

import tomllib
from functools import cache
from importlib import resources

from pipeline.language.scripts import READ_AS

ELISIONS = {"fr": "cdjlmnst", "it": "cdlmnst"}
"""By language, the letters that stand for a word before an apostrophe."""


def stop_words_of(language: str | None) -> frozenset[str]:
    """Return the stop words of a language, in small letters.

    Args:
        language: ISO 639-1; None, as for on-screen text: those of English. A language that is not known has none.
    """
    return function_words(language) | _words(language, "common")


def function_words(language: str | None) -> frozenset[str]:
    """Return the articles, pronouns, prepositions, conjunctions and auxiliary verbs among its stop words."""
    return _words(language, "function")


def query_stop_words() -> frozenset[str]:
    """Return the function words of all languages, since that of a query is not known, and the letters of elisions."""
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
