"""Invented rows of the table `runs`."""

import json
from datetime import timedelta
from typing import Any

from pipeline.lake import Lake
from tests.pipeline.lake.lakes import NOON, REVISION


def run_row(run_id: str, *, hours: float = 0, settings: dict[str, dict[str, Any]] | None = None, **more: Any) -> Any:
    """Return the row of a run that began so many hours after noon: 100 s of video in 50 s, for 80 s of compute."""
    started_at = NOON + timedelta(hours=hours)
    row = {
        "run_id": run_id, "revision": REVISION, "started_at": started_at, "finished_at": started_at + timedelta(0, 50),
        "state": "completed", "archive": ["/archive"], "configuration": json.dumps(settings or {}),
        "versions": {"videolake": "1"}, "models": [{"role": "text", "id": "minilm", "licence": "MIT", "digest": "d0"}],
        "videos_found": 3, "videos_skipped": 1, "videos_ok": 1, "videos_failed": 1, "video_s": 100.0, "wall_s": 50.0,
        "compute_s": {"decode": 10.0, "vision": 30.0, "ocr": 10.0, "speech": 15.0, "text": 1.0, "summary": 4.0,
                      "load": 8.0, "unheard of": 2.0},
        "prefect_flow_run_id": None,
    }  # fmt: skip
    return row | more


def write_runs(lake: Lake, *rows: Any) -> None:
    """Record runs."""
    for row in rows:
        lake.write_run(row)
