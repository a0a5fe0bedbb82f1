"""Times of videos as people write them: `62`, `62.5`, `1:02`, `1:02:03.5`."""

import re

from schemas.errors import ConfigurationError

TIME = r"(?:\d+:)?(?:\d+:)?\d+(?:\.\d*)?"
"""A pattern of them."""


def format_time(seconds: float) -> str:
    """Write a time, rounded to the second, as `1:02:03` or `2:03`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def parse_time(text: str) -> float:
    """Read a time of a video: `62`, `62.5`, `1:02` or `1:02:03.5`, as seconds.

    Raises:
        ConfigurationError: It is something else.
    """
    if not re.fullmatch(TIME, text.strip(), re.ASCII):
        raise ConfigurationError(f"{text!r} is no time of a video. Write seconds, or 1:02, or 1:02:03.5.")
    return sum(float(part) * 60.0**place for place, part in enumerate(reversed(text.strip().split(":"))))
