"""Placement: how many workers each node gets, and the CPUs and GPUs of each, from the configuration and the node."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from schemas.config import WorkersConfig

_GPU_SHARE = 0.5
"""Two workers per GPU: while one decodes, the other computes."""
_CPUS = 2
"""CPUs per worker: one worker with two threads is faster than two with one, and needs half the memory
(`benchmarks/placement.py`)."""
_MOST_THREADS = 8
"""Threads of a worker where there are fewer videos than workers. More would mostly wait for each other."""


@dataclass(frozen=True, slots=True)
class WorkerSize:
    """The resources of a worker."""

    num_cpus: float
    num_gpus: float
    """GPUs per worker; a fraction if several workers share one."""
    threads: int
    """Threads of the decoder and of each model."""
    videos_at_once: int = 1
    """How many videos it analyses at the same time."""

    @property
    def resources(self) -> tuple[float, float]:
        """What it takes of a node: CPUs and GPUs."""
        return self.num_cpus, self.num_gpus

    def __str__(self) -> str:
        parts = {"CPU": self.num_cpus, "GPU": self.num_gpus, "thread": self.threads}
        return ", ".join(f"{count:g} {name}{'' if count == 1 else 's'}" for name, count in parts.items() if count)


@dataclass(frozen=True, slots=True)
class NodePlacement:
    """The workers of a node."""

    size: WorkerSize
    workers: int
    """How many fit."""
    cpus: float = field(default=0.0, compare=False)
    """CPUs of the node."""

    def __str__(self) -> str:
        return f"{self.workers} worker{'' if self.workers == 1 else 's'} with {self.size}"


def place_on(config: WorkersConfig, resources: Mapping[str, float]) -> NodePlacement | None:
    """Choose the size and number of the workers of one node.

    Args:
        config: Its values take precedence over what the node suggests.
        resources: Resources of the node by Ray's names (`CPU`, `GPU`).

    Returns:
        The placement; None if no worker fits the node, or if it has no GPU and `device` is `cuda`.
    """
    cpus, gpus = resources.get("CPU", 0.0), resources.get("GPU", 0.0)
    num_gpus = config.num_gpus
    if num_gpus is None:
        num_gpus = _GPU_SHARE if gpus and config.device != "cpu" else 0.0
    if config.device == "cuda" and not gpus:
        return None
    num_cpus = config.num_cpus or _cpus_each(cpus, _times(gpus, num_gpus))
    workers = min(_times(cpus, num_cpus), _times(gpus, num_gpus))
    if workers < 1:
        return None
    return NodePlacement(_size(config, num_cpus, num_gpus), int(workers), cpus)


def for_few_videos(
    config: WorkersConfig, place: NodePlacement, videos: int, cluster: Sequence[NodePlacement]
) -> WorkerSize:
    """Return the size of a worker with more threads, if there are fewer videos than workers and CPUs would be idle.

    It takes no more of the node's resources than others: another one may still start beside it.

    Args:
        config: Its number of threads takes precedence.
        place: The workers of the node.
        videos: How many videos there are, at least 1.
        cluster: The workers of every node that has some.
    """
    if config.threads or videos >= sum(each.workers for each in cluster):
        return place.size
    share = math.floor(min(sum(each.cpus for each in cluster) / videos, place.cpus))
    return replace(place.size, threads=max(place.size.threads, min(_MOST_THREADS, share)))


def smallest_size(config: WorkersConfig) -> WorkerSize:
    """Return the size of a worker on the smallest node that the configuration allows."""
    num_gpus = config.num_gpus if config.num_gpus is not None else _GPU_SHARE if config.device == "cuda" else 0.0
    return _size(config, config.num_cpus or 1.0, num_gpus)


def _size(config: WorkersConfig, num_cpus: float, num_gpus: float) -> WorkerSize:
    threads = config.threads or max(1, math.floor(num_cpus))
    # Two workers share a GPU already, so that one computes while the other decodes.
    return WorkerSize(num_cpus, num_gpus, threads, 1 if num_gpus else min(config.videos_at_once, threads))


def _cpus_each(cpus: float, fit_by_gpu: float) -> float:
    """Return the CPUs of each worker: an equal share of the node's."""
    workers = fit_by_gpu if math.isfinite(fit_by_gpu) else max(1.0, cpus // _CPUS)
    return max(1.0, cpus // workers) if workers else 1.0


def _times(available: float, each: float) -> float:
    return math.floor(available / each + 1e-9) if each else math.inf
