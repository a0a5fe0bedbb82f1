"""Worker processes on Ray. The first one of a run's own cluster starts while the run is still planned."""

import threading
from collections.abc import Sequence
from typing import Any

from schemas.config import Config
from schemas.stages import Stage
from workers.nodes import alive_nodes
from workers.placement import WorkerSize, for_few_videos, place_on
from workers.ray_worker import RayWorker

_ahead: dict[str | None, tuple[Any, WorkerSize]] = {}
"""The worker that was started ahead, by its node."""
_lock = threading.Lock()


def start_actor(size: WorkerSize, node_id: str | None) -> tuple[Any, WorkerSize]:
    """Start a worker, or take the one that was started ahead for this place, whatever its threads.

    Args:
        size: Its resources.
        node_id: Where it runs; None lets Ray choose.

    Returns:
        The handle of the actor, and its size.
    """
    with _lock:
        ahead = _ahead.get(node_id)
        if ahead is not None and ahead[1].resources == size.resources:
            return _ahead.pop(node_id)
    end_actor_ahead()  # it would keep its resources
    return _started(size, node_id), size


def start_actor_ahead(config: Config, stages: Sequence[Stage], videos: int | None = None) -> None:
    """Start the first worker before there is work for it, on a cluster of one node that nobody else uses.

    It imports its libraries and loads models, which takes seconds. Without room for a worker nothing happens: the pool
    will say so.

    Args:
        config: The whole configuration.
        stages: The stages that the first videos will need, if that is known.
        videos: How many videos there may be, if that is known.
    """
    for node in alive_nodes().values():
        place = place_on(config.workers, node.resources)
        if place is not None:
            size = for_few_videos(config.workers, place, videos, [place]) if videos else place.size
            actor = _started(size, node.id)
            actor.warm_up.remote(config, size.threads, stages)
            with _lock:
                _ahead[node.id] = actor, size
            return


def end_actor_ahead() -> None:
    """End the worker that was started ahead, if no pool has taken it."""
    import ray

    with _lock:
        actors = list(_ahead.values())
        _ahead.clear()
    for actor, _ in actors:
        ray.kill(actor)


def _started(size: WorkerSize, node_id: str | None) -> Any:  # noqa: ANN401 - a Ray actor handle
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    strategy = NodeAffinitySchedulingStrategy(node_id, soft=False) if node_id else "DEFAULT"
    options = {
        "num_cpus": size.num_cpus,
        "num_gpus": size.num_gpus or None,
        "max_restarts": 0,
        "max_concurrency": size.videos_at_once,
    }
    return ray.remote(RayWorker).options(scheduling_strategy=strategy, **options).remote()
