"""The steps of a video: seconds spent on each, across threads, and turns where videos share a model."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TypeVar

from pipeline.models import share_threads

Item = TypeVar("Item")


TURNS = frozenset({"speech", "speakers", "sounds", "vision", "ocr", "objects", "captions", "text"})
"""Steps that run for one video at a time: tokenizers, plug-ins and batch sizes are not made for several threads."""
SHARED = "shots"
"""The step whose network, of PyTorch, several videos use at the same time. Its scores do not depend on its threads."""


class Turns:
    """Lets videos that are analysed at the same time share the models and the processor.

    Args:
        threads: Threads of a model while there is only one video.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._videos = 0
        self._counting = threading.Lock()
        self._locks = {step: threading.RLock() for step in TURNS}

    @contextmanager
    def video(self) -> Iterator[None]:
        """Count a video until the block ends."""
        with self._counting:
            self._videos += 1
        try:
            yield
        finally:
            with self._counting:
                self._videos -= 1

    @contextmanager
    def of(self, step: str) -> Iterator[None]:
        """Wait for the turn of a step, and hold it until the block ends."""
        with self._locks.get(step) or nullcontext():
            if step in TURNS:
                # How PyTorch rounds sums depends on their number, and videos beside each other must change no row.
                share_threads(self._threads)
            elif step == SHARED:
                # Two networks with a thread each are faster than two whose threads wait for each other.
                share_threads(max(1, self._threads // max(1, self._videos)))
            yield


class StepClock:
    """Adds up the seconds spent in named steps. Steps that overlap in threads each count their full time.

    Args:
        turns: Shared by videos that are analysed at the same time. The time that a step waits for its turn is not
            counted.
    """

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._seconds: dict[str, float] = {}
        self._lock = threading.Lock()

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds by step so far, rounded to a tenth of a millisecond."""
        with self._lock:
            return {step: round(seconds, 4) for step, seconds in self._seconds.items()}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Wait for the turn of this step, and count the time until the block ends."""
        with self._turns.of(name):
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
