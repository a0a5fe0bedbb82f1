"""English beside what was said: clauses of a translation, given to the utterances that they belong to by time."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from pipeline.analysis.speech.utterances import LONG_PAUSE_S
from pipeline.analysis.speech.words import SpokenWord
from pipeline.language import CLAUSE_END, SENTENCE_END
from schemas.records import Utterance

NEAR_S = 1.0
"""A clause that overlaps no utterance goes to one at most so far away, or is left out."""


def clauses(words: Sequence[SpokenWord]) -> Iterator[tuple[SpokenWord, ...]]:
    """Split words at marks and long pauses.

    Args:
        words: In order, times not overlapping.
    """
    start = 0
    for place, (word, following) in enumerate(pairwise(words), 1):
        text = word.text.strip()
        marked = SENTENCE_END.search(text) or CLAUSE_END.search(text)
        if marked or following.start_s - word.end_s > LONG_PAUSE_S:
            yield tuple(words[start:place])
            start = place
    if words:
        yield tuple(words[start:])


def with_translations(
    utterances: Sequence[Utterance], translated: Sequence[Sequence[SpokenWord]], offset_s: float
) -> tuple[Utterance, ...]:
    """Give each clause to the utterance that it overlaps most, or else is nearest to.

    Args:
        utterances: In order of time.
        translated: Clauses, with seconds from the start of the sound.
        offset_s: Where the sound begins in the video.

    Returns:
        The utterances with `translation`; None where no clause falls to one, as where the translation of a sentence
        stands with the utterance before.
    """
    starts = [each.start_s for each in utterances]
    texts: dict[int, str] = {}
    for clause in translated:
        start_s, end_s = clause[0].start_s + offset_s, clause[-1].end_s + offset_s
        near = range(max(bisect_left(starts, start_s) - 1, 0), min(bisect_left(starts, end_s) + 1, len(starts)))
        shared = {n: min(end_s, utterances[n].end_s) - max(start_s, utterances[n].start_s) for n in near}
        best = max(shared, key=shared.__getitem__, default=None)
        if best is not None and shared[best] > -NEAR_S:
            texts[best] = f"{texts.get(best, '')} {''.join(word.text for word in clause).strip()}"
    return tuple(
        replace(each, translation=texts[place].strip()) if place in texts else each
        for place, each in enumerate(utterances)
    )
