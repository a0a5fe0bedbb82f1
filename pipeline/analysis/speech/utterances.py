"""Utterances: splitting a stream of words into sentences and clauses."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from pipeline.analysis.speech.words import SpokenWord
from pipeline.language import ABBREVIATION, CLAUSE_END, SENTENCE_END

PAUSE_S = 0.8
"""A pause that ends an utterance after a comma or other clause mark."""
LONG_PAUSE_S = 1.5
"""A pause that ends an utterance anywhere."""
MAX_S = 18.0
"""Longest utterance, unless a single word is longer."""
SHORT_S = 1.0
"""Shorter utterances join a close neighbour."""
CLOSE_S = 0.4


def split_utterances(words: Sequence[SpokenWord]) -> list[tuple[SpokenWord, ...]]:
    """Split words into utterances at sentence ends, long pauses and changes of language, and overlong ones at clauses.

    Args:
        words: In order, with times that do not overlap.

    Returns:
        The same words in the same order, one tuple per utterance.
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
        changed = word.language != following.language
        if changed or pause_s > limit_s or _ends_sentence(text, following.text):
            yield tuple(words[start:number])
            start = number
    if words:
        yield tuple(words[start:])


def _ends_sentence(text: str, following: str) -> bool:
    if not SENTENCE_END.search(text) or ABBREVIATION.match(text):
        return False
    # "3." before "5" is one number. "..." before a lower-case letter does not end the sentence.
    spaced = following[:1].isspace()
    return not following.strip()[:1].islower() and (spaced or text[-1] != ".")


def _shorten(words: tuple[SpokenWord, ...]) -> list[tuple[SpokenWord, ...]]:
    """Split an overlong utterance at a pause near its middle, until the parts are short enough."""
    length_s = words[-1].end_s - words[0].start_s
    if length_s <= MAX_S or len(words) < 2:
        return [words]

    def score(cut: int) -> float:
        before, after = words[cut - 1], words[cut]
        middle_s = (before.end_s + after.start_s) / 2 - words[0].start_s
        clause = 0.5 if CLAUSE_END.search(before.text) else 0.0
        return clause + min(after.start_s - before.end_s, PAUSE_S) - abs(2 * middle_s / length_s - 1)

    cut = max(range(1, len(words)), key=score)
    return [*_shorten(words[:cut]), *_shorten(words[cut:])]


def _join_short(groups: Sequence[tuple[SpokenWord, ...]]) -> list[tuple[SpokenWord, ...]]:
    """Join very short utterances to the previous one if it is close."""
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
    if before[-1].language != after[0].language:
        return False
    return after[0].start_s - before[-1].end_s <= CLOSE_S and after[-1].end_s - before[0].start_s <= MAX_S / 2
