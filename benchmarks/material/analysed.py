"""The lake of the known films: analysed in this process, once for each revision and state of the code."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.lake import Lake
from pipeline.run.configuration import load_config
from pipeline.run.discovery import discover
from pipeline.run.plan import make_plan
from pipeline.run.revision import models_of, recipe_of
from workers import InlinePool, RunJob

SETTINGS = ("summary.min_chapter_s=15",)
"""Changes of the defaults: the films are short, and so are their chapters."""
_ROOT = Path(__file__).parents[2]
_UNRELATED = {"__pycache__", "sample", "search", "export"}
"""Folders of code that is not part of the analysis."""
Row = dict[str, Any]


@dataclass(frozen=True)
class Video:
    """All rows of one video."""

    row: Row
    shots: list[Row]
    frames: list[Row]
    utterances: list[Row]
    scenes: list[Row]
    summary: Row

    @property
    def id(self) -> str:
        """The video's id."""
        return str(self.row["video_id"])

    @property
    def words(self) -> str:
        """The whole transcript."""
        return " ".join(row["text"].strip() for row in self.utterances)


def analysed_lake(
    files: Sequence[Path], work: Path, *, settings: Sequence[str] = (), threads: int = 2, may_fail: bool = False
) -> Lake:
    """Analyse the files that are not in the lake yet.

    Args:
        files: The archive.
        work: Folder of lakes, each named after its revision and code.
        settings: `section.key=value`, in addition to `SETTINGS`.
        threads: Threads of each model.
        may_fail: Whether a file may get a row in `errors`.

    Raises:
        RuntimeError: A file could not be analysed.
    """
    config = load_config(environment={}, settings=[*SETTINGS, *settings, f"workers.threads={threads}"])
    recipe = recipe_of(config, models_of(config))
    lake = Lake.create(str(work / f"lake-{recipe.revision[:8]}-{_code_digest()[:8]}"))
    lake.clean()
    found = discover([str(file) for file in files], lake, config.archive)
    plan = make_plan(found.tasks, lake.processed(), recipe, config)
    pool = InlinePool(RunJob(recipe.revision, lake.uri, config, stages=recipe.stages))
    for shard in plan.shards:
        for outcome in pool.submit(shard.id, shard.tasks).outcomes():
            if outcome.status == "failed" and not may_fail:
                raise RuntimeError(f"{outcome.uri} could not be analysed: {outcome.error_message}")
            print(
                f"  analysed {Path(outcome.uri).name} ({outcome.duration_s:.0f} s in {outcome.wall_s:.0f} s)",
                flush=True,
            )
        lake.commit(shard.id, shard.revision)
    return lake


def read_videos(lake: Lake) -> dict[str, Video]:
    """Return all videos by file name."""

    def rows(table: str, order: str) -> list[Row]:
        return lake.sql(f"SELECT * FROM {table} ORDER BY video_id, {order}").to_pylist()

    tables = {
        "shots": rows("shots", "start_s"),
        "frames": rows("frames", "time_s"),
        "utterances": rows("utterances", "start_s"),
        "scenes": rows("scenes", "start_s"),
    }
    summaries = {row["video_id"]: row for row in rows("summaries", "headline")}
    videos = {}
    for row in rows("videos", "uri"):
        own = {name: [each for each in found if each["video_id"] == row["video_id"]] for name, found in tables.items()}
        videos[Path(row["uri"]).name] = Video(row, **own, summary=summaries.get(row["video_id"], {}))
    return videos


def _code_digest() -> str:
    """Return a digest of the analysis code, so that figures always belong to the current code."""
    digest = hashlib.sha256()
    for folder in ("pipeline", "schemas"):
        for file in sorted((_ROOT / folder).rglob("*")):
            if file.is_file() and not _UNRELATED.intersection(file.parts):
                digest.update(file.read_bytes())
    return digest.hexdigest()
