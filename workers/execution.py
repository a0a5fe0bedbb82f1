"""Run a shard: spread its videos over workers, and hand on what comes back as it comes."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pipeline.lake import Lake
from schemas.errors import ModelError
from schemas.outcome import VideoOutcome
from schemas.records import VideoTask
from workers.job import ShardJob, task_to_json
from workers.placement import Placement
from workers.progress_actor import Board
from workers.ray_worker import RayVideoWorker
from workers.video_worker import VideoWorker

logger = logging.getLogger(__name__)

_LOOK_S = 1.0

Positions = Callable[[dict[str, float]], None]
"""Told how many seconds of each video in work are decoded."""


def run_shard(
    job: ShardJob,
    tasks: Sequence[VideoTask],
    placement: Placement | None,
    *,
    positions: Positions = lambda _: None,
) -> Iterator[VideoOutcome]:
    """Analyse videos and stage their rows; those that an earlier try of the same shard staged are not done again.

    Args:
        job: Where rows belong, and the configuration.
        tasks: The videos, the longest first.
        placement: Of the workers in the Ray cluster that this process is connected to; None: do it in this process.
        positions: Told how far videos are, about once a second.

    Yields:
        An outcome a video, in the order in which they end.

    Raises:
        LakeError: The lake cannot be written.
        ModelError: A model cannot be loaded, is another one on a worker, or does not do what it must.
    """
    staged = Lake(job.lake_uri).staged(job.shard)
    left = [task for task in tasks if task.video_id not in staged]
    if not left:
        return
    if placement is None:
        yield from _run_inline(job, left, positions)
    else:
        yield from _run_on_ray(job, left, placement, positions)


def _run_inline(job: ShardJob, tasks: Sequence[VideoTask], positions: Positions) -> Iterator[VideoOutcome]:
    worker = VideoWorker(
        job.config,
        threads=job.config.workers.threads or 1,
        position=lambda video_id, position_s: positions({video_id: position_s}),
    )
    for task in tasks:
        yield worker.work(task, job)


def _run_on_ray(
    job: ShardJob, tasks: Sequence[VideoTask], placement: Placement, positions: Positions
) -> Iterator[VideoOutcome]:
    import ray
    from ray.data import ActorPoolStrategy, DataContext

    DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    smallest, largest = placement.workers_for(len(tasks))
    board: Any = ray.remote(num_cpus=0)(Board).remote()
    outcomes = ray.data.from_items(
        [{"task": task_to_json(task)} for task in tasks], override_num_blocks=len(tasks)
    ).map_batches(
        RayVideoWorker,
        batch_size=1,
        batch_format="numpy",
        fn_constructor_args=(job, placement.threads, board),
        compute=ActorPoolStrategy(
            min_size=smallest, max_size=largest, initial_size=largest, max_tasks_in_flight_per_actor=1
        ),
        num_cpus=placement.num_cpus,
        num_gpus=placement.num_gpus or None,
    )
    with _watched(board, positions):
        for row in outcomes.iter_rows():
            if row["refusal"]:
                raise ModelError(row["refusal"])
            yield VideoOutcome.model_validate_json(row["outcome"])


@contextmanager
def _watched(board: Any, positions: Positions) -> Iterator[None]:  # noqa: ANN401 - a Ray actor handle
    """Read the board about once a second while the block runs."""
    import ray

    stop = threading.Event()

    def look() -> None:
        while not stop.wait(_LOOK_S):
            try:
                positions(ray.get(board.read.remote(), timeout=_LOOK_S))
            except (ray.exceptions.RayError, TimeoutError):
                continue

    watcher = threading.Thread(target=look, name="positions", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        stop.set()
        watcher.join()
        ray.kill(board)
