"""The progress actor: collects the progress of all workers in the cluster, for display where the flow runs."""

import time
from typing import Any

_INTERVAL_S = 1.0


class ProgressActor:
    """A Ray actor without CPUs that holds the seconds decoded of each video, by video id."""

    def __init__(self) -> None:
        self._positions_s: dict[str, float] = {}

    def write(self, video_id: str, position_s: float) -> None:
        """Record the progress of a video."""
        self._positions_s[video_id] = position_s

    def read(self) -> dict[str, float]:
        """Return the progress of every video that was started."""
        return dict(self._positions_s)


class ProgressWriter:
    """Sends a worker's progress to the progress actor, no more than once a second and without waiting.

    Args:
        progress_actor: Handle of the `ProgressActor`.
    """

    def __init__(self, progress_actor: Any) -> None:  # noqa: ANN401 - a Ray actor handle
        self._progress_actor = progress_actor
        self._next_s = 0.0

    def __call__(self, video_id: str, position_s: float) -> None:
        """Send the progress of a video, if it is time."""
        now_s = time.monotonic()
        if now_s >= self._next_s:
            self._next_s = now_s + _INTERVAL_S
            self._progress_actor.write.remote(video_id, position_s)
