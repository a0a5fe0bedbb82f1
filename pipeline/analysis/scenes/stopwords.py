"""Stopwords by language."""

import tomllib
from functools import cache
from importlib import resources

_WRITTEN_AS = {"yue": "zh"}


@cache
def stopwords(language: str | None) -> frozenset[str]:
    """Return the stopwords of a language in lower case; empty if we have no list for it.

    Args:
        language: ISO 639-1; None means English.
    """
    code = _WRITTEN_AS.get(language or "en", language or "en")
    return _all().get(code, frozenset())


@cache
def _all() -> dict[str, frozenset[str]]:
    text = resources.files("pipeline.analysis.scenes").joinpath("stopwords.toml").read_text(encoding="utf-8")
    return {code: frozenset(words.split()) for code, words in tomllib.loads(text).items()}
