"""The smallest parts into which subtitles may divide speech, each with its time."""

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
"""Marks and small kana that no line may end, or begin, with."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A word, or a part of one where no space divides words."""

    text: str
    spaced: bool
    """Whether a space divides it from the piece before, where both are on one line."""
    whole: bool
    """Whether a word begins with it."""
    start_s: float
    end_s: float
    timed: bool
    """Whether its start was heard; else it was worked out from the length of the text."""

    @property
    def width(self) -> int:
        """Columns of its text."""
        return columns(self.text)


def pieces_of(utterance: Utterance, *, translation: bool, line_columns: int) -> list[Piece]:
    """Divide an utterance into pieces.

    Without spaces in it, all pieces joined are the utterance's text without spaces in it.

    Args:
        utterance: What was said.
        translation: Take its translation, where it has one.
        line_columns: No piece is wider.

    Returns:
        Pieces in order, with times that follow each other, within the utterance's.
    """
    translated = translation and utterance.translation is not None
    text = one_line((utterance.translation if translated else utterance.text) or "")
    solid = text.replace(" ", "")
    if not solid:
        return []
    words = () if translated else _matching(utterance.words, solid)
    starts_s, ends_s, heard = _clock(utterance, words, len(solid))
    language = "en" if translated else utterance.language
    pieces: list[Piece] = []
    at = 0
    for chunk in text.split(" "):
        begin = at
        for part, whole in _parts(chunk, language, line_columns):
            end = at + len(part)
            spaced = at == begin and (at > 0 or not UNSPACED.match(part))
            pieces.append(Piece(part, spaced, whole, float(starts_s[at]), float(ends_s[end - 1]), heard[at]))
            at = end
    return pieces


def _matching(words: Sequence[Word], solid: str) -> tuple[tuple[str, float, float], ...]:
    """Return text, start and end of each word; nothing unless they spell the text."""
    cleaned = tuple((one_line(word.word).replace(" ", ""), word.start_s, word.end_s) for word in words)
    spoken = tuple(word for word in cleaned if word[0])
    return spoken if "".join(text for text, _, _ in spoken) == solid else ()


def _clock(
    utterance: Utterance, words: Sequence[tuple[str, float, float]], length: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], list[bool]]:
    """Return when each character starts and ends, and whether its start was heard."""
    spans = words or (("x" * length, utterance.start_s, utterance.end_s),)
    edges = [np.linspace(start_s, max(start_s, end_s), len(text) + 1) for text, start_s, end_s in spans]
    starts_s = np.maximum.accumulate(np.concatenate([edge[:-1] for edge in edges]))
    ends_s = np.maximum(np.maximum.accumulate(np.concatenate([edge[1:] for edge in edges])), starts_s)
    # A piece ends before the next one starts, whatever the aligner says.
    ends_s[:-1] = np.minimum(ends_s[:-1], np.maximum(starts_s[1:], starts_s[:-1]))
    heard = [False] * length
    at = 0
    for text, _, _ in words:
        heard[at] = True
        at += len(text)
    return starts_s, ends_s, heard


def _parts(chunk: str, language: str, line_columns: int) -> Iterator[tuple[str, bool]]:
    """Divide what stands between two spaces into words, where their script has no spaces, and into lines.

    Yields:
        Each part, and whether a word begins with it.
    """
    cuts = [0, *(_word_starts(chunk, language) if UNSPACED.search(chunk) else ()), len(chunk)]
    for start, end in pairwise(cuts):
        for number, part in enumerate(_narrow(chunk[start:end], line_columns)):
            yield part, number == 0


def _word_starts(chunk: str, language: str) -> Iterator[int]:
    """Yield where words begin but the first; marks that open belong to what follows, all others to what is before."""
    last_end = 0
    for start, end in word_spans(chunk, language):
        cut = start
        while cut > last_end and chunk[cut - 1] in _OPENING:
            cut -= 1
        if cut > 0 and last_end > 0 and chunk[cut] not in _CLOSING:
            yield cut
        last_end = end


def _narrow(part: str, line_columns: int) -> Iterator[str]:
    """Cut what is wider than a line, as a web address; marks stay with the letter that they stand on."""
    held, width = "", 0
    for grapheme in iter_graphemes(part):
        wide = columns(grapheme)
        if held and wide and width + wide > line_columns:
            yield held
            held, width = "", 0
        held += grapheme
        width += wide
    yield held
