"""How long a run will take, from what past runs of the same lake cost.

Seconds of compute per second of video are estimated for each stage by itself, because runs redo different stages. Every
figure is a weighted median over past runs, so that one odd run does not decide it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from math import inf, isfinite
from statistics import median

from pipeline.run.ledger import COSTS, DECODE, LOAD, OTHER, PastRun
from schemas.stages import Stage

_HALF_LIFE_RUNS = 4
"""A run weighs half as much as one that is so many runs newer."""
_OTHER_SETTINGS = 0.25
"""Weight of a run with other settings or models, compared with one that had the same."""
_ENOUGH_S = 600.0
"""Seconds of video from which on a run has its full weight. In a short run, chance decides more."""
_MIN_DIFFERENCE = 0.2
"""Two runs tell how wall time grows only if their compute differs by this share."""
_LEAST_S = 1e-3
"""A run that made, or took, less than this tells nothing: a rate that is taken from it could be infinite."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run is expected to cost."""

    compute_s: Mapping[str, float]
    """Seconds of compute, over all workers, by each of `COSTS`."""
    wall_s: float
    """Seconds from start to end."""
    runs: int
    """Past runs that it is estimated from."""
    same_settings: bool
    """Whether one of them had the settings and models of this run."""
    compute_error: float | None
    """The factor, 1 or more, by which this method typically misses the compute of a past run, estimated from the
    others; None if there are not enough runs that can be compared."""
    wall_error: float | None
    """The same for the wall time."""

    @property
    def total_s(self) -> float:
        """Seconds of compute for everything."""
        return sum(self.compute_s.values())


@dataclass(frozen=True, slots=True)
class _Weighed:
    run: PastRun
    weight: float


def estimate_run(
    video_s: Mapping[Stage, float], past: Sequence[PastRun], *, revision: str = "", workers: str = ""
) -> Estimate | None:
    """Estimate the cost of a run.

    Args:
        video_s: Seconds of video of which it will make each stage.
        past: Runs of the same lake, the newest first.
        revision: Revision of the run. Past runs with the same settings and models weigh more.
        workers: Its settings of workers, as in `PastRun.workers`. Wall time is estimated from runs with the same, if
            there are any.

    Returns:
        The estimate; None if no past run made one of the stages.
    """
    found = _estimated(video_s, past, revision, workers)
    if found is None:
        return None
    compute_s, wall_s = found
    same = any(run.revision == revision for run in past)
    return Estimate(compute_s, wall_s, len(past), same, *_errors(past))


def _estimated(
    video_s: Mapping[Stage, float], past: Sequence[PastRun], revision: str, workers: str
) -> tuple[dict[str, float], float] | None:
    weighed = [_Weighed(run, _weight(run, age, revision)) for age, run in enumerate(past)]
    wanted = {cost: _scale(video_s, cost) for cost in COSTS}
    compute_s = dict.fromkeys(COSTS, 0.0)
    for cost, scale in wanted.items():
        if scale <= 0:
            continue
        made = [each for each in weighed if _scale(each.run.video_s, cost) >= _LEAST_S]
        if not made:
            return None
        compute_s[cost] = scale * _median(made, partial(_rate, cost))
    complete = [each for each in weighed if each.run.complete and each.run.total_s >= _LEAST_S]
    alike = [each for each in complete if each.run.workers == workers] or complete
    if not alike:
        return None
    total_s = sum(compute_s.values())
    overhead_s, wall_per_compute = _wall(alike)
    return compute_s, overhead_s + wall_per_compute * total_s if total_s else 0.0


def _weight(run: PastRun, age: int, revision: str) -> float:
    recent: float = 0.5 ** (age / _HALF_LIFE_RUNS)
    enough = min(1.0, max(run.video_s.values(), default=0.0) / _ENOUGH_S)
    return recent * enough * (1.0 if run.revision == revision else _OTHER_SETTINGS)


def _scale(video_s: Mapping[Stage, float], cost: str) -> float:
    """Return what a cost grows with: seconds of video, or for the loading of models, whether there are any."""
    if cost == DECODE:
        return max(video_s.get("picture", 0.0), video_s.get("sound", 0.0))
    if cost == OTHER:
        return max(video_s.values(), default=0.0)
    if cost == LOAD:
        return float(any(seconds > 0 for seconds in video_s.values()))
    return next((seconds for stage, seconds in video_s.items() if stage == cost), 0.0)


def _rate(cost: str, run: PastRun) -> float:
    return run.compute_s[cost] / _scale(run.video_s, cost)


def _wall(runs: Sequence[_Weighed]) -> tuple[float, float]:
    """Return the seconds that a run takes whatever its size, and the wall time for each second of compute.

    Small runs mostly wait for servers and models, so wall time does not grow in proportion to compute. This is the
    Theil-Sen line: the median of the slopes between two runs. Without two runs that differ in size, it is a ratio.
    """
    slopes = []
    for one, other in combinations(runs, 2):
        more, less = sorted((one.run, other.run), key=lambda run: run.total_s, reverse=True)
        if less.total_s < (1 - _MIN_DIFFERENCE) * more.total_s:
            slope = (more.wall_s - less.wall_s) / (more.total_s - less.total_s)
            slopes.append((slope, one.weight * other.weight))
    if slopes and (per_compute := _weighted_median(slopes)) > 0:
        overhead_s = _median(runs, lambda run: run.wall_s - per_compute * run.total_s)
        if overhead_s >= 0:
            return overhead_s, per_compute
    return 0.0, _median(runs, lambda run: run.wall_s / run.total_s)


def _errors(past: Sequence[PastRun]) -> tuple[float | None, float | None]:
    """Return the typical factors by which compute and wall time of a past run are missed, estimated from the others."""
    compute, wall = [], []
    for place, run in enumerate(past):
        others = [*past[:place], *past[place + 1 :]]
        found = _estimated(run.video_s, others, run.revision, run.workers)
        if found is None:
            continue
        compute_s, wall_s = found
        compute.append(_factor(sum(compute_s.values()), run.total_s))
        if run.complete:
            wall.append(_factor(wall_s, run.wall_s))
    return _typical(compute), _typical(wall)


def _factor(one: float, other: float) -> float:
    less, more = sorted((one, other))
    return more / less if less > 0 else (1.0 if more == 0 else inf)


def _typical(factors: Sequence[float]) -> float | None:
    found = median(factors) if factors else inf
    return found if isfinite(found) else None


def _median(runs: Sequence[_Weighed], value: Callable[[PastRun], float]) -> float:
    return _weighted_median((value(each.run), each.weight) for each in runs)


def _weighted_median(values: Iterable[tuple[float, float]]) -> float:
    """Return the value below and above which lies half of the weight; one of the values, so nothing is invented."""
    ordered = sorted(values)
    half, below = sum(weight for _, weight in ordered) / 2, 0.0
    for value, weight in ordered:
        below += weight
        if below >= half:
            return value
    return ordered[-1][0]
