"""A copy of the known lake whose videos can be corrected: a run says how they were analysed."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

from pipeline.lake import Lake
from pipeline.run import models_of, recipe_of
from schemas.config import Config
from schemas.stages import STAGES
from tests.known_lake import KnownLake


def correctable(known: KnownLake, folder: Path) -> Lake:
    """Copy the known lake, and record the run that made it."""
    shutil.copytree(known.lake.uri, folder / "lake")
    lake = Lake(str(folder / "lake"))
    [revision] = lake.sql("SELECT DISTINCT revision FROM videos")["revision"].to_pylist()
    config = Config()
    models = models_of(config)
    now = datetime.now(UTC)
    versions = recipe_of(config, models).versions
    lake.write_run(
        {
            "run_id": "r1", "revision": revision, "started_at": now, "finished_at": now, "state": "completed",
            "archive": [], "configuration": config.model_dump_json(), "versions": {},
            "models": [{"role": m.role, "id": m.id, "licence": m.licence, "digest": m.digest} for m in models],
            "videos_found": 3, "videos_skipped": 0, "videos_ok": 2, "videos_failed": 1, "video_s": 10.0, "wall_s": 1.0,
            "compute_s": {}, "prefect_flow_run_id": None,
            "stages": [{"name": name, "revision": revision, "version": versions[name]} for name in STAGES],
        }
    )  # fmt: skip
    return lake
