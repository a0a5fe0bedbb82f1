"""Tokens: the pieces of a text that corrections are compared by, with the times at which they are spoken.

A token is what stands between spaces, or one character of a script without spaces. Marks belong to the token before.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.language import UNSPACED_LETTERS
from schemas.records import Utterance, Word

_TOKEN = re.compile(rf"[{UNSPACED_LETTERS}]|[^\s{UNSPACED_LETTERS}]+")


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a text."""

    start: int
    """Index of its first character."""
    end: int
    text: str
    key: str
    """Without marks and case; empty if nothing else is left."""


@dataclass(frozen=True, slots=True)
class SpokenToken:
    """A token of an utterance."""

    utterance: int
    """Position of its utterance."""
    token: Token
    start_s: float
    end_s: float

    @property
    def middle_s(self) -> float:
        """Middle of its time."""
        return (self.start_s + self.end_s) / 2


def tokens_of(text: str) -> list[Token]:
    """Split a text into tokens. Together they have all its characters but the spaces between them."""
    spans: list[tuple[int, int]] = []
    lead: int | None = None
    for found in _TOKEN.finditer(text):
        start, end = found.span()
        if not key_of(found[0]):
            if spans:
                spans[-1] = (spans[-1][0], end)
            elif lead is None:
                lead = start
            continue
        spans.append((start if lead is None else lead, end))
        lead = None
    if lead is not None:  # there are nothing but marks
        spans.append((lead, len(text.rstrip())))
    return [Token(start, end, text[start:end], key_of(text[start:end])) for start, end in spans]


def key_of(text: str) -> str:
    """Return what two spellings of the same words have in common: letters and digits, without case."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(char for char in folded if char.isalnum() or unicodedata.category(char)[0] == "M")


def spoken_tokens(utterances: Sequence[Utterance]) -> list[SpokenToken]:
    """Return the tokens of utterances, in their order, with times from their words."""
    found = []
    for position, utterance in enumerate(utterances):
        clock = TextClock(utterance)
        found += [
            SpokenToken(position, token, clock.at(token.start), clock.at(token.end, ending=True))
            for token in tokens_of(utterance.text)
        ]
    return found


def word_spans_in(utterance: Utterance) -> list[tuple[int, int, Word]]:
    """Return where each word of an utterance stands in its text; words that are not in it are left out."""
    found, offset = [], 0
    for word in utterance.words:
        text = word.word.strip()
        start = utterance.text.find(text, offset) if text else -1
        if start >= 0:
            offset = start + len(text)
            found.append((start, offset, word))
    return found


class TextClock:
    """When the characters of an utterance are spoken: by its words, or else evenly.

    Args:
        utterance: The utterance.
    """

    def __init__(self, utterance: Utterance) -> None:
        self._length = max(1, len(utterance.text))
        self._span = utterance.start_s, utterance.end_s
        self._words = word_spans_in(utterance)
        self._starts = [start for start, _, _ in self._words]

    def at(self, index: int, *, ending: bool = False) -> float:
        """Return the time of a character.

        Args:
            index: Its index in the text.
            ending: Whether something ends before this character, rather than starting with it.
        """
        if not self._words:
            start_s, end_s = self._span
            return start_s + (end_s - start_s) * index / self._length
        row = max(0, bisect_right(self._starts, index - 1 if ending else index) - 1)
        start, end, word = self._words[row]
        if index >= end and not ending and row + 1 < len(self._words):
            return self._words[row + 1][2].start_s
        share = min(1.0, max(0.0, (index - start) / max(1, end - start)))
        return word.start_s + (word.end_s - word.start_s) * share
