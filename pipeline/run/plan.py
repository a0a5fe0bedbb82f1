"""Plan a run: decide which videos to analyse, and split them into shards.

This is where resuming is decided. `Planner._decide` compares each video of the archive with its newest row in the lake.
A plan is deterministic: the same videos and the same lake give the same shards.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import pyarrow as pa

from pipeline.analysis.media import find_sidecars, list_subtitle_files
from pipeline.lake import shard_id, well_formed
from pipeline.locations import local_path
from schemas.config import Config
from schemas.errors import ErrorKind
from schemas.records import VideoTask

_Decision = Literal["analyse", "done", "failed_before", "forgotten"]
BYTES_PER_S = 500_000
"""Bytes of a second of a typical video, 4 Mbit/s, to compare videos of known duration with others."""


@dataclass(frozen=True, slots=True)
class Shard:
    """Videos that are analysed, retried and published together."""

    id: str
    revision: str
    tasks: tuple[VideoTask, ...]
    """Longest first, as in the whole plan, so that no worker starts a long video when the others are done."""
    longest_bytes: float
    """Expected work for the first video, in bytes."""

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
    forgotten: int = 0
    """Videos that the lake was told to forget."""

    @property
    def videos(self) -> int:
        """Videos to analyse."""
        return sum(len(shard.tasks) for shard in self.shards)

    @property
    def size_bytes(self) -> int:
        """Bytes to analyse."""
        return sum(shard.size_bytes for shard in self.shards)


class Planner:
    """Plans batches of videos, one after another, against the same state of the lake.

    Args:
        processed: The newest row of each video in the lake, from `Lake.processed`.
        revision: Revision of the run.
        config: Its sections `archive`, `limits` and `shards` are used.
    """

    def __init__(self, processed: pa.Table, revision: str, config: Config) -> None:
        self._processed, self._revision, self._config = processed, revision, config
        self._rows = {video_id: row for row, video_id in enumerate(processed.column("video_id").to_pylist())}
        # Whole columns are read at once: a million rows one by one take minutes.
        names = [name for name in processed.column_names if name not in {"video_id", "subtitle_files"}]
        self._columns = {name: processed.column(name).to_pylist() for name in names}
        self._listing = cache(list_subtitle_files)
        self._room = config.limits.max_videos

    def plan(self, tasks: Sequence[VideoTask]) -> Plan:
        """Leave out the videos that are done, and split the rest into shards, the longest videos first.

        Args:
            tasks: Videos of the archive, in order.

        Returns:
            The plan. The same videos always give the same shards with the same ids.
        """
        decisions = [self._decide(task) for task in tasks]
        todo = [task for task, decision in zip(tasks, decisions, strict=True) if decision == "analyse"]
        now = todo[: self._room]
        if self._room is not None:
            self._room -= len(now)
        shards = []
        for group in self._split(now):
            superseded = [(task.video_id, self._column("shard", task)) for task in group]
            made = shard_id(self._revision, superseded)
            shards.append(Shard(made, self._revision, tuple(group), self._cost_bytes(group[0])))
        done, failed_before = decisions.count("done"), decisions.count("failed_before")
        postponed, forgotten = len(todo) - len(now), decisions.count("forgotten")
        return Plan(self._revision, tuple(shards), done, failed_before, postponed, forgotten)

    def duration_s(self, task: VideoTask) -> float | None:
        """Return the duration of a video; None if the lake does not know it."""
        known_s: float | None = self._column("duration_s", task)
        return known_s or None

    def _decide(self, task: VideoTask) -> _Decision:
        status = self._column("status", task)
        if status == "forgotten":
            return "forgotten"
        if status in {None, "outdated"}:
            return "analyse"
        if status == "ok":
            return "analyse" if self._subtitles_changed(task) else "done"
        if self._config.archive.retry_failed or not ErrorKind(self._column("kind", task)).permanent:
            return "analyse"
        return "failed_before"

    def _subtitles_changed(self, task: VideoTask) -> bool:
        """Return whether the subtitle files beside a local video are others than when it was analysed.

        Only those beside the location where it was analysed count. A copy elsewhere may have others, and runs that find
        one copy each would otherwise analyse the video again and again.
        """
        uri = self._column("uri", task)
        if uri not in task.uris or local_path(uri) is None:
            return False
        before = self._processed.column("subtitle_files")[self._rows[task.video_id]].as_py()
        if before is None:
            return False
        now = {(well_formed(file.name), file.size_bytes, file.mtime_ns) for file in find_sidecars(uri, self._listing)}
        return now != {(file["name"], file["size_bytes"], file["mtime_ns"]) for file in before}

    def _column(self, name: str, task: VideoTask) -> Any:  # noqa: ANN401 - a string, or None if the lake lacks it
        row = self._rows.get(task.video_id)
        return None if row is None or name not in self._columns else self._columns[name][row]

    def _split(self, tasks: Iterable[VideoTask]) -> list[list[VideoTask]]:
        """Group videos into shards, the longest first, so that at the end of a run only short ones are left."""
        config, groups = self._config.shards, list[list[VideoTask]]()
        costs = [(-self._cost_bytes(task), task.video_id, task) for task in tasks]
        filled = 0.0
        for negative, _, task in sorted(costs, key=lambda cost: cost[:2]):
            full = groups and (len(groups[-1]) >= config.max_videos or filled - negative > config.max_bytes)
            if not groups or full:
                groups.append([])
                filled = 0.0
            groups[-1].append(task)
            filled -= negative
        return groups

    def _cost_bytes(self, task: VideoTask) -> float:
        """Return the expected work for a video: by its duration if the lake knows it, otherwise by its size."""
        known_s = self.duration_s(task)
        return known_s * BYTES_PER_S if known_s else task.size_bytes


def make_plan(tasks: Sequence[VideoTask], processed: pa.Table, revision: str, config: Config) -> Plan:
    """Plan all videos of an archive at once. See `Planner`."""
    return Planner(processed, revision, config).plan(tasks)
