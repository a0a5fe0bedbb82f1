"""Where workers go: how many, and what each gets of the machines, from the configuration and what there is."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from schemas.config import WorkersConfig
from schemas.errors import ConfigurationError

_GPU_SHARE = 0.5
"""Two workers a GPU: while one decodes, the other computes."""


@dataclass(frozen=True, slots=True)
class Placement:
    """What a pool of workers asks of a cluster."""

    num_cpus: float
    """CPUs a worker."""
    num_gpus: float
    """GPUs a worker, a fraction where several share one."""
    threads: int
    """Threads of the decoder and of each model."""
    min_workers: int
    max_workers: int

    def workers_for(self, videos: int) -> tuple[int, int]:
        """Return the smallest and the largest pool for so many videos."""
        most = max(1, min(self.max_workers, videos))
        return min(self.min_workers, most), most


def place(config: WorkersConfig, resources: Mapping[str, float]) -> Placement:
    """Decide the placement.

    Args:
        config: What is set wins over what is found.
        resources: Of the whole cluster, by Ray's names (`CPU`, `GPU`).

    Raises:
        ConfigurationError: What is asked for can never be had there.
    """
    cpus, gpus = resources.get("CPU", 0.0), resources.get("GPU", 0.0)
    num_gpus = config.num_gpus
    if num_gpus is None:
        num_gpus = _GPU_SHARE if gpus and config.device != "cpu" else 0.0
    fit_by_gpu = _times(gpus, num_gpus)
    num_cpus = config.num_cpus
    if num_cpus is None:
        # With a GPU, the CPUs are shared out among the workers that its fractions allow.
        num_cpus = max(1.0, cpus // fit_by_gpu) if num_gpus and fit_by_gpu else 1.0
    fit = min(_times(cpus, num_cpus), fit_by_gpu)
    if fit < 1:
        raise ConfigurationError(
            f"A worker asks for {num_cpus:g} CPUs and {num_gpus:g} GPUs, but the cluster has {cpus:g} and {gpus:g}. "
            "Lower workers.num_cpus or workers.num_gpus, or add nodes."
        )
    most = config.max_workers or int(fit)
    threads = config.threads or max(1, math.floor(num_cpus))
    return Placement(num_cpus, num_gpus, threads, min(config.min_workers, most), most)


def _times(available: float, each: float) -> float:
    return math.floor(available / each + 1e-9) if each else math.inf
