"""Accuracy and calibration of labels."""

from collections.abc import Sequence

import numpy as np


def accuracy_at(names: Sequence[Sequence[str]], right: Sequence[frozenset[str]], count: int) -> float:
    """Return the share of cases in which one of the first `count` names is correct."""
    hits = [bool(set(found[:count]) & accepted) for found, accepted in zip(names, right, strict=True)]
    return float(np.mean(hits)) if hits else 0.0


def calibration_error(scores: Sequence[float], right: Sequence[bool], bins: int = 10) -> float:
    """Return the expected calibration error (Naeini, Cooper and Hauskrecht 2015): 0 if scores are probabilities.

    Cases are binned by score. The gap between mean score and accuracy is averaged over bins, weighted by cases.
    """
    if not scores:
        return 0.0
    values, hits = np.asarray(scores, float), np.asarray(right, float)
    bin_of = np.minimum((values * bins).astype(int), bins - 1)
    gaps = [abs(values[bin_of == bin_].sum() - hits[bin_of == bin_].sum()) for bin_ in range(bins)]
    return float(sum(gaps) / len(values))
