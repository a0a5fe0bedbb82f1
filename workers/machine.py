"""What a worker knows about the machine it runs on."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Machine:
    """Where a worker runs. The defaults are those of a process without a cluster."""

    node: str = "local"
    """Id of the node in the cluster."""
    is_lost: Callable[[str], bool] = lambda _node: False
    """Whether a node has left the cluster."""
    expendable: bool = False
    """Whether the process may be ended if a video hangs, because another one takes its place."""


def ray_machine() -> Machine:
    """Return the machine of this Ray worker."""
    import ray

    def is_lost(node: str) -> bool:
        return node not in {each["NodeID"] for each in ray.nodes() if each["Alive"]}

    return Machine(ray.get_runtime_context().get_node_id(), is_lost, expendable=True)
