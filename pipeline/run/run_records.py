"""The past runs of a lake, and how each differs from the run before it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipeline.lake import Lake
from pipeline.run.ledger import costs, settings_of_run, stage_seconds
from schemas.errors import LakeError
from schemas.stages import Stage

_NEWEST_FIRST = "SELECT * FROM runs ORDER BY started_at DESC, run_id DESC"


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run of the table `runs`."""

    run_id: str
    started_at: datetime
    finished_at: datetime
    state: str
    archive: tuple[str, ...]
    revision: str
    videos_found: int
    videos_skipped: int
    videos_ok: int
    videos_failed: int
    video_s: float
    wall_s: float
    compute_s: Mapping[str, float]
    """Seconds of compute, over all workers, by each of `COSTS`."""
    stage_video_s: Mapping[Stage, float]
    """Seconds of video of which it made each stage."""
    settings: Mapping[str, Any]
    """Values of all settings, as JSON has them, by name, such as `speech.beam_size`."""
    models: Mapping[str, str]
    """Id and digest of each model, by role."""
    versions: Mapping[str, str]
    prefect_flow_run_id: str | None

    @property
    def real_time(self) -> float:
        """Seconds of video per second of the run."""
        return self.video_s / self.wall_s if self.wall_s > 0 else 0.0

    @property
    def total_s(self) -> float:
        """Seconds of compute for everything."""
        return sum(self.compute_s.values())


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that differs between two runs. None: one of them does not have it."""

    kind: str
    """`setting`, `model`, `version` or `archive`."""
    name: str
    before: Any
    after: Any


def read_runs(lake: Lake, limit: int | None = None) -> tuple[RunRecord, ...]:
    """Return the runs of a lake, the newest first.

    Args:
        lake: The lake.
        limit: Maximum number of runs.
    """
    query = _NEWEST_FIRST if limit is None else f"{_NEWEST_FIRST} LIMIT $limit"
    rows = lake.sql(query, None if limit is None else {"limit": limit}).to_pylist()
    return tuple(_record(row) for row in rows)


def find_run(lake: Lake, run_id: str) -> tuple[RunRecord, RunRecord | None]:
    """Return a run, and the run before it.

    Args:
        lake: The lake.
        run_id: Its id, or the start of it.

    Raises:
        LakeError: There is no such run, or several.
    """
    runs = read_runs(lake)
    found = [place for place, run in enumerate(runs) if run.run_id == run_id] or [
        place for place, run in enumerate(runs) if run.run_id.startswith(run_id)
    ]
    if len(found) != 1:
        problem = f"{len(found)} runs of the lake {lake.uri} start with" if found else f"The lake {lake.uri} has no run"
        raise LakeError(f"{problem} {run_id}. `videolake runs --lake {lake.uri}` lists them.")
    place = found[0]
    return runs[place], runs[place + 1] if place + 1 < len(runs) else None


def differences(before: RunRecord, after: RunRecord) -> tuple[Difference, ...]:
    """Return how a run differs from an earlier one: its archive, settings, models and versions."""
    archives = [{"archive": list(run.archive)} for run in (before, after)]
    return (
        *_differences("archive", *archives),
        *_differences("setting", before.settings, after.settings),
        *_differences("model", before.models, after.models),
        *_differences("version", before.versions, after.versions),
    )


def _differences(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    for name in dict.fromkeys([*before, *after]):
        if before.get(name) != after.get(name):
            yield Difference(kind, name, before.get(name), after.get(name))


def _record(row: Mapping[str, Any]) -> RunRecord:
    sections = settings_of_run(row["configuration"])
    same = (
        "run_id", "started_at", "finished_at", "state", "revision", "videos_found", "videos_skipped", "videos_ok",
        "videos_failed", "video_s", "wall_s", "prefect_flow_run_id",
    )  # fmt: skip
    return RunRecord(
        **{name: row[name] for name in same},
        archive=tuple(row["archive"]),
        compute_s=costs(row["compute_s"]),
        stage_video_s=stage_seconds(row),
        settings={f"{section}.{key}": value for section, keys in sections.items() for key, value in keys.items()},
        models={model["role"]: f"{model['id']} ({model['digest']})" for model in row["models"]},
        versions=dict(row["versions"]),
    )
