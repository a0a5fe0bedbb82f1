"""Provision: which workers a pool has, on which nodes, and what becomes of those that break."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from schemas.config import WorkersConfig
from schemas.errors import ConfigurationError, DeviceError, ModelError, VideolakeError
from workers.actors import start_actor
from workers.nodes import Node, NodeGroup, alive_nodes, node_groups
from workers.placement import NodePlacement, WorkerSize, for_few_videos, place_on, smallest_size
from workers.ray_worker import Started, installed_version

_MAX_STRIKES = 3
"""A worker's place on a node is given up if its device breaks, or its process ends at the start, so often in a row."""
_MAX_PENDING = 100
"""Workers that wait at the same time for nodes that the autoscaler has yet to start."""
_MAX_WAIT_S = 1800.0
"""How long a run waits when no worker of it runs: there is no node, or others use all of it."""
_REMINDER_S = 60.0


@dataclass(slots=True, eq=False)
class Member:
    """A worker of the pool."""

    actor: Any
    size: WorkerSize
    node_id: str | None
    """None while Ray chooses the node."""
    strikes: int = 0
    """How often in a row its place has failed."""
    name: str = ""


class Provision:
    """The workers of a pool. Belongs to the thread of the pool.

    Args:
        config: How many workers, and how large.
        logger: For what happens to workers and nodes.

    Raises:
        ConfigurationError: No worker fits any node of the cluster, nor one that it can start.
    """

    def __init__(self, config: WorkersConfig, logger: Any) -> None:  # noqa: ANN401 - or one of Prefect's adapters
        self._config, self._logger = config, logger
        self._members: set[Member] = set()
        self._parked: list[Member] = []
        self._closed: Counter[str] = Counter()
        self._strikes: defaultdict[str, list[int]] = defaultdict(list)
        self._refusals: dict[str, VideolakeError] = {}
        self._error: VideolakeError | None = None
        self._seen: set[str] = set()
        self._idle_since_s = self._reminded_s = time.monotonic()
        self._check_fit()

    @property
    def placed(self) -> int:
        """Workers that have a node: those that work, and those that are about to."""
        return sum(member.node_id is not None for member in self._members)

    def adjust(self, wanted: int) -> list[Member]:
        """Start as many workers as there are videos, if there are nodes for them.

        Args:
            wanted: Number of videos that are not done.

        Returns:
            The workers that were started.

        Raises:
            VideolakeError: There is no worker, and there will be none.
        """
        target = min(wanted, self._config.max_workers or wanted)
        missing = max(0, target - len(self._members))
        works = target == 0 or any(member.name for member in self._members)
        if works:
            self._idle_since_s = time.monotonic()
        if works and not missing:
            return []
        nodes = alive_nodes()
        started = self._started(nodes, missing, wanted)
        started += [self._start(place.size, None) for place in self._growth(missing - len(started))]
        self._note(nodes)
        if not works:
            self._check_hope(nodes)
        return started

    def joined(self, member: Member, started: Started) -> bool:
        """Note where a worker runs. Return whether it may work there."""
        member.node_id, member.name = started.node_id, started.name
        here = installed_version()
        if started.version == here:
            return True
        message = f"Videolake is version {started.version} on {started.name.split(':')[0]}, but {here} where the run "
        self.refused(member, ModelError(message + "was planned. Install the same version on every machine."))
        return False

    def refused(self, member: Member, error: VideolakeError) -> None:
        """Use a node no more, because it lacks a model or has another version of one."""
        node_id = member.node_id or ""
        if node_id not in self._refusals:
            self._logger.warning("A node is not used: %s", error)
        self._refusals[node_id] = error
        self._remove(member)

    def broke(self, member: Member, error: DeviceError, *, starting: bool) -> None:
        """End a worker whose device is broken; start another one there, or give up its place."""
        self._error = error
        self._logger.warning("A worker ended, because its device is broken: %s", error)
        member.strikes += 1
        if starting or member.strikes >= _MAX_STRIKES:
            # It keeps its share of the GPU, so that Ray gives the broken one to nobody else.
            self._members.discard(member)
            self._parked.append(member)
            self._closed[member.node_id or ""] += 1
            return
        self._leave_strikes(member)
        self._remove(member)

    def failed_to_start(self, member: Member, error: BaseException) -> None:
        """Replace a worker whose process ended before it was ready, or give up its place."""
        message = str(error).strip().splitlines()[-1].strip() if str(error).strip() else type(error).__name__
        self._error = ConfigurationError(
            f"Workers cannot start on {member.name or 'a node'}: {message} Check the logs of Ray there, the memory of "
            "the machine, and that it has the same version of Videolake."
        )
        self._logger.warning("%s", self._error)
        member.strikes += 1
        if member.strikes >= _MAX_STRIKES:
            self._closed[member.node_id or ""] += 1
        else:
            self._leave_strikes(member)
        self._remove(member)

    def lost(self, member: Member) -> None:
        """Forget a worker that died, perhaps with its node."""
        self._leave_strikes(member)
        self._remove(member)

    def close(self) -> None:
        """End all workers."""
        for member in [*self._members, *self._parked]:
            self._remove(member)

    def _check_fit(self) -> None:
        nodes = [node.resources for node in alive_nodes().values()]
        if any(place_on(self._config, each) for each in nodes) or self._growable():
            return
        largest = max(nodes, key=lambda each: (each.get("GPU", 0), each.get("CPU", 0)))
        size = smallest_size(self._config)
        raise ConfigurationError(
            f"A worker needs {size.num_cpus:g} CPUs and {size.num_gpus:g} GPUs, but the largest node of the cluster "
            f"has {largest.get('CPU', 0):g} and {largest.get('GPU', 0):g}. "
            "Lower workers.num_cpus or workers.num_gpus, or add nodes. If the cluster adds nodes by itself, set "
            "workers.max_workers."
        )

    def _check_hope(self, nodes: dict[str, Node]) -> None:
        """Raise if no worker runs, and waiting is useless or has been too long."""
        waited_s = time.monotonic() - self._idle_since_s
        fits = any(place_on(self._config, node.resources) for node in nodes.values())
        # Workers without a node wait for one that may never come, so they are no hope.
        # What a node lacks says more than how others ended, so it comes first.
        error = next(iter(self._refusals.values()), self._error)
        if error is not None and fits and not any(member.node_id for member in self._members):
            raise error
        if waited_s > _MAX_WAIT_S:
            raise ConfigurationError(
                f"The cluster has had no room for a worker for {waited_s / 60:.0f} minutes. Finished videos are kept: "
                "run again when it has."
            )
        if min(waited_s, time.monotonic() - self._reminded_s) > _REMINDER_S:
            self._reminded_s = time.monotonic()
            self._logger.warning("No node has room for a worker yet. Waited for %.0f s.", waited_s)

    def _started(self, nodes: dict[str, Node], count: int, videos: int) -> list[Member]:
        """Start a number of workers on the nodes that there are, for so many videos."""
        places = (place_on(self._config, node.resources) for node in nodes.values())
        cluster = [place for place in places if place is not None]
        return [
            self._start(for_few_videos(self._config, place, videos, cluster), node.id)
            for node, place in self._vacancies(nodes, count)
        ]

    def _vacancies(self, nodes: dict[str, Node], count: int) -> Iterator[tuple[Node, NodePlacement]]:
        """Yield a node for each of a number of workers: those with GPUs first, and each in turn."""
        taken = Counter(member.node_id for member in self._members)
        free: list[list[tuple[Node, NodePlacement]]] = []
        for node in nodes.values():
            place = place_on(self._config, node.resources)
            if place is not None and node.id not in self._refusals:
                free.append([(node, place)] * (place.workers - taken[node.id] - self._closed[node.id]))
        rounds = max(map(len, free), default=0)
        turns = [
            (-each[0][1].size.num_gpus, turn, each[0]) for each in free for turn in range(rounds) if turn < len(each)
        ]
        yield from (vacancy for *_, vacancy in sorted(turns, key=lambda turn: turn[:2])[:count])

    def _growth(self, count: int) -> Iterator[NodePlacement]:
        """Yield a placement for each worker that waits for a node which the autoscaler can start."""
        pending = sum(member.node_id is None for member in self._members)
        count = min(count, _MAX_PENDING - pending)
        if count <= 0 or self._refusals:
            return
        for group, place in self._growable():
            room = _room_in(group, place, sum(each.size.resources == place.size.resources for each in self._members))
            yield from [place] * min(count, room)
            count -= min(count, room)

    def _growable(self) -> list[tuple[NodeGroup, NodePlacement]]:
        """Return the kinds of nodes that the cluster can start, with their workers: those with GPUs first."""
        groups = [(group, place_on(self._config, group.resources)) for group in node_groups()]
        found = [(group, place) for group, place in groups if place is not None]
        if not found and self._config.max_workers:
            # Most autoscalers do not say what they can start. The user has said how many workers there shall be.
            sizes = Counter(member.size for member in self._members if member.node_id).most_common(1)
            size = sizes[0][0] if sizes else smallest_size(self._config)
            found = [(NodeGroup({}, None), NodePlacement(size, 1))]
        return sorted(found, key=lambda each: -each[1].size.num_gpus)

    def _start(self, size: WorkerSize, node_id: str | None) -> Member:
        strikes = self._strikes[node_id].pop() if node_id and self._strikes[node_id] else 0
        member = Member(*start_actor(size, node_id), node_id, strikes)
        self._members.add(member)
        return member

    def _leave_strikes(self, member: Member) -> None:
        """Remember the strikes of a place for the next worker there."""
        if member.node_id and member.strikes:
            self._strikes[member.node_id].append(member.strikes)

    def _remove(self, member: Member) -> None:
        import ray

        self._members.discard(member)
        ray.kill(member.actor)

    def _note(self, nodes: dict[str, Node]) -> None:
        """Log the nodes that came and went."""
        for node_id in nodes.keys() - self._seen:
            place = place_on(self._config, nodes[node_id].resources)
            if place is not None:
                self._logger.info("Node %s: %s", nodes[node_id].host, place)
        if lost := self._seen - nodes.keys():
            self._logger.warning("%d nodes left the cluster", len(lost))
        self._seen = set(nodes)


def _room_in(group: NodeGroup, place: NodePlacement, members: int) -> int:
    """Return how many more workers nodes of a group can hold."""
    return _MAX_PENDING if group.max_nodes is None else max(0, group.max_nodes * place.workers - members)
