"""Placement: how many workers each node gets, and the CPUs and GPUs of each, from the configuration and the node."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from schemas.config import WorkersConfig

_GPU_SHARE = 0.5
"""Two workers per GPU: while one decodes, the other computes."""
_CPUS = 2
"""CPUs per worker: one worker with two threads is faster than two with one, and needs half the memory
(`benchmarks/placement.py`)."""
_MOST_CPUS = 8
"""CPUs of a worker where there are fewer videos than workers. More threads would mostly wait for each other."""


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

    def __str__(self) -> str:
        parts = {"CPU": self.num_cpus, "GPU": self.num_gpus, "thread": self.threads}
        return ", ".join(f"{count:g} {name}{'' if count == 1 else 's'}" for name, count in parts.items() if count)


@dataclass(frozen=True, slots=True)
class NodePlacement:
    """The workers of a node."""

    size: WorkerSize
    workers: int
    """How many fit."""

    def __str__(self) -> str:
        return f"{self.workers} worker{'' if self.workers == 1 else 's'} with {self.size}"


def place_on(config: WorkersConfig, resources: Mapping[str, float], videos: int | None = None) -> NodePlacement | None:
    """Choose the size and number of the workers of one node.

    Args:
        config: Its values take precedence over what the node suggests.
        resources: Resources of the node by Ray's names (`CPU`, `GPU`).
        videos: How many videos there are for the node, if that is known. Fewer workers are larger.

    Returns:
        The placement; None if no worker fits the node, or if it has no GPU and `device` is `cuda`.
    """
    cpus, gpus = resources.get("CPU", 0.0), resources.get("GPU", 0.0)
    num_gpus = config.num_gpus
    if num_gpus is None:
        num_gpus = _GPU_SHARE if gpus and config.device != "cpu" else 0.0
    if config.device == "cuda" and not gpus:
        return None
    busy = min(videos or math.inf, config.max_workers or math.inf)
    num_cpus = config.num_cpus or _cpus_each(cpus, _times(gpus, num_gpus), busy)
    workers = min(_times(cpus, num_cpus), _times(gpus, num_gpus))
    if workers < 1:
        return None
    return NodePlacement(_size(config, num_cpus, num_gpus), int(workers))


def smallest_size(config: WorkersConfig) -> WorkerSize:
    """Return the size of a worker on the smallest node that the configuration allows."""
    num_gpus = config.num_gpus if config.num_gpus is not None else _GPU_SHARE if config.device == "cuda" else 0.0
    return _size(config, config.num_cpus or 1.0, num_gpus)


def _size(config: WorkersConfig, num_cpus: float, num_gpus: float) -> WorkerSize:
    threads = config.threads or max(1, math.floor(num_cpus))
    # Two workers share a GPU already, so that one computes while the other decodes.
    return WorkerSize(num_cpus, num_gpus, threads, 1 if num_gpus else min(config.videos_at_once, threads))


def _cpus_each(cpus: float, fit_by_gpu: float, busy: float) -> float:
    """Return the CPUs of each worker: an equal share of the node's, for as many workers as will have work."""
    workers = fit_by_gpu if math.isfinite(fit_by_gpu) else max(1.0, cpus // _CPUS)
    if not workers:
        return 1.0
    share = max(1.0, cpus // workers)
    return share if busy >= workers else max(share, min(_MOST_CPUS, cpus // busy))


def _times(available: float, each: float) -> float:
    return math.floor(available / each + 1e-9) if each else math.inf
