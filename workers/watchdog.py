"""Ends this process if a video takes far longer than it may, because native code can hang forever."""

import faulthandler
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Self

from schemas.config import LimitsConfig

_GRACE_S = 60.0
"""Seconds after the limit at which a worker that cannot stop by itself gives up."""
_LONGEST_S = 1e7
"""About what timers of the operating system can count."""
_active: "dict[Watchdog, float]" = {}
"""When the process ends for each watchdog. It has one timer, for the first of them."""
_timer = threading.Lock()


class Watchdog:
    """Watches the analysis of one video. A context manager.

    At the limit a thread gives up and ends the process, also if other videos are analysed in it. If even that thread
    hangs, because native code keeps Python's lock, the process ends a grace period later without giving up.

    Args:
        limits: How long a video may take.
        give_up: Called in the thread with the limit in seconds and a traceback of each thread.
        active: Whether to watch at all.
        grace_s: Seconds after the limit until the thread gives up, and again until the process ends in any case.
    """

    def __init__(
        self,
        limits: LimitsConfig,
        give_up: Callable[[float, str], None],
        *,
        active: bool = True,
        grace_s: float = _GRACE_S,
    ) -> None:
        self._limits, self._give_up, self._active, self._grace_s = limits, give_up, active, grace_s
        self._limit_s = limits.time_limit_s(0.0)
        self._lock = threading.Lock()
        self._done = threading.Event()

    def __enter__(self) -> Self:
        if not self._active:
            return self
        self._started = time.monotonic()
        self._arm()
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._active:
            return
        with self._lock:
            self._done.set()
        with _timer:
            del _active[self]
            _set_timer()

    def extend(self, duration_s: float) -> None:
        """Allow the time for a video of a duration in seconds, as far as it is known."""
        limit_s = self._limits.time_limit_s(duration_s)
        # It is called for every frame, and the grace period covers small differences.
        if self._active and limit_s > self._limit_s + self._grace_s / 2:
            self._limit_s = limit_s
            self._arm()

    def _left_s(self) -> float:
        return min(self._started + self._limit_s + self._grace_s - time.monotonic(), _LONGEST_S)

    def _arm(self) -> None:
        with _timer:
            _active[self] = time.monotonic() + max(0.0, self._left_s()) + self._grace_s
            _set_timer()

    def _watch(self) -> None:
        while not self._done.wait(max(0.0, self._left_s())):
            if self._left_s() > 0:
                continue
            with self._lock:
                if self._done.is_set():
                    return
                try:
                    self._give_up(self._limit_s, _traces())
                finally:
                    os._exit(1)


def _set_timer() -> None:
    """Let the process end when the first of the watchdogs would give up in vain."""
    faulthandler.cancel_dump_traceback_later()
    if _active:
        faulthandler.dump_traceback_later(max(0.001, min(_active.values()) - time.monotonic()), exit=True)


def _traces() -> str:
    """Return a traceback of each thread."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    frames = sys._current_frames().items()
    return "\n".join(
        f"Thread {names.get(ident, ident)}:\n{''.join(traceback.format_stack(frame))}" for ident, frame in frames
    )
