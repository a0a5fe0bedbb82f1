"""Plan a run: which videos have work to do, and how they are cut into shards."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from pipeline.lake import shard_id
from schemas.config import Config, ShardsConfig
from schemas.errors import ErrorKind
from schemas.records import VideoTask


@dataclass(frozen=True, slots=True)
class Shard:
    """Videos that are analysed, retried and published together."""

    id: str
    revision: str
    tasks: tuple[VideoTask, ...]
    """Largest first, so that no worker begins a long one when the others are done."""

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
    """Videos that are in the lake at this revision."""
    failed_before: int
    """Videos that failed at this revision for a reason that would come again."""
    postponed: int
    """Videos over `limits.max_videos`, for a later run."""

    @property
    def videos(self) -> int:
        """Videos to analyse."""
        return sum(len(shard.tasks) for shard in self.shards)

    @property
    def size_bytes(self) -> int:
        """Bytes to analyse."""
        return sum(shard.size_bytes for shard in self.shards)


def make_plan(tasks: Sequence[VideoTask], processed: pa.Table, revision: str, config: Config) -> Plan:
    """Leave out what is done, and cut the rest into shards.

    Args:
        tasks: The videos of the archive, in order.
        processed: What the lake says of them, from `Lake.processed`.
        revision: Revision of this run.
        config: Its `archive`, `limits` and `shards` sections count.

    Returns:
        The plan; the same input gives the same shards with the same names.
    """
    seen = {row["video_id"]: row for row in processed.to_pylist()}
    todo: list[VideoTask] = []
    done = failed_before = 0
    for task in tasks:
        row = seen.get(task.video_id)
        if row is None or row["status"] == "outdated":
            todo.append(task)
        elif row["status"] == "ok":
            done += 1
        elif config.archive.retry_failed or not ErrorKind(row["kind"]).permanent:
            todo.append(task)
        else:
            failed_before += 1
    now = todo[: config.limits.max_videos]
    shards = []
    for group in _cut(now, config.shards):
        superseded = [(task.video_id, seen.get(task.video_id, {}).get("shard")) for task in group]
        largest_first = tuple(sorted(group, key=lambda task: (-task.size_bytes, task.video_id)))
        shards.append(Shard(shard_id(revision, superseded), revision, largest_first))
    return Plan(revision, tuple(shards), done, failed_before, len(todo) - len(now))


def _cut(tasks: Iterable[VideoTask], config: ShardsConfig) -> list[list[VideoTask]]:
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
