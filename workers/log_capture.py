"""Keep what is logged while one video is worked on, to be shown where the flow runs."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from schemas.outcome import LogLine

_MAX_LINES = 100
_PACKAGES = ("pipeline", "workers")


class _Keeper(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[LogLine] = []

    def emit(self, record: logging.LogRecord) -> None:
        if len(self.lines) < _MAX_LINES:
            self.lines.append(LogLine(level=record.levelno, logger=record.name, message=record.getMessage()))


@contextmanager
def captured_logs() -> Iterator[list[LogLine]]:
    """Collect our packages' log records of level INFO and above; the first 100 of them."""
    keeper = _Keeper()
    loggers = [logging.getLogger(name) for name in _PACKAGES]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(keeper)
        logger.setLevel(logging.INFO)
    try:
        yield keeper.lines
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.removeHandler(keeper)
            logger.setLevel(level)
