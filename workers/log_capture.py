"""Capture the log records of one video, to show them where the flow runs."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from schemas.outcome import LogLine

_MAX_LINES = 100
_PACKAGES = ("pipeline", "workers")


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[LogLine] = []

    def emit(self, record: logging.LogRecord) -> None:
        if len(self.lines) < _MAX_LINES:
            self.lines.append(LogLine(level=record.levelno, logger=record.name, message=record.getMessage()))


@contextmanager
def captured_logs() -> Iterator[list[LogLine]]:
    """Collect the first 100 log records of our packages at level INFO and above."""
    collector = _Collector()
    loggers = [logging.getLogger(name) for name in _PACKAGES]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(collector)
        logger.setLevel(logging.INFO)
    try:
        yield collector.lines
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.removeHandler(collector)
            logger.setLevel(level)
