"""Words that say nothing by themselves, by language."""

import tomllib
from functools import cache
from importlib import resources

_ALSO_READ = {"yue": "zh"}


@cache
def stopwords(language: str | None) -> frozenset[str]:
    """Return the function words of a language, in small letters.

    Args:
        language: ISO 639-1; None, as for text on screen: those of English. A language that is not known has none.
    """
    code = _ALSO_READ.get(language or "en", language or "en")
    return _all().get(code, frozenset())


@cache
def _all() -> dict[str, frozenset[str]]:
    text = resources.files("pipeline.analysis.scenes").joinpath("stopwords.toml").read_text(encoding="utf-8")
    return {code: frozenset(words.split()) for code, words in tomllib.loads(text).items()}
