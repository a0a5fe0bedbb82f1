"""What past runs did and cost, by stage: the rows of the table `runs`, as estimates and `videolake runs` need them."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.lake import Lake
from schemas.stages import STAGES, Stage

DECODE, LOAD, OTHER = "decode", "load", "other"
COSTS = (*STAGES, DECODE, LOAD, OTHER)
"""What seconds of compute are spent on. Decoding is shared by picture and sound; models are loaded once per worker."""
_STEPS: Mapping[Stage, tuple[str, ...]] = {
    "picture": ("shots", "keyframes", "vision", "ocr", "objects", "thumbnails", "captions"),
    "sound": ("speech", "speakers", "sounds"),
    "text": ("text", "coordinate", "entities"),
    "understanding": ("scenes", "subjects", "fusion", "summary", "abstract"),
}
_COST_OF_STEP = {step: stage for stage, steps in _STEPS.items() for step in steps} | {DECODE: DECODE, LOAD: LOAD}
_LEDGER = """
SELECT * FROM runs
WHERE video_s > 0 AND run_id <> $run_id
ORDER BY started_at DESC, run_id DESC
LIMIT $limit
"""
_MAX_RUNS = 30


@dataclass(frozen=True, slots=True)
class PastRun:
    """The work and the cost of a run that is in the ledger."""

    video_s: Mapping[Stage, float]
    """Seconds of video of which it made each stage."""
    compute_s: Mapping[str, float]
    """Seconds of compute, over all workers, by each of `COSTS`."""
    wall_s: float
    """Seconds that it took."""
    complete: bool = True
    """Whether it came to its end, so that its wall time belongs to the work that is recorded."""
    revision: str = ""
    """Stands for its settings and models."""
    workers: str = ""
    """Stands for the settings of its workers."""

    @property
    def total_s(self) -> float:
        """Seconds of compute for everything."""
        return sum(self.compute_s.values())


def cost_of_step(step: str) -> str:
    """Return which of `COSTS` a step of the analysis belongs to."""
    return _COST_OF_STEP.get(step, OTHER)


def costs(compute_s: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Add up the seconds of steps, as `runs.compute_s` has them, by each of `COSTS`."""
    found = dict.fromkeys(COSTS, 0.0)
    for step, seconds in compute_s:
        found[cost_of_step(step)] += seconds
    return found


def stage_seconds(row: Mapping[str, Any]) -> dict[Stage, float]:
    """Return the seconds of video of which a run made each stage, from its row in the table `runs`."""
    if row["stage_video_s"] is None:
        return dict.fromkeys(STAGES, row["video_s"])  # of a version that always made all stages
    made = dict(row["stage_video_s"])
    return {stage: made.get(stage, 0.0) for stage in STAGES}


def past_run(row: Mapping[str, Any]) -> PastRun:
    """Return a row of the table `runs` as a past run."""
    return PastRun(
        video_s=stage_seconds(row),
        compute_s=costs(row["compute_s"]),
        wall_s=row["wall_s"],
        complete=row["state"].startswith("completed"),
        revision=row["revision"],
        workers=workers_key(settings_of_run(row["configuration"]).get("workers", {})),
    )


def workers_key(settings: Mapping[str, Any]) -> str:
    """Return what stands for the settings of workers in `PastRun.workers`.

    Args:
        settings: The section `workers` of a configuration, with plain values.
    """
    return json.dumps(settings, sort_keys=True)


def past_runs(lake: Lake, run_id: str = "") -> tuple[PastRun, ...]:
    """Return the newest runs of a lake that analysed anything, the newest first.

    Args:
        lake: Has the table `runs`.
        run_id: A run to leave out.
    """
    return tuple(past_run(row) for row in lake.sql(_LEDGER, {"run_id": run_id, "limit": _MAX_RUNS}).to_pylist())


def settings_of_run(configuration: str) -> dict[str, Mapping[str, Any]]:
    """Return the sections of `runs.configuration`; none if another program wrote something else there."""
    try:
        found = json.loads(configuration)
    except ValueError:
        return {}
    sections = found.items() if isinstance(found, dict) else ()
    return {name: section for name, section in sections if isinstance(section, dict)}
