"""Accuracy and calibration of labels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = Sequence[float] | NDArray[np.float64]
Hits = Sequence[bool] | NDArray[np.bool_] | NDArray[np.float64]


def accuracy_at(names: Sequence[Sequence[str]], right: Sequence[frozenset[str]], count: int) -> float:
    """Return the share of cases in which one of the first `count` names is correct."""
    hits = [bool(set(found[:count]) & accepted) for found, accepted in zip(names, right, strict=True)]
    return float(np.mean(hits)) if hits else 0.0


def calibration_error(scores: Values, right: Hits, bins: int = 10) -> float:
    """Return the expected calibration error (Naeini, Cooper and Hauskrecht 2015): 0 if scores are probabilities.

    Cases are put into bins of equally many cases by score (Nguyen and O'Connor 2015), so that no bin is left with a
    few. The gap between mean score and accuracy is averaged over bins, weighted by cases.
    """
    values, hits = np.asarray(scores, float), np.asarray(right, float)
    if not len(values):
        return 0.0
    order = np.argsort(values, kind="stable")
    gaps = [abs(values[bin_].sum() - hits[bin_].sum()) for bin_ in np.array_split(order, min(bins, len(values)))]
    return float(sum(gaps) / len(values))


def calibration_interval(scores: Values, right: Hits, bins: int = 10, draws: int = 1000) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the calibration error (Efron 1979); both are biased upwards."""
    values, hits = np.asarray(scores, float), np.asarray(right, float)
    random = np.random.default_rng(0)
    drawn = [random.integers(0, len(values), len(values)) for _ in range(draws if len(values) else 0)]
    errors = [calibration_error(values[each], hits[each], bins) for each in drawn] or [0.0]
    low, high = np.percentile(errors, [2.5, 97.5])
    return float(low), float(high)


def chance_calibration_error(scores: Values, bins: int = 10, draws: int = 1000) -> float:
    """Return the calibration error that is expected by chance if the scores are the true probabilities."""
    values = np.asarray(scores, float)
    random = np.random.default_rng(0)
    return float(np.mean([calibration_error(values, random.random(len(values)) < values, bins) for _ in range(draws)]))


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far scores are from probabilities, and what that says."""

    cases: int
    error: float
    low: float
    high: float
    """Ends of the 95 % interval."""
    by_chance: float
    """The error of a perfect model with as many cases."""

    @classmethod
    def of(cls, scores: Values, right: Hits, bins: int = 10) -> "Calibration":
        """Measure the calibration of scores."""
        low, high = calibration_interval(scores, right, bins)
        error = calibration_error(scores, right, bins)
        return cls(len(scores), error, low, high, chance_calibration_error(scores, bins))

    def over(self, cases: str) -> str:
        """Say over what it was measured, and how sure that is."""
        return (
            f"{self.cases} {cases}; 95 % interval {self.low:.3f} to {self.high:.3f}; "
            f"{self.by_chance:.3f} of a perfect model"
        )
