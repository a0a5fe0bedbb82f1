"""Worker placement: how many workers, and the CPUs and GPUs of each, from the configuration and the cluster."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from schemas.config import WorkersConfig
from schemas.errors import ConfigurationError

_GPU_SHARE = 0.5
"""Two workers per GPU: while one decodes, the other computes."""


@dataclass(frozen=True, slots=True)
class Placement:
    """The resources that a pool of workers requests from a cluster."""

    num_cpus: float
    """CPUs per worker."""
    num_gpus: float
    """GPUs per worker; a fraction if several workers share one."""
    threads: int
    """Threads of the decoder and of each model."""
    min_workers: int
    max_workers: int

    def workers_for(self, videos: int) -> tuple[int, int]:
        """Return the minimum and maximum pool size for a number of videos."""
        max_workers = max(1, min(self.max_workers, videos))
        return min(self.min_workers, max_workers), max_workers


def choose_placement(config: WorkersConfig, resources: Mapping[str, float]) -> Placement:
    """Choose the number and size of workers.

    Args:
        config: Its values take precedence over what the cluster suggests.
        resources: Resources of the whole cluster by Ray's names (`CPU`, `GPU`).

    Raises:
        ConfigurationError: The cluster can never provide what the configuration requests.
    """
    cpus, gpus = resources.get("CPU", 0.0), resources.get("GPU", 0.0)
    num_gpus = config.num_gpus
    if num_gpus is None:
        num_gpus = _GPU_SHARE if gpus and config.device != "cpu" else 0.0
    fit_by_gpu = _times(gpus, num_gpus)
    num_cpus = config.num_cpus
    if num_cpus is None:
        # With GPUs, the workers that fit on them share all CPUs.
        num_cpus = max(1.0, cpus // fit_by_gpu) if num_gpus and fit_by_gpu else 1.0
    fit = min(_times(cpus, num_cpus), fit_by_gpu)
    if fit < 1:
        raise ConfigurationError(
            f"A worker needs {num_cpus:g} CPUs and {num_gpus:g} GPUs, but the cluster has {cpus:g} and {gpus:g}. "
            "Lower workers.num_cpus or workers.num_gpus, or add nodes."
        )
    max_workers = config.max_workers or int(fit)
    threads = config.threads or max(1, math.floor(num_cpus))
    return Placement(num_cpus, num_gpus, threads, min(config.min_workers, max_workers), max_workers)


def _times(available: float, each: float) -> float:
    return math.floor(available / each + 1e-9) if each else math.inf
