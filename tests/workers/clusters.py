"""A Ray cluster of several nodes on this machine, which is patient with it, as it may be busy."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest
import ray
from ray.cluster_utils import Cluster

from workers.cluster import ray_cluster
from workers.lean_cluster import lean

_PATIENCE_S = 300
_MEMORY = 100_000_000
_ENVIRONMENT = {
    "RAY_AUTH_MODE": "disabled",  # for nodes that join, as it is for those that are there
    # A node that is gone fails its checks at once; one that is only slow has time to answer.
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": str(_PATIENCE_S * 1000),
    "RAY_raylet_start_wait_time_s": str(_PATIENCE_S),
    "RAY_worker_register_timeout_seconds": str(_PATIENCE_S),
    "RAY_prestart_worker_first_driver": "0",  # for nodes that join later, too; pools start the workers that they need
}


@contextmanager
def running_cluster(*nodes: Mapping[str, int], agents: bool = False) -> Iterator[Cluster]:
    """Start a cluster, the head first, and keep this process connected to it.

    Args:
        nodes: The resources of each.
        agents: Whether they have the agents and monitors of clusters that last. Each takes more than 1 s of CPU.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name, value in _ENVIRONMENT.items():
            patch.setenv(name, value)
        patch.setattr("workers.ray_pool._TICK_S", 0.2)
        head, *others = nodes
        with nullcontext() if agents else lean():
            made = Cluster(
                initialize_head=True,
                head_node_args={"object_store_memory": _MEMORY, "include_dashboard": False, **head},
            )
        try:
            for node in others:
                join(made, agents=agents, **node)
            with ray_cluster(made.address):
                yield made
        finally:
            ray.shutdown()
            made.shutdown()


def join(cluster: Cluster, *, agents: bool = False, **resources: int) -> Any:
    """Add a node, wait until it is there, and return it."""
    with nullcontext() if agents else lean():
        node = cluster.add_node(wait=False, object_store_memory=_MEMORY, **resources)
    cluster._wait_for_node(node, timeout=_PATIENCE_S)
    return node
