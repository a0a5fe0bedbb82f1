"""Plan a run: decide which videos to analyse, and split them into shards.

This is where resuming is decided. `_decide` compares each video of the archive with its newest row in the lake. A plan
is deterministic, so a run that was interrupted makes the same shards again, and `workers.run_shard` skips those of
their videos that are already staged.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from pipeline.analysis.media import find_sidecars, list_subtitle_files
from pipeline.lake import shard_id, well_formed
from pipeline.locations import local_path
from schemas.config import Config, ShardsConfig
from schemas.errors import ErrorKind
from schemas.records import VideoTask

_Decision = Literal["analyse", "done", "failed_before"]


@dataclass(frozen=True, slots=True)
class Shard:
    """Videos that are analysed, retried and published together."""

    id: str
    revision: str
    tasks: tuple[VideoTask, ...]
    """Largest first, so that no worker starts a long video when the others are done."""

    @property
    def size_bytes(self) -> int:
        """Bytes of video."""
        return sum(task.size_bytes for task in self.tasks)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run will do."""

    revision: str
    shards: tuple[Shard, ...]
    done: int
    """Videos already in the lake at this revision."""
    failed_before: int
    """Videos that failed at this revision, and would fail again."""
    postponed: int
    """Videos over `limits.max_videos`, left for a later run."""

    @property
    def videos(self) -> int:
        """Videos to analyse."""
        return sum(len(shard.tasks) for shard in self.shards)

    @property
    def size_bytes(self) -> int:
        """Bytes to analyse."""
        return sum(shard.size_bytes for shard in self.shards)


def make_plan(tasks: Sequence[VideoTask], processed: pa.Table, revision: str, config: Config) -> Plan:
    """Leave out the videos that are done, and split the rest into shards.

    Args:
        tasks: The videos of the archive, in order.
        processed: The newest row of each video in the lake, from `Lake.processed`.
        revision: Revision of this run.
        config: Its sections `archive`, `limits` and `shards` are used.

    Returns:
        The plan. The same input always gives the same shards with the same ids.
    """
    seen = {row["video_id"]: row for row in processed.to_pylist()}
    listing = cache(list_subtitle_files)
    decisions = [
        _decide(seen.get(task.video_id), task, listing, retry_failed=config.archive.retry_failed) for task in tasks
    ]
    todo = [task for task, decision in zip(tasks, decisions, strict=True) if decision == "analyse"]
    now = todo[: config.limits.max_videos]
    shards = []
    for group in _split(now, config.shards):
        superseded = [(task.video_id, seen.get(task.video_id, {}).get("shard")) for task in group]
        largest_first = tuple(sorted(group, key=lambda task: (-task.size_bytes, task.video_id)))
        shards.append(Shard(shard_id(revision, superseded), revision, largest_first))
    done, failed_before = decisions.count("done"), decisions.count("failed_before")
    return Plan(revision, tuple(shards), done, failed_before, len(todo) - len(now))


def _decide(
    row: Mapping[str, Any] | None, task: VideoTask, listing: Callable[[Path], Any], *, retry_failed: bool
) -> _Decision:
    """Decide what to do with a video from its row of `Lake.processed`, None if the lake does not have it."""
    if row is None or row["status"] == "outdated":
        return "analyse"
    if row["status"] == "ok":
        return "analyse" if _subtitles_changed(row, task, listing) else "done"
    if retry_failed or not ErrorKind(row["kind"]).permanent:
        return "analyse"
    return "failed_before"


def _subtitles_changed(row: Mapping[str, Any], task: VideoTask, listing: Callable[[Path], Any]) -> bool:
    """Return whether the subtitle files beside a local video are others than when it was analysed.

    Only those beside the location where it was analysed count. A copy elsewhere may have others, and runs that find one
    copy each would otherwise analyse the video again and again.
    """
    before, uri = row.get("subtitle_files"), row.get("uri")
    if before is None or uri not in task.uris or local_path(uri) is None:
        return False
    now = {(well_formed(file.name), file.size_bytes, file.mtime_ns) for file in find_sidecars(uri, listing)}
    return now != {(file["name"], file["size_bytes"], file["mtime_ns"]) for file in before}


def _split(tasks: Iterable[VideoTask], config: ShardsConfig) -> list[list[VideoTask]]:
    groups: list[list[VideoTask]] = []
    size_bytes = 0
    for task in tasks:
        full = groups and (len(groups[-1]) >= config.max_videos or size_bytes + task.size_bytes > config.max_bytes)
        if not groups or full:
            groups.append([])
            size_bytes = 0
        groups[-1].append(task)
        size_bytes += task.size_bytes
    return groups
