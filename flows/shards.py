"""The shards of a run: each is a Prefect task run, from its first video to its commit, and all share one pool."""

import logging
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture
from prefect.states import Cancelled

from flows.record import Run
from flows.retries import with_retries
from pipeline.lake import StagingError
from pipeline.run import Shard
from pipeline.view import counted, format_size
from schemas.errors import (
    ConfigurationError,
    DeviceError,
    LakeError,
    LostLeaseError,
    ModelError,
    RunStoppedError,
)
from schemas.outcome import VideoOutcome
from workers import Batch, Pool

_MAX_SHOWN = 3


class UnpublishedError(LakeError):
    """Some shards could not be published; the others were."""


@dataclass(slots=True, eq=False)
class _Opened:
    """A shard in flight."""

    run: Run
    pool: Pool
    shard: Shard
    committing: threading.Lock
    batch: Batch | None
    """What was submitted when the shard was opened; None once a failed attempt has used it up."""
    reported: set[str] = field(default_factory=set)
    """Videos with an outcome, from this attempt or an earlier one."""
    dropped: frozenset[str] = frozenset()
    """Videos with an outcome whose rows were unusable, and that must be analysed again."""

    def outcomes(self) -> Iterable[VideoOutcome]:
        """Yield the outcomes of the videos that have none yet."""
        batch, self.batch = self.batch, None
        if batch is None:
            done = self.reported - self.dropped
            missing = [task for task in self.shard.tasks if task.video_id not in done]
            batch = self.pool.submit(self.shard.id, missing)
        for outcome in batch.outcomes():
            if outcome.video_id not in self.reported:
                self.reported.add(outcome.video_id)
                yield outcome

    def commit(self) -> int:
        """Publish the videos, and return their number."""
        self.dropped = frozenset()
        try:
            with self.committing:
                videos = [task.video_id for task in self.shard.tasks]
                return self.run.lake.commit(self.shard.id, self.shard.revision, videos)
        except StagingError as error:
            self.dropped = error.missing
            raise


class _Hidden:
    """Hides a shard from Prefect, which searches the dataclasses in a task's parameters for futures."""

    def __init__(self, opened: _Opened) -> None:
        self.opened = opened


@task(name="analyse", task_run_name="{title}", cache_policy=NO_CACHE)
def analyse_shard(title: str, hidden: _Hidden) -> "str | State[str]":  # noqa: ARG001 - the name of the task run
    """Wait for the videos of a shard, and commit their rows in one step."""
    opened, logger = hidden.opened, get_run_logger()
    run, shard = opened.run, opened.shard
    try:
        for outcome in opened.outcomes():
            run.tally.end(outcome)
            _log(logger, outcome)
    except RunStoppedError as error:
        return Cancelled(message=str(error))
    published = opened.commit()
    message = f"Committed shard {shard.id}: {published} videos"
    logger.info(message)
    return message


def analyse_shards(run: Run, pool: Pool) -> None:
    """Open the shards of a run as the pool has room for them, until no more come, and wait until all have ended.

    Args:
        run: The run.
        pool: Analyses the videos.

    Raises:
        ConfigurationError: No worker can start.
        ModelError: A model cannot be loaded, differs on all workers, or does not work as it must.
        LostLeaseError: Another process writes the lake now.
        UnpublishedError: Some shards failed for good.
    """
    analyse, committing = with_retries(analyse_shard, run.config.shards), threading.Lock()
    ended: list[PrefectFuture[Any] | State[Any]] = []
    while run.shards.wait():
        pool.expect(run.shards.videos)
        pool.wait_for_room()
        with run.lake.lock():
            pass  # still held: nothing more is analysed if another process writes the lake now
        shard = run.shards.get()
        run.tally.begin()
        opened = _Opened(run, pool, shard, committing, pool.submit(shard.id, shard.tasks))
        title = _title(shard, len(ended) + 1)
        if pool.concurrent:
            ended.append(analyse.submit(title, _Hidden(opened)))
        else:
            ended.append(analyse(title, _Hidden(opened), return_state=True))
    _check(ended)


def _check(ended: list[PrefectFuture[Any] | State[Any]]) -> None:
    """Wait for all shards, and raise if some failed for good."""
    errors: list[BaseException] = []
    for each in ended:
        if isinstance(each, PrefectFuture):
            each.wait()
        state = each if isinstance(each, State) else each.state
        if not state.is_completed():
            error = state.result(raise_on_failure=False)
            errors.append(error if isinstance(error, BaseException) else LakeError(str(state.message)))
    for error in errors:
        if isinstance(error, ConfigurationError | DeviceError | LostLeaseError | ModelError):
            raise error
    if errors:
        shown = "; ".join(str(error) for error in errors[:_MAX_SHOWN])
        raise UnpublishedError(
            f"{len(errors)} of {len(ended)} shards could not be published; the others were. The first errors: {shown}. "
            "Run again: videos that were analysed are published without another analysis."
        )


def _title(shard: Shard, number: int) -> str:
    """Return the name of a shard's task run."""
    return f"shard {number}: {counted(len(shard.tasks), 'video')}, {format_size(shard.size_bytes)} ({shard.id[:6]})"


def _log(logger: Any, outcome: VideoOutcome) -> None:  # noqa: ANN401 - Prefect's logger adapters
    """Forward the log records of a worker, and log one line about the video."""
    for line in outcome.log:
        logger.log(line.level if line.level >= logging.WARNING else logging.DEBUG, "%s: %s", line.logger, line.message)
    if outcome.status == "ok":
        logger.info(
            "%s: %.0f s in %.1f s on %s, %s, %s, %s",
            outcome.uri, outcome.duration_s, outcome.wall_s, outcome.worker, outcome.language or "no speech",
            counted(outcome.shots, "shot"), counted(outcome.words, "word"),
        )  # fmt: skip
