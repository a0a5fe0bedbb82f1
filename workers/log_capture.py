"""Capture the log records of one video, to show them where the flow runs."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from schemas.outcome import LogLine

_MAX_LINES = 100
_PACKAGES = ("pipeline", "workers")


class _Router(logging.Handler):
    """Gives each record to the video in whose context it was written. The threads of a video share its context."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)

    def emit(self, record: logging.LogRecord) -> None:
        lines = _lines.get()
        if lines is not None and len(lines) < _MAX_LINES:
            lines.append(LogLine(level=record.levelno, logger=record.name, message=record.getMessage()))


_lines: ContextVar[list[LogLine] | None] = ContextVar("lines", default=None)
_router = _Router()
_lock = threading.Lock()
_levels: dict[str, int] = {}
"""Levels of the loggers before the first capture of those that are open."""
_open = 0


@contextmanager
def captured_logs() -> Iterator[list[LogLine]]:
    """Collect the first 100 log records of our packages at level INFO and above.

    Only those of this context count: of this thread, and of threads that run in a copy of its context.
    """
    lines: list[LogLine] = []
    _listen(1)
    token = _lines.set(lines)
    try:
        yield lines
    finally:
        _lines.reset(token)
        _listen(-1)


def _listen(change: int) -> None:
    """Count the captures. While there is one, the loggers pass their records on."""
    global _open  # noqa: PLW0603 - loggers are global, too
    with _lock:
        _open += change
        first, last = change == 1 == _open, _open == 0
        for name in _PACKAGES:
            logger = logging.getLogger(name)
            if first:
                _levels[name] = logger.level
                logger.addHandler(_router)
                logger.setLevel(logging.INFO)
            elif last:
                logger.removeHandler(_router)
                logger.setLevel(_levels[name])
