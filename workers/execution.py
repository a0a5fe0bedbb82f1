"""Run a shard: distribute its videos over workers and yield their outcomes as they arrive."""

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
from workers.progress_actor import ProgressActor
from workers.ray_worker import RayVideoWorker
from workers.video_worker import VideoWorker

logger = logging.getLogger(__name__)

_POLL_S = 1.0

Positions = Callable[[dict[str, float]], None]
"""Called with the seconds decoded of each running video, by video id."""


def run_shard(
    job: ShardJob,
    tasks: Sequence[VideoTask],
    placement: Placement | None,
    *,
    positions: Positions = lambda _: None,
) -> Iterator[VideoOutcome]:
    """Analyse videos and stage their rows. Videos that an earlier attempt at this shard staged are skipped.

    Args:
        job: The shard, the lake and the configuration.
        tasks: The videos, longest first.
        placement: Placement of the workers in the connected Ray cluster; None to run in this process.
        positions: Called about once a second with the progress of the running videos.

    Yields:
        The outcome of each video, in the order in which they finish.

    Raises:
        LakeError: The lake cannot be written.
        ModelError: A model cannot be loaded, differs on a worker, or does not work as it must.
    """
    staged = Lake(job.lake_uri).staged(job.shard)
    remaining = [task for task in tasks if task.video_id not in staged]
    if not remaining:
        return
    if placement is None:
        yield from _run_inline(job, remaining, positions)
    else:
        yield from _run_on_ray(job, remaining, placement, positions)


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
    min_size, max_size = placement.workers_for(len(tasks))
    progress_actor: Any = ray.remote(num_cpus=0)(ProgressActor).remote()
    outcomes = ray.data.from_items(
        [{"task": task_to_json(task)} for task in tasks], override_num_blocks=len(tasks)
    ).map_batches(
        RayVideoWorker,
        batch_size=1,
        batch_format="numpy",
        fn_constructor_args=(job, placement.threads, progress_actor),
        compute=ActorPoolStrategy(
            min_size=min_size, max_size=max_size, initial_size=max_size, max_tasks_in_flight_per_actor=1
        ),
        num_cpus=placement.num_cpus,
        num_gpus=placement.num_gpus or None,
    )
    with _polled(progress_actor, positions):
        for row in outcomes.iter_rows():
            if row["refusal"]:
                raise ModelError(row["refusal"])
            yield VideoOutcome.model_validate_json(row["outcome"])


@contextmanager
def _polled(progress_actor: Any, positions: Positions) -> Iterator[None]:  # noqa: ANN401 - a Ray actor handle
    """Read the progress actor about once a second while the block runs."""
    import ray

    stop = threading.Event()

    def poll() -> None:
        while not stop.wait(_POLL_S):
            try:
                positions(ray.get(progress_actor.read.remote(), timeout=_POLL_S))
            except (ray.exceptions.RayError, TimeoutError):
                continue

    poller = threading.Thread(target=poll, name="positions", daemon=True)
    poller.start()
    try:
        yield
    finally:
        stop.set()
        poller.join()
        ray.kill(progress_actor)
