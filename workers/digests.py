"""Digest files on the machines of a cluster: one Ray task for each chunk of files."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pipeline.run import DigestChunks, Unread, digest_files, digest_here, in_order
from schemas.config import WorkersConfig
from workers.cluster import cluster_address, ray_cluster

_TASKS_PER_NODE = 2


@contextmanager
def digest_on_workers(config: WorkersConfig) -> Iterator[DigestChunks]:
    """Yield what digests files for `discover_batches`: the nodes of a cluster, or this process.

    If the workers are all on this machine, the threads of this process read as fast.

    Args:
        config: Where the workers are.

    Raises:
        ConfigurationError: The cluster cannot be joined.
    """
    address = cluster_address(config.ray_address)
    if config.engine == "inline" or address == "local":
        yield digest_here
        return
    with ray_cluster(address):
        import ray

        yield _on_ray if _nodes(ray) > 1 else digest_here


def _on_ray(chunks: Iterable[Sequence[Unread]]) -> Iterator[list[str | None]]:
    import ray

    # Analysing workers hold all CPUs of the cluster, and digests mostly wait for the disk or the network.
    task = ray.remote(num_cpus=0, scheduling_strategy="SPREAD")(digest_files)
    running: dict[Any, None] = {}

    def submit(chunk: Sequence[Unread]) -> Callable[[], list[str | None]]:
        reference = task.remote(chunk)
        running[reference] = None
        return lambda: result(reference, chunk)

    def result(reference: Any, chunk: Sequence[Unread]) -> list[str | None]:  # noqa: ANN401 - a Ray object reference
        try:
            found: list[str | None] = ray.get(reference)
        except ray.exceptions.RayError:
            # Ray has tried it on other nodes already.
            found = digest_files(chunk)
        finally:
            del running[reference]
        return found

    try:
        yield from in_order(chunks, submit, _nodes(ray) * _TASKS_PER_NODE)
    finally:
        for reference in running:
            ray.cancel(reference)


def _nodes(ray: Any) -> int:  # noqa: ANN401 - the module
    return sum(node["Alive"] for node in ray.nodes())
