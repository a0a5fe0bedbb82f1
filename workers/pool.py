"""What runs the analyses of a run: a pool of Ray workers, or this process. Both take videos of any number of shards."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from pipeline.models import default_threads
from schemas.outcome import VideoOutcome
from schemas.records import VideoTask
from workers.cluster import ray_cluster
from workers.job import RunJob
from workers.positions import Position
from workers.ray_pool import RayPool
from workers.ray_worker import MakeWorker, Worker, video_worker

Positions = Callable[[dict[str, float]], None]
"""Called about once a second with the seconds decoded of each running video, by video id."""


class Batch(Protocol):
    """Videos of one shard that were given to a pool."""

    def outcomes(self) -> Iterator[VideoOutcome]:
        """Yield the outcome of each video, in the order in which they finish.

        Raises:
            LakeError: The lake cannot be written. The other running videos are awaited first.
            ModelError: A model cannot be loaded, differs on a worker, or does not work as it must.
            DeviceError: All workers have broken devices.
            RunStoppedError: The pool was closed.
        """
        ...


class Pool(Protocol):
    """Workers that load their models once and stay until the run ends."""

    @property
    def concurrent(self) -> bool:
        """Whether several shards can be in flight, each awaited in a thread of its own."""
        ...

    def expect(self, videos: int) -> None:
        """Say how many videos will be submitted beside those that were, so that enough workers start."""
        ...

    def wait_for_room(self) -> None:
        """Wait until a worker will soon have nothing to do.

        Raises:
            VideolakeError: The pool cannot work any more; the message says why.
        """
        ...

    def submit(self, shard: str, tasks: Sequence[VideoTask]) -> Batch:
        """Give the pool videos of a shard. Those that are longest, of all shards, are analysed first."""
        ...


@contextmanager
def open_pool(
    job: RunJob,
    *,
    positions: Positions = lambda _: None,
    logger: Any = logging.getLogger(__name__),  # noqa: ANN401, B008 - or one of Prefect's adapters
    make_worker: MakeWorker | None = None,
) -> Iterator[Pool]:
    """Open the pool of a run: workers on the Ray cluster, or with `workers.engine = "inline"` this process.

    Args:
        job: The run.
        positions: Called with the progress of the running videos.
        logger: For what happens to workers and nodes.
        make_worker: Makes the worker in each process; None for the real one. Benchmarks replace the analysis here.

    Raises:
        ConfigurationError: The cluster cannot be joined, or no worker fits it.
    """
    if job.config.workers.engine == "inline":
        yield InlinePool(job, positions, make_worker=make_worker)
        return
    with ray_cluster(job.config.workers.ray_address):
        pool = RayPool(job, positions=positions, logger=logger, make_worker=make_worker or video_worker)
        try:
            yield pool
        finally:
            pool.close()


class InlinePool:
    """This process as the only worker. Videos are analysed one by one, in the thread that asks for their outcomes.

    Args:
        job: The run.
        positions: Called with the progress of the running video.
        make_worker: Makes the worker.
    """

    concurrent = False

    def __init__(
        self, job: RunJob, positions: Positions = lambda _: None, *, make_worker: MakeWorker | None = None
    ) -> None:
        self._job, self._positions, self._make_worker = job, positions, make_worker or _local_worker
        self._worker: Worker | None = None

    def expect(self, videos: int) -> None:
        """Do nothing: there is one worker."""

    def wait_for_room(self) -> None:
        """Do nothing: shards come one after another."""

    def submit(self, shard: str, tasks: Sequence[VideoTask]) -> "InlineBatch":
        """Return a batch that is analysed when its outcomes are asked for."""
        return InlineBatch(self, shard, tasks)

    def work(self, task: VideoTask, shard: str) -> VideoOutcome:
        """Analyse one video. The first one loads the models."""
        if self._worker is None:
            self._worker = self._make_worker(
                self._job, self._job.config.workers.threads or default_threads(), self._move
            )
        return self._worker.work(task, self._job.of_shard(shard))

    def _move(self, video_id: str, position_s: float | None) -> None:
        if position_s is not None:
            self._positions({video_id: position_s})


@dataclass(frozen=True, slots=True)
class InlineBatch:
    """Videos of one shard that this process analyses."""

    pool: InlinePool
    shard: str
    tasks: Sequence[VideoTask]

    def outcomes(self) -> Iterator[VideoOutcome]:
        """Analyse each video and yield its outcome."""
        for task in self.tasks:
            yield self.pool.work(task, self.shard)


def _local_worker(job: RunJob, threads: int, position: Position) -> Worker:
    from workers.video_worker import VideoWorker

    return VideoWorker(job.config, threads=threads, position=position, expected=job.expected)
