"""Worker processes on Ray. The first one of a run's own cluster starts while the run is still planned."""

import threading
from collections.abc import Sequence
from typing import Any

from schemas.config import Config
from schemas.stages import Stage
from workers.nodes import alive_nodes
from workers.placement import WorkerSize, place_on
from workers.ray_worker import RayWorker

_ahead: dict[tuple[WorkerSize, str | None], Any] = {}
"""The worker that was started ahead, by its place."""
_lock = threading.Lock()


def start_actor(size: WorkerSize, node_id: str | None) -> Any:  # noqa: ANN401 - a Ray actor handle
    """Start a worker, or take the one that was started ahead for this place.

    Args:
        size: Its resources.
        node_id: Where it runs; None lets Ray choose.
    """
    with _lock:
        ahead = _ahead.pop((size, node_id), None)
    if ahead is not None:
        return ahead
    end_actor_ahead()  # it would keep its resources
    return _started(size, node_id)


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
        place = place_on(config.workers, node.resources, videos)
        if place is not None:
            actor = _started(place.size, node.id)
            actor.warm_up.remote(config, place.size.threads, stages)
            with _lock:
                _ahead[place.size, node.id] = actor
            return


def end_actor_ahead() -> None:
    """End the worker that was started ahead, if no pool has taken it."""
    import ray

    with _lock:
        actors = list(_ahead.values())
        _ahead.clear()
    for actor in actors:
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
