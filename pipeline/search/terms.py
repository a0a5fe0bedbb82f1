"""Words as search compares them: folded to lower case without accents, plurals cut, Chinese and the like in pairs."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from pipeline.language import UNSEPARATED_LETTERS, query_stop_words

_MARKS = r"\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0900-\u0dff"
_RUN = re.compile(rf"(?P<unspaced>[{UNSEPARATED_LETTERS}]+)|(?:[^\W_{UNSEPARATED_LETTERS}]|[{_MARKS}])+")
"""A word; or a run of a script that is written without spaces between words, or joins endings to them (Korean)."""

_ASCII_WORD = re.compile(r"[a-z0-9]+")
_LONGEST = 64
_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "\u0131": "i", "æ": "ae", "œ": "oe", "þ": "th"}
)
_QUOTED = re.compile(r"[\"“”„«»](.*?)[\"“”„«»]")


class Term(NamedTuple):
    """A word of a text."""

    text: str
    """As it is compared."""
    start: int
    """First character in the original text."""
    end: int
    """Character after the last one."""


@dataclass(frozen=True, slots=True)
class WordQuery:
    """What a query asks of words; any text makes one."""

    terms: tuple[str, ...]
    """Words of which the more, and the rarer, the better."""
    phrases: tuple[tuple[str, ...], ...]
    """Words in quotation marks, that a moment must hold one after another."""
    prefixes: tuple[str, ...] = ()
    """Beginnings of words."""

    def __bool__(self) -> bool:
        return bool(self.terms or self.phrases or self.prefixes)


def terms_of(text: str) -> list[Term]:
    """Return the words of a text in order, with where they are.

    Runs of Chinese, Korean, Thai and the like become overlapping pairs of characters and the last character alone.
    """
    found = []
    for match in _RUN.finditer(text):
        if match.group("unspaced") is None:
            found.append(Term(folded(match.group()), match.start(), match.end()))
        else:
            found += [
                Term(folded(text[place : min(place + 2, match.end())]), place, min(place + 2, match.end()))
                for place in range(match.start(), match.end())
            ]
    return [term for term in found if term.text]


def index_text(text: str) -> str:
    """Return the words of a text as they are indexed, with spaces between them."""
    if text.isascii():
        return " ".join(map(folded, _ASCII_WORD.findall(text.lower())))
    return " ".join(term.text for term in terms_of(text))


@lru_cache(maxsize=200_000)
def folded(word: str) -> str:
    """Return a word as it is compared: no accents, no capitals, singular (the S-stemmer of Harman 1991)."""
    if not word.isascii():
        decomposed = unicodedata.normalize("NFKD", word).casefold().translate(_LETTERS)
        word = "".join(each for each in decomposed if unicodedata.category(each) not in {"Mn", "Cf"})
        word = "".join(word.split())
    return _singular(word.lower()[:_LONGEST])


def parse_query(text: str, *, prefix: bool = False) -> WordQuery:
    """Read a query: words, and phrases in quotation marks. Nothing in it has another meaning.

    Args:
        text: Whatever was typed.
        prefix: Take the last word for the beginning of one that is being typed.
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
    # Pairs of characters are whole already, and a single one is a beginning in any case.
    if prefix and runs and rest[-1:].strip() and not _is_unspaced(runs[-1][-1].text):
        typed = tuple(dict.fromkeys((_beginning(found[-1]), runs.pop()[-1].text)))
    single = tuple(run[0].text for run in runs if len(run) == 1 and _is_unspaced(run[0].text))
    words = [word for word in _whole(runs) if word not in single]
    kept = [word for word in words if word not in _STOP_WORDS] or ([] if phrases or typed or single else words)
    return WordQuery(tuple(dict.fromkeys(kept)), tuple(phrases), typed + single)


def _whole(runs: list[list[Term]]) -> list[str]:
    """Return the words of runs, without the character that closes a run of pairs: more may follow it in a text."""
    words = []
    for run in runs:
        closed = len(run) > 1 and run[-1].start < run[-2].end
        words += [term.text for term in (run[:-1] if closed else run)]
    return words


def _beginning(word: str) -> str:
    plain = unicodedata.normalize("NFKD", word).casefold().translate(_LETTERS)
    kept = "".join(each for each in plain if unicodedata.category(each) not in {"Mn", "Cf"})
    return "".join(kept.split())[:_LONGEST]


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


_STOP_WORDS = frozenset(map(folded, query_stop_words()))
"""Left out of a query that has other words."""
