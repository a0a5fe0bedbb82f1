"""Plan a run: decide which stages of which videos to redo, and split the videos into shards.

This is where resuming is decided. `Planner._decide` compares each video of the archive with its rows in the lake. A
plan is deterministic: the same videos and the same lake give the same shards.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Literal, cast

import pyarrow as pa

from pipeline.analysis.media import find_sidecars, list_subtitle_files
from pipeline.lake import shard_id, well_formed
from pipeline.locations import local_path
from pipeline.run.history import History
from pipeline.run.redo import Redo, hopeless_stages, redo_reasons
from pipeline.run.revision import Recipe
from schemas.config import Config
from schemas.records import StageState, VideoTask
from schemas.stages import STAGES, Stage

_Decision = Literal["analyse", "done", "failed_before", "forgotten"]
BYTES_PER_S = 500_000
"""Bytes of a second of a typical video, 4 Mbit/s, to compare videos of known duration with others."""
_SHARES: Mapping[Stage, float] = {"picture": 0.5, "sound": 0.45, "text": 0.03, "understanding": 0.02}
"""About how much of an analysis each stage costs."""
_FILE_STAGES: tuple[Stage, ...] = ("picture", "sound")
"""The stages that read the file. If an analysis without stages failed, it was almost always in one of them."""


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

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages that some of its videos need."""
        needed = {stage for task in self.tasks for stage in task.stages}
        return tuple(stage for stage in STAGES if stage in needed)


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
    redone: Mapping[Redo, int] = field(default_factory=dict)
    """Videos in the lake by each reason to redo a stage of them. A video with several reasons counts for each."""
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


@dataclass(frozen=True, slots=True)
class _Decided:
    decision: _Decision
    task: VideoTask
    reasons: tuple[Redo, ...] = ()


class Planner:
    """Plans batches of videos, one after another, against the same state of the lake.

    Args:
        processed: The state of each video in the lake, from `Lake.processed`.
        recipe: What decides the results of the run.
        config: Its sections `archive`, `limits` and `shards` are used.
        history: What earlier runs used, from `read_history`.
    """

    def __init__(self, processed: pa.Table, recipe: Recipe, config: Config, history: History) -> None:
        self._processed, self._recipe, self._config, self._history = processed, recipe, config, history
        self._rows = {video_id: row for row, video_id in enumerate(processed.column("video_id").to_pylist())}
        # Whole columns are read at once: a million rows one by one take minutes.
        names = [name for name in processed.column_names if name not in {"video_id", "subtitle_files"}]
        self._columns = {name: processed.column(name).to_pylist() for name in names}
        self._listing = cache(list_subtitle_files)
        self._reasons = cache(self._compared)
        self._room = config.limits.max_videos

    def plan(self, tasks: Sequence[VideoTask]) -> Plan:
        """Leave out the videos that are done, and split the rest into shards, the most expensive videos first.

        Args:
            tasks: Videos of the archive, in order.

        Returns:
            The plan. The same videos always give the same shards with the same ids.
        """
        decided = [self._decide(task) for task in tasks]
        todo = [each for each in decided if each.decision == "analyse"]
        now = todo[: self._room]
        if self._room is not None:
            self._room -= len(now)
        revision, shards = self._recipe.revision, []
        for group in self._split(each.task for each in now):
            made = shard_id(revision, [(task.video_id, self._superseded(task)) for task in group])
            shards.append(Shard(made, revision, tuple(group), self._cost_bytes(group[0])))
        counts = Counter(each.decision for each in decided)
        redone = Counter(reason for each in now for reason in each.reasons)
        return Plan(
            revision,
            tuple(shards),
            done=counts["done"],
            failed_before=counts["failed_before"],
            postponed=len(todo) - len(now),
            redone=redone,
            forgotten=counts["forgotten"],
        )

    def duration_s(self, task: VideoTask) -> float | None:
        """Return the duration of a video; None if the lake does not know it."""
        known_s: float | None = self._column("duration_s", task)
        return known_s or None

    def _decide(self, task: VideoTask) -> _Decided:
        if self._column("forgotten", task):
            return _Decided("forgotten", task)
        made, hopeless = self._column("made", task), self._hopeless(task)
        if made is None:
            return _Decided("failed_before" if hopeless else "analyse", task)
        also = (self._subtitles_changed(task), bool(self._column("corrections_changed", task)))
        reasons = self._reasons(made, also, hopeless)
        if not reasons:
            return _Decided("failed_before" if hopeless else "done", task)
        redo = {reason.stage for reason in reasons}
        stages = tuple(stage for stage in STAGES if stage in redo)
        return _Decided("analyse", replace(task, stages=stages, before=self._column("made_by", task)), reasons)

    def _hopeless(self, task: VideoTask) -> tuple[Stage, ...]:
        """Return the stages of a video that failed in its newest attempt and would fail again."""
        tried: str | None = self._column("tried", task)
        if tried is None or self._config.archive.retry_failed:
            return ()
        kinds = (self._column("kinds", task) or "").split(",")
        return hopeless_stages(_states(tried, _FILE_STAGES), filter(None, kinds), self._recipe, self._history)

    def _compared(self, made: str, changed: tuple[bool, bool], hopeless: tuple[Stage, ...]) -> tuple[Redo, ...]:
        """Compare what a video was made with and the recipe. Most videos of a lake were made with the same.

        Args:
            made: A column of `Lake.processed`.
            changed: Whether its subtitle files and its corrections have changed.
            hopeless: Stages that would fail again.
        """
        subjects = [subject for subject, has in zip(("subtitle files", "corrections"), changed, strict=True) if has]
        return redo_reasons(
            _states(made, STAGES),
            self._recipe,
            self._history,
            also={"text": f"{' and '.join(subjects)} have changed"} if subjects else None,
            retry_failed=self._config.archive.retry_failed,
            hopeless=hopeless,
        )

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

    def _superseded(self, task: VideoTask) -> str | None:
        """Return what the rows of a video follow in the lake; for a partial redo also what is redone."""
        shard: str | None = self._column("shard", task)
        return shard if task.stages == STAGES else f"{shard} {' '.join(task.stages)}"

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
        whole = known_s * BYTES_PER_S if known_s else task.size_bytes
        return whole if task.stages == STAGES else whole * sum(_SHARES[stage] for stage in task.stages)


def make_plan(
    tasks: Sequence[VideoTask], processed: pa.Table, recipe: Recipe, config: Config, history: History | None = None
) -> Plan:
    """Plan all videos of an archive at once. See `Planner`."""
    return Planner(processed, recipe, config, history or History()).plan(tasks)


@cache
def _states(made: str, unstaged: tuple[Stage, ...]) -> tuple[StageState, ...]:
    """Parse a column of `Lake.processed`.

    Args:
        made: Stages with revisions and errors, or one revision.
        unstaged: The stages that one revision stands for.
    """
    if " " not in made:
        return tuple(StageState(stage, made) for stage in unstaged)
    parts = (each.split(" ") for each in made.split(","))
    return tuple(StageState(cast("Stage", name), *rest) for name, *rest in parts)
