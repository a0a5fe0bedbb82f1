"""Replace tokens of an utterance: its text, and its words with their times."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pipeline.analysis.corrections.tokens import TextClock, Token, tokens_of, word_spans_in
from pipeline.language import UNSPACED
from schemas.records import Utterance, Word

_MIN_WORD_S = 0.08
"""An added word gets so much time, from the word before it if there is no pause."""


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token of a corrected text."""

    text: str
    spaced: bool | None
    """Whether a space stands before it; None for the first one of a text."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Tokens of an utterance, from `first` up to `last`, that are replaced; none if both are the same."""

    first: int
    last: int
    new: tuple[NewToken, ...]

    def moved(self, by: int) -> "Edit":
        """Return the same edit with other numbers."""
        return Edit(self.first + by, self.last + by, self.new)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A token of the corrected utterance."""

    text: str
    spaced: bool | None
    start_s: float
    end_s: float
    kept: int | None
    """Index of the token that it was; None for a new one."""


def new_tokens(text: str) -> list[NewToken]:
    """Split a corrected text into tokens."""
    tokens = tokens_of(text)
    return [
        NewToken(each.text, each.start > tokens[index - 1].end if index else None) for index, each in enumerate(tokens)
    ]


def edited(utterance: Utterance, edits: Sequence[Edit]) -> Utterance:
    """Apply edits to an utterance.

    Words that stay keep their times. New ones share the time of those that they replace.

    Args:
        utterance: As recognised.
        edits: Edits that do not overlap.

    Returns:
        The utterance, with the recognised values beside the new ones; the same one if nothing changes.
    """
    tokens = tokens_of(utterance.text)
    pieces = list(_pieces(utterance, tokens, sorted(edits, key=lambda each: (each.first, each.last))))
    text = _text_of(pieces)
    if text == utterance.text:
        return utterance
    return replace(
        utterance,
        text=text,
        words=tuple(_words(utterance, tokens, pieces)) if utterance.words else (),
        flags=(),
        auto_text=utterance.text,
        auto_words=utterance.words,
        auto_flags=utterance.flags,
    )


def _pieces(utterance: Utterance, tokens: Sequence[Token], edits: Sequence[Edit]) -> Iterator[_Piece]:
    clock = TextClock(utterance)
    at = 0

    def kept(until: int) -> Iterator[_Piece]:
        for index in range(at, until):
            token = tokens[index]
            spaced = token.start > tokens[index - 1].end if index else None
            yield _Piece(token.text, spaced, clock.at(token.start), clock.at(token.end, ending=True), index)

    for edit in edits:
        yield from kept(edit.first)
        at = max(at, edit.last)
        if edit.first < edit.last:
            start_s = clock.at(tokens[edit.first].start)
            end_s = clock.at(tokens[edit.last - 1].end, ending=True)
        else:
            start_s = clock.at(tokens[at - 1].end, ending=True) if at else utterance.start_s
            end_s = clock.at(tokens[at].start) if at < len(tokens) else utterance.end_s
        total = max(1, sum(len(each.text) for each in edit.new))
        for each in edit.new:
            until_s = start_s + (max(start_s, end_s) - start_s) * len(each.text) / total
            total = max(1, total - len(each.text))
            yield _Piece(each.text, each.spaced, start_s, until_s, None)
            start_s = until_s
    yield from kept(len(tokens))


def _text_of(pieces: Sequence[_Piece]) -> str:
    text = ""
    for index, piece in enumerate(pieces):
        if index:
            # Where the two were not neighbours before, the script decides.
            unspaced = UNSPACED.match(text[-1]) is not None and UNSPACED.match(piece.text[0]) is not None
            text += " " * (not unspaced if piece.spaced is None else piece.spaced)
        text += piece.text
    return text


def _words(utterance: Utterance, tokens: Sequence[Token], pieces: Sequence[_Piece]) -> list[Word]:
    """Return the words of the pieces: those of the utterance where all their tokens stay, otherwise a word a piece."""
    kept = {piece.kept for piece in pieces}
    words_of: dict[int, list[Word]] = {}
    whole: set[int] = set()
    for start, end, word in word_spans_in(utterance):
        own = [index for index, each in enumerate(tokens) if each.start < end and start < each.end]
        if own and kept.issuperset(own):
            words_of.setdefault(own[0], []).append(word)
            whole.update(own)
    words: list[Word] = []
    for piece in pieces:
        if piece.kept is not None and piece.kept in whole:
            words += words_of.get(piece.kept, ())
        elif piece.text:
            words.append(_with_room(words, Word(piece.text, piece.start_s, piece.end_s, 1.0)))
    return words


def _with_room(words: list[Word], word: Word) -> Word:
    """Return a word with some time of its own, taken from the word before it where there is no pause."""
    lacking_s = _MIN_WORD_S - (word.end_s - word.start_s)
    if lacking_s <= 0 or not words or words[-1].end_s < word.start_s:
        return word
    before = words[-1]
    taken_s = min(lacking_s, (before.end_s - before.start_s) / 2)
    words[-1] = replace(before, end_s=before.end_s - taken_s)
    return replace(word, start_s=word.start_s - taken_s)
