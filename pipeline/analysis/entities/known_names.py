"""Find the names of the gazetteer in a text, in any language."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pipeline.analysis.entities.spans import NameSpan
from pipeline.analysis.gazetteer import Gazetteer
from pipeline.language import UNSPACED_LETTERS
from schemas.records import EntityKind

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
    """The names of a gazetteer, by their first word.

    Args:
        gazetteer: The names.
    """

    def __init__(self, gazetteer: Gazetteer) -> None:
        self.gazetteer = gazetteer
        by_first: dict[str, list[_Spelling]] = {}
        for known in gazetteer.names:
            for spelling in known.spellings:
                words = tuple(_TOKEN.findall(spelling))
                if words:
                    keys = tuple(word.casefold() for word in words)
                    by_first.setdefault(keys[0], []).append(_Spelling(words, keys, known.kind))
        self._by_first: Mapping[str, Sequence[_Spelling]] = {
            key: sorted(found, key=lambda each: -len(each.keys)) for key, found in by_first.items()
        }

    def spans(self, text: str) -> list[NameSpan]:
        """Return the names in a text, the longest at each place.

        A single word must be written with the same capitals, because "Apple" is no apple, unless the whole text is in
        capitals. Names of several words are also found in text without capitals.
        """
        if not self._by_first:
            return []
        tokens = list(_TOKEN.finditer(text))
        found: list[NameSpan] = []
        at = 0
        while at < len(tokens):
            fitting = (
                each
                for each in self._by_first.get(tokens[at][0].casefold(), ())
                if _stands(each, text, tokens[at : at + len(each.keys)])
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
    """Return whether a spelling stands in a text, given as many tokens of the text as the spelling has."""
    if tuple(token[0].casefold() for token in tokens) != spelling.keys:
        return False
    for before, after in pairwise(tokens):
        between = text[before.end() : after.start()]
        if not _BETWEEN.fullmatch(between) or ("." in between and len(before[0]) > 1):
            return False
    if (text == text.lower() and len(tokens) > 1) or text == text.upper():
        return True
    return all(
        given[:1].isupper() == written[0][:1].isupper() for given, written in zip(spelling.words, tokens, strict=True)
    )
