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
    """Make a pair of every two consecutive sentences, and replace the second sentence in half of the pairs.

    Next sentence prediction (Devlin et al. 2019): half of the pairs are consecutive, half are not. A replacement comes
    from another document, or from elsewhere in the same one if there is only one.

    Args:
        documents: Documents with a single sentence give no pair.
        rng: Chooses the pairs to change and their replacements.

    Returns:
        One pair per two consecutive sentences, in random order. A pair without a possible replacement is dropped.
    """
    positions = [(number, index) for number, document in enumerate(documents) for index in range(len(document))]
    starts = np.cumsum([0, *(len(document) for document in documents)])
    pairs = []
    neighbours = [(number, index) for number, index in positions if index + 1 < len(documents[number])]
    changed = rng.permutation(len(neighbours)) % 2 == 1
    for (number, index), replaced in zip(neighbours, changed, strict=True):
        first, second = documents[number][index], documents[number][index + 1]
        if replaced:
            other = _elsewhere(number, index, positions, starts, rng)
            if other is None:
                continue
            second = documents[other[0]][other[1]]
        pairs.append(SentencePair(first, second, not replaced))
    return [pairs[index] for index in rng.permutation(len(pairs))]


def _elsewhere(
    number: int, index: int, positions: Sequence[tuple[int, int]], starts: np.ndarray, rng: np.random.Generator
) -> tuple[int, int] | None:
    """Draw a sentence of another document, or if there is none, a sentence that is neither this nor the next one."""
    inside = int(starts[number + 1] - starts[number])
    outside = len(positions) - inside
    if outside:
        drawn = int(rng.integers(outside))
        return positions[drawn if drawn < starts[number] else drawn + inside]
    free = [other for other in range(inside) if other not in {index, index + 1}]
    return (number, free[int(rng.integers(len(free)))]) if free else None
