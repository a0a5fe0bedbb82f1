"""Evidence: the scores of all retrievers on one scale, whatever encoder made the vectors.

Cosines of different encoders cannot be compared: unrelated texts have a cosine of 0.05 by MiniLM, and of 0.75 by E5.
Evidence counts standard deviations above unrelated texts, in tenths: 0 for texts that have nothing to do with each
other, 0.5 for a good match, 1 for the same sentence. `Scale.of` measures an encoder on the sentences below.

That makes unrelated texts alike, but not good matches: E5 gives an answer about half the evidence that MiniLM gives it.
So where two encoders share a lake, the texts that both have decide: see `joined_evidence`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.fusion import CONSE_PREFIX

Cosine = TypeVar("Cosine", float, NDArray[np.float32], NDArray[np.float64])

UNRELATED = (
    "a cat sleeping on the sofa", "The train to the airport leaves from platform nine.", "How do I file my taxes?",
    "volcanic eruption", "She signed the contract in the spring of last year.", "recipe for onion soup",
    "The goalkeeper saved two penalties in a row.", "quantum physics lecture", "My grandmother grew roses.",
    "The court found him guilty on all counts.", "installing a printer driver", "waves breaking on a beach",
    "Unemployment fell for the third month.", "an orchestra rehearses a symphony", "How deep is the ocean?",
    "The patient was given antibiotics.", "wooden furniture", "Turn left after the bridge.",
    "a knight in shining armour", "The satellite lost contact with the ground.", "yoga for beginners",
    "We ran out of paint before the second coat.", "election results", "Penguins huddle together against the wind.",
)  # fmt: skip
"""Texts about different things, as people ask and say them."""

MIN_EVIDENCE = 0.1
"""Texts with less are unrelated."""
_OTHER_LANGUAGE = 0.9
"""Factor of the evidence of texts in another language than the query. Tuned with benchmarks/quality.py."""
_MIN_SHARED = 3
"""Fewer texts do not tell how the scales of two encoders compare."""
_RANK = 10.0
_BEST_BY_RANK = 0.5


@dataclass(frozen=True, slots=True)
class Scale:
    """How the cosines of unrelated texts by one encoder are distributed."""

    mean: float
    deviation: float

    @classmethod
    def of(cls, queries: NDArray[np.float32], texts: NDArray[np.float32]) -> "Scale":
        """Measure an encoder.

        Args:
            queries: (n, d), `UNRELATED` encoded as queries.
            texts: (n, d), the same encoded as texts of videos.
        """
        cosines = (queries @ texts.T)[~np.eye(len(queries), dtype=bool)]
        return cls(float(cosines.mean()), max(float(cosines.std()), 1e-3))

    def evidence(self, cosine: Cosine) -> Cosine:
        """Return the evidence of a cosine, or of many."""
        return (cosine - self.mean) / (10 * self.deviation)


CONSE = Scale(0.05, 0.1)
"""Of texts and frames in a ConSE space, which is centred, so its cosines hardly depend on the encoder."""


def image_scale(space: str) -> Scale | None:
    """Return the scale of texts and frames in a coordinated space; None if only ranks can be compared."""
    return CONSE if space.startswith(CONSE_PREFIX) else None


def joined_evidence(evidence: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the evidence (n,) of texts by several encoders on the scale of the first one.

    A text that only a later encoder has takes the place that this encoder gives it among the texts that both have: if
    that is between the second and the third, it gets evidence between those of the second and the third by the first
    encoder. So a German answer to an English question competes with English texts by the encoder that knows both
    languages, and English texts keep the order of the encoder that knows them best. Places are compared, not vectors.

    Args:
        evidence: (n, encoders); NaN where an encoder has not made a vector of the text or of the query.
    """
    found = evidence[:, 0].copy()
    for own in evidence.T[1:]:
        missing = np.isnan(found) & ~np.isnan(own)
        both = ~np.isnan(found) & ~np.isnan(own)
        shared = np.sort(own[both]), np.sort(found[both])
        found[missing] = _placed(own[missing], *shared) if both.sum() >= _MIN_SHARED else own[missing]
    return np.nan_to_num(found)


def _placed(
    evidence: NDArray[np.float64], theirs: NDArray[np.float64], ours: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Raise evidence from one scale to another, given the same texts on both, each sorted. The order stays.

    Nothing is lowered: few shared texts that have nothing to do with the query must not hide an answer. What comes
    after all shared texts stays where it is.
    """
    within = np.interp(evidence, theirs, ours)
    moved = np.where(evidence > theirs[-1], ours[-1] + (evidence - theirs[-1]), within)
    return np.where(evidence < theirs[0], evidence, np.maximum(moved, evidence))


def asked_in(language: str, languages: Sequence[str | None], evidence: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return evidence (n,) with that of texts in other languages lowered.

    Of two texts that say about the same, people first want that in the language in which they ask. Texts in languages
    that no query is taken for, such as Polish, stay: a query in that language is taken for one in another.

    Args:
        language: Of the query, as `known_languages` has it; empty if it is not known.
        languages: Of each text; None if it is not known.
        evidence: (n,) of these texts.
    """
    if not language:
        return evidence
    from pipeline.analysis.text import known_languages

    other = np.isin(np.array(languages, np.str_), [*known_languages() - {language}])
    return np.where(other, _OTHER_LANGUAGE * evidence, evidence)


def by_rank(ranks: Sequence[int]) -> list[float]:
    """Return evidence where cosines have no known scale: 0.5 for the first, half of it for the eleventh."""
    return [_BEST_BY_RANK * _RANK / (_RANK + rank - 1) for rank in ranks]
