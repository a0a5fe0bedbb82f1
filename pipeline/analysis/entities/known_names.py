"""Find the names of the gazetteer in a text, in any language."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pipeline.analysis.entities.spans import NameSpan
from pipeline.analysis.gazetteer import Gazetteer
from pipeline.language import UNSPACED_LETTERS
from schemas.entities import EntityKind

_TOKEN = re.compile(rf"[{UNSPACED_LETTERS}]|[^\W_{UNSPACED_LETTERS}]+")
_BETWEEN = re.compile(r"|[\s\-–'’&/]{1,3}|\.\s?")
"""What may stand between the words of a name; a full stop only after an initial."""


@dataclass(frozen=True, slots=True)
class _Spelling:
    words: tuple[str, ...]
    """As the gazetteer writes them."""
    keys: tuple[str, ...]
    kind: EntityKind


class KnownNames:
    """The names of a gazetteer, by their words: thousands of them may begin with "The" or "John".

    Args:
        gazetteer: The names.
    """

    def __init__(self, gazetteer: Gazetteer) -> None:
        self.gazetteer = gazetteer
        by_keys: dict[tuple[str, ...], list[_Spelling]] = {}
        lengths: dict[str, set[int]] = {}
        for known in gazetteer.names:
            for spelling in known.spellings:
                words = tuple(_TOKEN.findall(spelling))
                if words:
                    keys = tuple(word.casefold() for word in words)
                    by_keys.setdefault(keys, []).append(_Spelling(words, keys, known.kind))
                    lengths.setdefault(keys[0], set()).add(len(keys))
        self._by_keys: Mapping[tuple[str, ...], Sequence[_Spelling]] = by_keys
        self._lengths = {first: sorted(counts, reverse=True) for first, counts in lengths.items()}
        """How many words the names have that begin with a word, the most first."""

    def spans(self, text: str) -> list[NameSpan]:
        """Return the names in a text, the longest at each place.

        A single word must be written with the same capitals, because "Apple" is no apple, unless the whole text is in
        capitals. Names of several words are also found in text without capitals.
        """
        if not self._by_keys:
            return []
        tokens = list(_TOKEN.finditer(text))
        keys = [token[0].casefold() for token in tokens]
        found: list[NameSpan] = []
        at = 0
        while at < len(tokens):
            fitting = (
                each
                for length in self._lengths.get(keys[at], ())
                for each in self._by_keys.get(tuple(keys[at : at + length]), ())
                if _stands(each, text, tokens[at : at + length])
            )
            spelling = next(fitting, None)
            if spelling is None:
                at += 1
            else:
                last = tokens[at + len(spelling.keys) - 1]
                found.append(NameSpan(tokens[at].start(), last.end(), spelling.kind))
                at += len(spelling.keys)
        return found


def _stands(spelling: _Spelling, text: str, tokens: Sequence[re.Match[str]]) -> bool:
    """Return whether a spelling stands in a text as a name does, given the tokens of the text that have its letters."""
    for before, after in pairwise(tokens):
        between = text[before.end() : after.start()]
        if not _BETWEEN.fullmatch(between) or ("." in between and len(before[0]) > 1):
            return False
    if (text == text.lower() and len(tokens) > 1) or text == text.upper():
        return True
    return all(
        given[:1].isupper() == written[0][:1].isupper() for given, written in zip(spelling.words, tokens, strict=True)
    )
