"""What the operator of a run should know while it lasts: it waits for another writer, or for a store out of reach."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_AGAIN_S = 60.0


@contextmanager
def outages_told(tell: Callable[[str], None]) -> Iterator[None]:
    """Pass on, once a minute, that a store cannot be reached and a request to it is repeated.

    Args:
        tell: Shows a message to the operator. Called from any thread.
    """
    handler = _Forwarding(tell)
    logger = logging.getLogger("pipeline.remote")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


class _Forwarding(logging.Handler):
    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._tell = tell
        self._told_s = float("-inf")

    def emit(self, record: logging.LogRecord) -> None:
        if time.monotonic() - self._told_s >= _AGAIN_S:
            self._told_s = time.monotonic()
            self._tell(record.getMessage())
