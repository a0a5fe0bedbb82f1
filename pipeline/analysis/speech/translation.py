"""English translations: matching the clauses of a translation to utterances by time."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from pipeline.analysis.speech.utterances import LONG_PAUSE_S
from pipeline.analysis.speech.words import SpokenWord
from pipeline.language import CLAUSE_END, SENTENCE_END
from schemas.records import Utterance

NEAR_S = 1.0
"""A clause that overlaps no utterance goes to the nearest one within this distance. Otherwise it is dropped."""


def clauses(words: Sequence[SpokenWord]) -> Iterator[tuple[SpokenWord, ...]]:
    """Split words into clauses, at punctuation and long pauses.

    Args:
        words: In order, with times that do not overlap.
    """
    start = 0
    for index, (word, following) in enumerate(pairwise(words), 1):
        text = word.text.strip()
        punctuated = SENTENCE_END.search(text) or CLAUSE_END.search(text)
        if punctuated or following.start_s - word.end_s > LONG_PAUSE_S:
            yield tuple(words[start:index])
            start = index
    if words:
        yield tuple(words[start:])


def with_translations(
    utterances: Sequence[Utterance], translated: Sequence[Sequence[SpokenWord]], offset_s: float
) -> tuple[Utterance, ...]:
    """Give each clause to the utterance that it overlaps most, or else to the nearest one.

    Args:
        utterances: In time order.
        translated: Clauses, with seconds from the start of the audio.
        offset_s: Start of the audio in the video.

    Returns:
        The utterances with `translation`. It is None if an utterance gets no clause, for example because the previous
        utterance already has the whole sentence.
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
        replace(each, translation=texts[index].strip()) if index in texts else each
        for index, each in enumerate(utterances)
    )
