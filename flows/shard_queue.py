"""The shards that are planned and not yet opened: filled while the archive is still listed, emptied by the flow."""

import heapq
import threading

from pipeline.run import Shard
from schemas.stages import STAGES, Stage


class ShardQueue:
    """Thread-safe. Gives the shard with the longest video first."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, str, Shard]] = []
        self._videos = 0
        self._closed = False
        self._changed = threading.Condition()

    @property
    def videos(self) -> int:
        """Videos of the shards in the queue."""
        return self._videos

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages that videos of the shards in the queue need. Shards that come later may need others."""
        with self._changed:
            needed = {stage for *_, shard in self._heap for stage in shard.stages}
        return tuple(stage for stage in STAGES if stage in needed)

    def put(self, shard: Shard) -> None:
        """Add a shard."""
        with self._changed:
            heapq.heappush(self._heap, (-shard.longest_bytes, shard.id, shard))
            self._videos += len(shard.tasks)
            self._changed.notify_all()

    def close(self) -> None:
        """Say that no more shards will come."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def wait(self) -> bool:
        """Wait until there is a shard. Return whether there is one, or none will come."""
        with self._changed:
            self._changed.wait_for(lambda: self._heap or self._closed)
            return bool(self._heap)

    def get(self) -> Shard:
        """Take the next shard, once `wait` has said that there is one."""
        with self._changed:
            shard = heapq.heappop(self._heap)[2]
            self._videos -= len(shard.tasks)
            return shard
