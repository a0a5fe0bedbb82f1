"""Seconds spent on each step of a video, across threads."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")


class StepClock:
    """Adds up the seconds spent in named steps. Steps that overlap in threads each count their full time."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._lock = threading.Lock()

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds by step so far, rounded to a tenth of a millisecond."""
        with self._lock:
            return {step: round(seconds, 4) for step, seconds in self._seconds.items()}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Count the time until the block ends."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self._add(name, time.perf_counter() - started)

    def timed(self, name: str, items: Iterator[Item]) -> Iterator[Item]:
        """Yield the items of an iterator, and count the time that it takes to produce them."""
        while True:
            with self.step(name):
                try:
                    item = next(items)
                except StopIteration:
                    return
            yield item

    def _add(self, name: str, seconds: float) -> None:
        with self._lock:
            self._seconds[name] = self._seconds.get(name, 0.0) + seconds
