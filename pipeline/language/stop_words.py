"""Stop words: words that say little about the subject of a text. The only list is `stop_words.toml`.

Keyphrases ignore all stop words. Searches, and the check of abstracts, only ignore function words, because a common
word may be what a query or a sentence is about.
"""

import tomllib
from functools import cache
from importlib import resources

from pipeline.language.scripts import READ_AS

ELISIONS = {"fr": "cdjlmnst", "it": "cdlmnst"}
"""Letters that replace a word before an apostrophe, by language."""


def stop_words_of(language: str | None) -> frozenset[str]:
    """Return the stop words of a language in lower case; empty if there is no list for it.

    Args:
        language: ISO 639-1; None means English.
    """
    return function_words(language) | _words(language, "common")


def function_words(language: str | None) -> frozenset[str]:
    """Return the articles, pronouns, prepositions, conjunctions and auxiliary verbs among its stop words."""
    return _words(language, "function")


def query_stop_words() -> dict[str, frozenset[str]]:
    """Return the function words of each language, with the letters of its elisions."""
    return {language: function_words(language) | set(ELISIONS.get(language, "")) for language in _lists()}


def english_homographs() -> frozenset[str]:
    """Return the words that are function words of another language and mean something in English, such as `war`."""
    return _words("en", "homographs")


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
