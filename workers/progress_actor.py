"""A board in the cluster on which workers write how far they are, for whoever shows progress."""

import time
from typing import Any

_INTERVAL_S = 1.0


class Board:
    """Runs as a Ray actor that needs no CPU; holds seconds decoded by video id."""

    def __init__(self) -> None:
        self._positions_s: dict[str, float] = {}

    def write(self, video_id: str, position_s: float) -> None:
        """Note how far a video is."""
        self._positions_s[video_id] = position_s

    def read(self) -> dict[str, float]:
        """Return how far each video is that was begun."""
        return dict(self._positions_s)


class BoardWriter:
    """A worker's pen: writes at most once a second and never waits.

    Args:
        board: Handle of the actor.
    """

    def __init__(self, board: Any) -> None:  # noqa: ANN401 - a Ray actor handle
        self._board = board
        self._next_s = 0.0

    def __call__(self, video_id: str, position_s: float) -> None:
        """Note how far a video is."""
        now_s = time.monotonic()
        if now_s >= self._next_s:
            self._next_s = now_s + _INTERVAL_S
            self._board.write.remote(video_id, position_s)
