"""Which language is spoken when: the most likely sequence of languages, in which every change has a price."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

Probabilities = Mapping[str, float]
"""Probability of each language code."""
Evidence = tuple[Probabilities, float]
"""What was detected in a stretch of speech, and how many seconds of speech it holds."""

RELATED = 4.0
"""A language at most this many times less probable than the best one counts as equally probable, because related
languages share their probability."""
MAX_ODDS = 200.0
"""Higher odds of the best language say no more."""
HINT = 0.05
"""Weight of a difference in probability that is no evidence: it only decides where an unclear part belongs."""
FULL_WEIGHT_S, MAX_WEIGHT = 2.0, 4.0
"""Speech of `FULL_WEIGHT_S` has weight 1. Longer speech has more, up to `MAX_WEIGHT`."""
CHANGE_COST = 1.6
"""Cost of a change, as a log-likelihood. A stretch between two others costs two changes: at a probability of 0.99 it
must last 1.4 s, at 0.9 3 s, at 0.8 5 s. So a short noisy part, whose probabilities are low, does not change it."""
START_SHARE = 0.9
"""A start in another language than the most probable one costs a little less than a change, so that an unclear start
goes with what follows."""


def likely_languages(
    evidence: Sequence[Evidence], previous: str | None = None, *, change_cost: float = CHANGE_COST
) -> list[str]:
    """Return the most likely language of each stretch (Viterbi 1967).

    Args:
        evidence: One entry per stretch, in order.
        previous: Language of the speech before. None: nothing was said before, and the language that is most probable
             over all stretches has an advantage at the start.
        change_cost: Cost of a change, as a log-likelihood.
    """
    if not evidence:
        return []
    start = previous or mean_probabilities(evidence).most_common(1)[0][0]
    states = sorted({start, *(max(p, key=p.__getitem__) for p, _ in evidence)})
    start_cost = change_cost if previous else START_SHARE * change_cost
    scores = {state: 0.0 if state == start else -start_cost for state in states}
    steps: list[dict[str, str]] = []
    for number, (probabilities, seconds) in enumerate(evidence):
        best = max(states, key=lambda state: (scores[state], state == start))
        changed = scores[best] - change_cost
        stays = {state: not number or scores[state] >= changed for state in states}
        steps.append({state: state if stays[state] else best for state in states})
        scores = {
            state: (scores[state] if stays[state] else changed) + _support(probabilities, state, seconds)
            for state in states
        }
    path = [max(states, key=lambda state: (scores[state], state == start))]
    for step in reversed(steps[1:]):
        path.append(step[path[-1]])
    return path[::-1]


def mean_probabilities(evidence: Iterable[Evidence]) -> Counter[str]:
    """Return the mean probability of each language, weighted by seconds."""
    total_s = 0.0
    sums: Counter[str] = Counter()
    for probabilities, seconds in evidence:
        total_s += seconds
        for language, probability in probabilities.items():
            sums[language] += probability * seconds  # type: ignore[assignment]
    return Counter({language: value / max(total_s, 1e-9) for language, value in sums.items()})


def changes(languages: Sequence[str]) -> list[int]:
    """Return the indices at which another language begins."""
    return [number for number, (before, after) in enumerate(pairwise(languages), 1) if before != after]


def _support(probabilities: Probabilities, language: str, seconds: float) -> float:
    """Return the log-likelihood of a language relative to the best one: 0 or less."""
    best, probability = max(probabilities.values()), probabilities.get(language, 0.0)
    hint = -HINT * (best - probability)
    if best <= RELATED * probability:
        return hint
    weight = min(seconds / FULL_WEIGHT_S, MAX_WEIGHT)
    return hint - weight * max(math.log(min(best / max(1.0 - best, 1e-9), MAX_ODDS)), 0.0)
