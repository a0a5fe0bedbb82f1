"""Pieces: the smallest parts of speech that subtitles may split, each with its time."""

# ruff: noqa: RUF001
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from wcwidth import iter_graphemes

from pipeline.export.text import columns, one_line
from pipeline.language import UNSPACED, word_spans
from schemas.records import Utterance, Word

_OPENING = "([{（［｛「『【〈《〔“‘¿¡"
_CLOSING = ")]}）］｝」』】〉》〕”’.,;:!?。，、；：！？…・ー々ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ々〻゛゜"
"""Marks and small kana that a line must not end, or start, with."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A word, or a part of the text in scripts without spaces."""

    text: str
    spaced: bool
    """Whether a space separates it from the piece before on the same line."""
    whole: bool
    """Whether a word starts with it."""
    start_s: float
    end_s: float
    timed: bool
    """Whether its start was aligned; otherwise it is estimated from the length of the text."""
    language: str = ""
    """ISO 639-1."""
    sung: bool = False

    @property
    def width(self) -> int:
        """Width of its text in columns."""
        return columns(self.text)


def pieces_of(utterance: Utterance, *, translation: bool, line_columns: int) -> list[Piece]:
    """Split an utterance into pieces.

    Apart from spaces, the joined pieces are the text of the utterance.

    Args:
        utterance: The utterance.
        translation: Use its translation, if it has one.
        line_columns: Maximum width of a piece.

    Returns:
        Pieces in order. Their times follow each other and stay within the utterance's.
    """
    translated = translation and utterance.translation is not None
    text = one_line((utterance.translation if translated else utterance.text) or "")
    solid = text.replace(" ", "")
    if not solid:
        return []
    words = () if translated else _matching(utterance.words, solid)
    starts_s, ends_s, heard = _character_times(utterance, words, len(solid))
    language = "en" if translated else utterance.language
    pieces: list[Piece] = []
    at = 0
    for chunk in text.split(" "):
        begin = at
        for part, whole in _parts(chunk, language, line_columns):
            end = at + len(part)
            spaced = at == begin and (at > 0 or not UNSPACED.match(part))
            begins_s, ends_at_s = float(starts_s[at]), float(ends_s[end - 1])
            pieces.append(Piece(part, spaced, whole, begins_s, ends_at_s, heard[at], language, utterance.sung))
            at = end
    return pieces


def _matching(words: Sequence[Word], solid: str) -> tuple[tuple[str, float, float], ...]:
    """Return text, start and end of each word; empty unless the words spell the text."""
    cleaned = tuple((one_line(word.word).replace(" ", ""), word.start_s, word.end_s) for word in words)
    spoken = tuple(word for word in cleaned if word[0])
    return spoken if "".join(text for text, _, _ in spoken) == solid else ()


def _character_times(
    utterance: Utterance, words: Sequence[tuple[str, float, float]], length: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], list[bool]]:
    """Return the start and end of each character, and whether its start was aligned."""
    spans = words or (("x" * length, utterance.start_s, utterance.end_s),)
    edges = [np.linspace(start_s, max(start_s, end_s), len(text) + 1) for text, start_s, end_s in spans]
    starts_s = np.maximum.accumulate(np.concatenate([edge[:-1] for edge in edges]))
    ends_s = np.maximum(np.maximum.accumulate(np.concatenate([edge[1:] for edge in edges])), starts_s)
    # A piece ends before the next one starts, even if the aligner says otherwise.
    ends_s[:-1] = np.minimum(ends_s[:-1], np.maximum(starts_s[1:], starts_s[:-1]))
    heard = [False] * length
    at = 0
    for text, _, _ in words:
        heard[at] = True
        at += len(text)
    return starts_s, ends_s, heard


def _parts(chunk: str, language: str, line_columns: int) -> Iterator[tuple[str, bool]]:
    """Split the text between two spaces into words, if its script has no spaces, and into parts that fit a line.

    Yields:
        Each part, and whether a word starts with it.
    """
    cuts = [0, *(_word_starts(chunk, language) if UNSPACED.search(chunk) else ()), len(chunk)]
    for start, end in pairwise(cuts):
        for number, part in enumerate(_narrow(chunk[start:end], line_columns)):
            yield part, number == 0


def _word_starts(chunk: str, language: str) -> Iterator[int]:
    """Yield the starts of words after the first. Opening marks belong to the next word, others to the one before."""
    last_end = 0
    for start, end in word_spans(chunk, language):
        cut = start
        while cut > last_end and chunk[cut - 1] in _OPENING:
            cut -= 1
        if cut > 0 and last_end > 0 and chunk[cut] not in _CLOSING:
            yield cut
        last_end = end


def _narrow(part: str, line_columns: int) -> Iterator[str]:
    """Cut text that is wider than a line, like a web address. Combining marks stay with their letter."""
    held, width = "", 0
    for grapheme in iter_graphemes(part):
        wide = columns(grapheme)
        if held and wide and width + wide > line_columns:
            yield held
            held, width = "", 0
        held += grapheme
        width += wide
    yield held
