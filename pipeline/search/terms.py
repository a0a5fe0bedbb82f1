"""Words as search compares them: lower case, no accents, singular; scripts without spaces in pairs of characters."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from pipeline.language import UNSEPARATED_LETTERS, english_homographs, query_stop_words

_MARKS = r"\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0900-\u0dff"
_RUN = re.compile(rf"(?P<unspaced>[{UNSEPARATED_LETTERS}]+)|(?:[^\W_{UNSEPARATED_LETTERS}]|[{_MARKS}])+")
"""A word, or a run of a script that writes no spaces between words or attaches endings to them (Korean)."""

_ASCII_WORD = re.compile(r"[a-z0-9]+")
_MAX_LENGTH = 64
_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "\u0131": "i", "æ": "ae", "œ": "oe", "þ": "th"}
)
_QUOTED = re.compile(r"[\"“”„«»](.*?)[\"“”„«»]")


class Term(NamedTuple):
    """A word of a text and its position."""

    text: str
    """The folded word."""
    start: int
    """First character in the original text."""
    end: int
    """Character after the last one."""


@dataclass(frozen=True, slots=True)
class WordQuery:
    """The words and phrases of a query. Any text can be parsed into one."""

    terms: tuple[str, ...]
    """Optional words: the more of them match, and the rarer they are, the higher the score."""
    phrases: tuple[tuple[str, ...], ...]
    """Words in quotation marks; a moment must contain them in this order, one after another."""
    prefixes: tuple[str, ...] = ()
    """Prefixes of words."""

    def __bool__(self) -> bool:
        return bool(self.terms or self.phrases or self.prefixes)


def terms_of(text: str) -> list[Term]:
    """Return the words of a text in order, with their positions.

    A run of a script such as Chinese, Korean or Thai becomes overlapping pairs of characters and the last one alone.
    """
    found = []
    for match in _RUN.finditer(text):
        if match.group("unspaced") is None:
            found.append(Term(folded(match.group()), match.start(), match.end()))
        else:
            found += [
                Term(folded(text[start : min(start + 2, match.end())]), start, min(start + 2, match.end()))
                for start in range(match.start(), match.end())
            ]
    return [term for term in found if term.text]


def index_text(text: str) -> str:
    """Return the folded words of a text, separated by spaces, as they are indexed."""
    if text.isascii():
        return " ".join(map(folded, _ASCII_WORD.findall(text.lower())))
    return " ".join(term.text for term in terms_of(text))


@lru_cache(maxsize=200_000)
def folded(word: str) -> str:
    """Fold a word: no accents, lower case, singular (the S-stemmer of Harman 1991)."""
    if not word.isascii():
        decomposed = unicodedata.normalize("NFKD", word).casefold().translate(_LETTERS)
        word = "".join(each for each in decomposed if unicodedata.category(each) not in {"Mn", "Cf"})
        word = "".join(word.split())
    return _singular(word.lower()[:_MAX_LENGTH])


def parse_query(text: str, *, prefix: bool = False) -> WordQuery:
    """Parse a query: words, and phrases in quotation marks. There is no other syntax.

    Args:
        text: The text as typed.
        prefix: Treat the last word as a prefix, as while somebody types.
    """
    phrases = []
    for quoted in _QUOTED.findall(text):
        words = _whole([terms_of(quoted)])
        if words:
            phrases.append(tuple(words))
    rest = _QUOTED.sub(" ", text)
    found = [run.group() for run in _RUN.finditer(rest) if terms_of(run.group())]
    runs = [terms_of(run) for run in found]
    typed: tuple[str, ...] = ()
    # A pair of characters is whole already, and a single character is always a prefix.
    if prefix and runs and rest[-1:].strip() and not _is_unspaced(runs[-1][-1].text):
        typed = tuple(dict.fromkeys((_folded_prefix(found[-1]), runs.pop()[-1].text)))
    single = tuple(run[0].text for run in runs if len(run) == 1 and _is_unspaced(run[0].text))
    words = [word for word in _whole(runs) if word not in single]
    ignored = _stop_words(words)
    kept = [word for word in words if word not in ignored] or ([] if phrases or typed or single else words)
    return WordQuery(tuple(dict.fromkeys(kept)), tuple(phrases), typed + single)


def _whole(runs: list[list[Term]]) -> list[str]:
    """Return the words of runs, without the single character that ends a run of pairs: a text may go on after it."""
    words = []
    for run in runs:
        closed = len(run) > 1 and run[-1].start < run[-2].end
        words += [term.text for term in (run[:-1] if closed else run)]
    return words


def _folded_prefix(word: str) -> str:
    plain = unicodedata.normalize("NFKD", word).casefold().translate(_LETTERS)
    kept = "".join(each for each in plain if unicodedata.category(each) not in {"Mn", "Cf"})
    return "".join(kept.split())[:_MAX_LENGTH]


def _is_unspaced(word: str) -> bool:
    match = _RUN.match(word)
    return bool(match and match.group("unspaced"))


def _singular(word: str) -> str:
    if len(word) < 4 or not word.endswith("s"):
        return word
    if word.endswith("ies") and word[-4] not in "ae":
        return word[:-3] + "y"
    if word.endswith("es") and word[-3] not in "aeo":
        return word[:-1]
    return word if word.endswith(("us", "ss")) else word[:-1]


def _stop_words(words: list[str]) -> set[str]:
    """Return the function words of a query, whose language is unknown.

    A word that means something in English, such as `war`, is only one beside another of its language, as in `war der
    Hund da`.
    """
    ignored = {word for word in words if word in _ALL_STOP_WORDS}
    decisive = ignored - _HOMOGRAPHS - _STOP_WORDS["en"]
    return {
        word
        for word in ignored
        if word not in _HOMOGRAPHS or any(word in own and decisive & own for own in _STOP_WORDS.values())
    }


_STOP_WORDS = {language: frozenset(map(folded, own)) for language, own in query_stop_words().items()}
_ALL_STOP_WORDS = frozenset().union(*_STOP_WORDS.values())
_HOMOGRAPHS = english_homographs()
