"""A run: what its tasks share, its row in the lake, and its result."""

import platform
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from typing import Any

import pyarrow as pa

from flows.progress import Tally
from flows.shard_queue import ShardQueue
from pipeline.lake import Lake
from pipeline.models import ModelInfo
from pipeline.run import History, PlanReport, Recipe, Skipped
from schemas.config import Config
from schemas.outcome import RunResult
from workers import Pool

_LIBRARIES = (
    "videolake", "ray", "prefect", "torch", "transformers", "openai-whisper", "faster-whisper", "ctranslate2", "av",
    "opencv-python-headless", "rapidocr", "onnxruntime", "pyarrow", "duckdb",
)  # fmt: skip


@dataclass(slots=True, eq=False)
class Run:
    """What the tasks of one run share."""

    archive: Sequence[str]
    lake: Lake
    config: Config
    logger: Any
    tally: Tally = field(default_factory=Tally)
    run_id: str = ""
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    models: tuple[ModelInfo, ...] = ()
    recipe: Recipe | None = None
    """What decides the results of the run."""
    history: History = field(default_factory=History)
    """What earlier runs used."""
    processed: pa.Table | None = None
    """The state of each video in the lake when the run started."""
    shards: ShardQueue = field(default_factory=ShardQueue)
    """Planned and not opened."""
    pool: Pool | None = None
    """None until the first shard is planned."""
    stopped: threading.Event = field(default_factory=threading.Event)
    """Set when no more shards are wanted, so that the discovery of the archive ends."""
    skipped: Skipped = field(default_factory=Skipped)
    plan: PlanReport = field(default_factory=PlanReport)
    """What the run does, as far as its archive is listed."""

    @property
    def revision(self) -> str:
        """Revision of the results; empty before the models are found."""
        return self.recipe.revision if self.recipe else ""

    def tell(self, notice: str) -> None:
        """Show a message to the operator, in Prefect's log and in the terminal."""
        self.logger.warning("%s", notice)
        self.tally.update(notice=notice)

    @property
    def wall_s(self) -> float:
        """Seconds since the run started."""
        return (datetime.now(UTC) - self.started_at).total_seconds()


def run_row(run: Run, state: str, *, prefect_flow_run_id: str | None) -> dict[str, Any]:
    """Return the row of a run in the table `runs`."""
    finished_at = datetime.now(UTC)
    counted = run.tally.snapshot
    return {
        "run_id": run.run_id,
        "revision": run.revision,
        "stages": [
            {"name": stage, "revision": revision, "version": run.recipe.versions[stage]}
            for stage, revision in run.recipe.stages.items()
        ]
        if run.recipe
        else [],
        "started_at": run.started_at,
        "finished_at": finished_at,
        "state": state,
        "archive": list(run.archive),
        "configuration": run.config.model_dump_json(),
        "versions": list(_versions().items()),
        "models": [
            {"role": model.role, "id": model.id, "licence": model.licence, "digest": model.digest}
            for model in run.models
        ],
        "videos_found": run.plan.found,
        "videos_skipped": counted.skipped,
        "videos_ok": counted.ok,
        "videos_failed": counted.failed,
        "video_s": counted.video_s,
        "wall_s": (finished_at - run.started_at).total_seconds(),
        "compute_s": _rounded(run.tally.compute_s),
        "stage_video_s": _rounded(run.tally.stage_video_s),
        "prefect_flow_run_id": prefect_flow_run_id,
    }


def _rounded(seconds_by: Mapping[str, float]) -> list[tuple[str, float]]:
    return [(name, round(seconds, 3)) for name, seconds in sorted(seconds_by.items())]


def run_result(run: Run) -> RunResult:
    """Return the result of a run that has ended."""
    return RunResult(
        run_id=run.run_id,
        lake=run.lake.uri,
        revision=run.revision,
        found=run.plan.found,
        done_before=run.plan.done,
        failed_before=run.plan.failed_before,
        postponed=run.plan.postponed,
        forgotten=run.plan.forgotten,
        ok=run.tally.snapshot.ok,
        failed=run.tally.snapshot.failed,
        incomplete=run.tally.snapshot.incomplete,
        video_s=run.tally.snapshot.video_s,
        wall_s=run.wall_s,
        skipped_extensions=dict(run.skipped.extensions),
        broken_links=run.skipped.broken_links,
        empty_folders=dict(run.skipped.empty_folders),
        locations=run.plan.locations,
        outcomes=run.tally.sample,
    )


@cache
def _versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that can change a result."""
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
