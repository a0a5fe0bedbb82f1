"""Sentences and clauses from a stream of words."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from pipeline.analysis.speech.words import SpokenWord
from pipeline.language import ABBREVIATION, CLAUSE_END, SENTENCE_END

PAUSE_S = 0.8
"""A pause that ends an utterance after a comma or the like."""
LONG_PAUSE_S = 1.5
"""A pause that ends it even in mid-clause."""
MAX_S = 18.0
"""Longest utterance, where its words allow."""
SHORT_S = 1.0
"""Shorter utterances join a close neighbour."""
CLOSE_S = 0.4


def split_utterances(words: Sequence[SpokenWord]) -> list[tuple[SpokenWord, ...]]:
    """Split words into utterances: at the ends of sentences and at long pauses; overlong ones at clauses.

    Args:
        words: In order, times not overlapping.

    Returns:
        The same words in the same order, in groups.
    """
    groups: list[tuple[SpokenWord, ...]] = []
    for sentence in _sentences(words):
        groups += _shorten(sentence)
    return _join_short(groups)


def _sentences(words: Sequence[SpokenWord]) -> Iterator[tuple[SpokenWord, ...]]:
    start = 0
    for number, (word, following) in enumerate(pairwise(words), 1):
        text, pause_s = word.text.strip(), following.start_s - word.end_s
        limit_s = PAUSE_S if CLAUSE_END.search(text) else LONG_PAUSE_S
        if pause_s > limit_s or _ends_sentence(text, following.text):
            yield tuple(words[start:number])
            start = number
    if words:
        yield tuple(words[start:])


def _ends_sentence(text: str, following: str) -> bool:
    if not SENTENCE_END.search(text) or ABBREVIATION.match(text):
        return False
    # "3." before " 5" is one number; "..." before a small letter goes on.
    spaced = following[:1].isspace()
    return not following.strip()[:1].islower() and (spaced or text[-1] != ".")


def _shorten(words: tuple[SpokenWord, ...]) -> list[tuple[SpokenWord, ...]]:
    """Halve an overlong utterance where it breathes, until its parts are short enough."""
    length_s = words[-1].end_s - words[0].start_s
    if length_s <= MAX_S or len(words) < 2:
        return [words]

    def merit(cut: int) -> float:
        before, after = words[cut - 1], words[cut]
        middle_s = (before.end_s + after.start_s) / 2 - words[0].start_s
        clause = 0.5 if CLAUSE_END.search(before.text) else 0.0
        return clause + min(after.start_s - before.end_s, PAUSE_S) - abs(2 * middle_s / length_s - 1)

    cut = max(range(1, len(words)), key=merit)
    return [*_shorten(words[:cut]), *_shorten(words[cut:])]


def _join_short(groups: Sequence[tuple[SpokenWord, ...]]) -> list[tuple[SpokenWord, ...]]:
    """Join an utterance too short to mean much to the one before, if it is close."""
    joined: list[tuple[SpokenWord, ...]] = []
    for group in groups:
        if joined and _short(group, joined[-1]) and _close(joined[-1], group):
            joined[-1] += group
        else:
            joined.append(group)
    return joined


def _short(*groups: tuple[SpokenWord, ...]) -> bool:
    return any(group[-1].end_s - group[0].start_s < SHORT_S for group in groups)


def _close(before: tuple[SpokenWord, ...], after: tuple[SpokenWord, ...]) -> bool:
    return after[0].start_s - before[-1].end_s <= CLOSE_S and after[-1].end_s - before[0].start_s <= MAX_S / 2
