"""How times and durations are written: `62`, `62.5`, `1:02`, `1:02:03.5`; `3:32 min`."""

import re

from schemas.errors import ConfigurationError

TIME = r"(?:\d+:)?(?:\d+:)?\d+(?:\.\d*)?"
"""Pattern of a time."""


def parse_time(text: str) -> float:
    """Read a time of a video: `62`, `62.5`, `1:02` or `1:02:03.5`, as seconds.

    Raises:
        ConfigurationError: It is something else.
    """
    if not re.fullmatch(TIME, text.strip(), re.ASCII):
        raise ConfigurationError(f"{text!r} is no time of a video. Write seconds, or 1:02, or 1:02:03.5.")
    return sum(float(part) * 60.0**place for place, part in enumerate(reversed(text.strip().split(":"))))


def format_duration(seconds: float) -> str:
    """Write a duration as `10 s`, `3:32 min` or `1:02:03 h`."""
    total = round(seconds)
    if total < 60:
        return f"{total} s"
    minutes, rest = divmod(total, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02} h" if hours else f"{minutes}:{rest:02} min"
