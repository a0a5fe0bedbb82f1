"""How right named things are, and whether their scores mean what they say."""

from collections.abc import Sequence

import numpy as np


def accuracy_at(names: Sequence[Sequence[str]], right: Sequence[frozenset[str]], places: int) -> float:
    """Return the share of cases in which one of the first names is right."""
    hits = [bool(set(found[:places]) & accepted) for found, accepted in zip(names, right, strict=True)]
    return float(np.mean(hits)) if hits else 0.0


def calibration_error(scores: Sequence[float], right: Sequence[bool], bins: int = 10) -> float:
    """Return the expected calibration error (Naeini, Cooper and Hauskrecht 2015): 0 where scores are probabilities.

    Cases are binned by score; the gap between mean score and share of right ones is averaged, weighted by cases.
    """
    if not scores:
        return 0.0
    values, hits = np.asarray(scores, float), np.asarray(right, float)
    place = np.minimum((values * bins).astype(int), bins - 1)
    gaps = [abs(values[place == bin_].sum() - hits[place == bin_].sum()) for bin_ in range(bins)]
    return float(sum(gaps) / len(values))
