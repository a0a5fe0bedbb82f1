"""Pairs of sentences for next sentence prediction."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.extras.bert.corpus import Document


@dataclass(frozen=True, slots=True)
class SentencePair:
    """Two sentences, and whether the second follows the first in its document."""

    first: str
    second: str
    follows: bool


def sentence_pairs(documents: Sequence[Document], rng: np.random.Generator) -> list[SentencePair]:
    """Make a pair of every two neighbours, and replace the second of every other pair by a sentence from elsewhere.

    Next sentence prediction (Devlin et al. 2019): half of the pairs follow each other, half do not. The stranger comes
    from another document; where there is only one, from another place in it.

    Args:
        documents: Those of one sentence make no pair.
        rng: Decides which pairs are broken, and with what.

    Returns:
        As many pairs as there are neighbours, in random order.
    """
    places = [(number, place) for number, document in enumerate(documents) for place in range(len(document))]
    starts = np.cumsum([0, *(len(document) for document in documents)])
    pairs = []
    neighbours = [(number, place) for number, place in places if place + 1 < len(documents[number])]
    broken = rng.permutation(len(neighbours)) % 2 == 1
    for (number, place), replaced in zip(neighbours, broken, strict=True):
        first, second = documents[number][place], documents[number][place + 1]
        if replaced:
            other = _elsewhere(number, place, places, starts, rng)
            if other is None:
                continue
            second = documents[other[0]][other[1]]
        pairs.append(SentencePair(first, second, not replaced))
    return [pairs[index] for index in rng.permutation(len(pairs))]


def _elsewhere(
    number: int, place: int, places: Sequence[tuple[int, int]], starts: np.ndarray, rng: np.random.Generator
) -> tuple[int, int] | None:
    """Draw a sentence of another document; of the same one, if there is no other, but not the next nor itself."""
    inside = int(starts[number + 1] - starts[number])
    outside = len(places) - inside
    if outside:
        drawn = int(rng.integers(outside))
        return places[drawn if drawn < starts[number] else drawn + inside]
    free = [other for other in range(inside) if other not in {place, place + 1}]
    return (number, free[int(rng.integers(len(free)))]) if free else None
