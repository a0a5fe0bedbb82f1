"""Diarization: how well speakers are distinguished."""

from collections.abc import Sequence

import numpy as np

_STEP_S = 0.01

Turn = tuple[float, float, str]
"""Start, end and name of the speaker."""


def diarization_error(known: Sequence[Turn], found: Sequence[Turn], duration_s: float, collar_s: float = 0.25) -> float:
    """Return the diarization error rate: missed, false and confused speech, as a share of all speech.

    Names are matched so that the error is minimal. Time within the collar around the edges of true turns does not
    count, as in the evaluations of NIST. Turns must not overlap.
    """
    from scipy.optimize import linear_sum_assignment

    size = round(duration_s / _STEP_S) + 1
    truth, truth_names = _raster(known, size)
    guess, guess_names = _raster(found, size)
    counted = np.ones(size, bool)
    for start_s, end_s, _ in known:
        for edge_s in (start_s, end_s):
            counted[max(0, round((edge_s - collar_s) / _STEP_S)) : round((edge_s + collar_s) / _STEP_S)] = False
    truth, guess = truth[counted], guess[counted]
    together = np.zeros((len(truth_names) + 1, len(guess_names) + 1))
    np.add.at(together, (truth, guess), 1)
    rows, columns = linear_sum_assignment(-together[1:, 1:])
    right = together[1:, 1:][rows, columns].sum()
    spoken, claimed = (truth > 0).sum(), (guess > 0).sum()
    both = ((truth > 0) & (guess > 0)).sum()
    missed, false, confused = spoken - both, claimed - both, both - right
    return float((missed + false + confused) / max(1, spoken))


def _raster(turns: Sequence[Turn], size: int) -> tuple[np.ndarray, list[str]]:
    names = sorted({name for _, _, name in turns})
    line = np.zeros(size, int)
    for start_s, end_s, name in turns:
        line[round(start_s / _STEP_S) : round(end_s / _STEP_S)] = names.index(name) + 1
    return line, names
