"""The progress actor: collects the progress of all workers in the cluster, for display where the flow runs."""

import time
from typing import Any

_INTERVAL_S = 1.0


class ProgressActor:
    """A Ray actor without CPUs that holds the last video of each worker, and the seconds decoded of it."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[str, float]] = {}

    def write(self, worker: str, video_id: str, position_s: float) -> None:
        """Record the progress of a worker."""
        self._last[worker] = (video_id, position_s)

    def read(self) -> dict[str, float]:
        """Return the seconds decoded of the last video of each worker, by video id."""
        return dict(self._last.values())


class ProgressWriter:
    """Sends a worker's progress to the progress actor, no more than once a second and without waiting.

    Args:
        progress_actor: Handle of the `ProgressActor`.
        worker: Name of the worker.
    """

    def __init__(self, progress_actor: Any, worker: str) -> None:  # noqa: ANN401 - a Ray actor handle
        self._progress_actor = progress_actor
        self._worker = worker
        self._next_s = 0.0

    def __call__(self, video_id: str, position_s: float) -> None:
        """Send the progress of a video, if it is time."""
        now_s = time.monotonic()
        if now_s >= self._next_s:
            self._next_s = now_s + _INTERVAL_S
            self._progress_actor.write.remote(self._worker, video_id, position_s)
