"""The nodes of the connected Ray cluster, and those that its autoscaler can add."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Node:
    """A node that is alive."""

    id: str
    host: str
    resources: Mapping[str, float]
    """Resources by Ray's names, such as `CPU` and `GPU`."""


@dataclass(frozen=True, slots=True)
class NodeGroup:
    """A kind of node that the autoscaler can start."""

    resources: Mapping[str, float]
    max_nodes: int | None
    """How many there can be; None if there is no limit."""


def alive_nodes() -> dict[str, Node]:
    """Return the nodes that are alive, by id."""
    import ray

    return {
        row["NodeID"]: Node(row["NodeID"], row["NodeManagerHostname"], row["Resources"])
        for row in ray.nodes()
        if row["Alive"]
    }


def node_groups() -> list[NodeGroup]:
    """Return the kinds of nodes that the autoscaler can start; none without an autoscaler."""
    # Ray Data reads the limits of the autoscaler in the same way; Ray has no public function for them.
    from ray._private.state import state

    config = state.get_cluster_config()
    if config is None:
        return []
    return [
        NodeGroup(dict(group.resources), None if group.max_count < 0 else group.max_count)
        for group in config.node_group_configs
        if group.max_count
    ]
