"""The row of a run in the lake: what ran, with what, and what came of it."""

import platform
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from importlib import metadata
from typing import Any

from pipeline.models import ModelInfo
from schemas.config import Config
from schemas.outcome import VideoOutcome

_LIBRARIES = (
    "videolake", "ray", "prefect", "torch", "transformers", "openai-whisper", "faster-whisper", "ctranslate2", "av",
    "opencv-python-headless", "rapidocr", "onnxruntime", "pyarrow", "duckdb",
)  # fmt: skip


def versions() -> dict[str, str]:
    """Return the versions that can change a result."""
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def run_row(
    *,
    run_id: str,
    revision: str,
    state: str,
    archive: Sequence[str],
    config: Config,
    models: Sequence[ModelInfo],
    outcomes: Sequence[VideoOutcome],
    found: int,
    skipped: int,
    started_at: datetime,
    finished_at: datetime,
    prefect_flow_run_id: str | None,
) -> dict[str, Any]:
    """Return a value for every column of the table `runs`."""
    compute_s: defaultdict[str, float] = defaultdict(float)
    for outcome in outcomes:
        for step, seconds in [*outcome.timings_s.items(), ("load", outcome.load_s)]:
            compute_s[step] += seconds
    return {
        "run_id": run_id,
        "revision": revision,
        "started_at": started_at,
        "finished_at": finished_at,
        "state": state,
        "archive": list(archive),
        "configuration": config.model_dump_json(),
        "versions": list(versions().items()),
        "models": [
            {"role": model.role, "id": model.id, "licence": model.licence, "digest": model.digest} for model in models
        ],
        "videos_found": found,
        "videos_skipped": skipped,
        "videos_ok": sum(outcome.status == "ok" for outcome in outcomes),
        "videos_failed": sum(outcome.status == "failed" for outcome in outcomes),
        "video_s": sum(outcome.duration_s for outcome in outcomes),
        "wall_s": (finished_at - started_at).total_seconds(),
        "compute_s": [(step, round(seconds, 3)) for step, seconds in sorted(compute_s.items())],
        "prefect_flow_run_id": prefect_flow_run_id,
    }
