"""How times and durations are written and read: `62`, `1:02`, `1:02:03.5`; `VIDEO@1:02-1:30`; `3:32 min`."""

import re
from dataclasses import dataclass

from schemas.errors import ConfigurationError

TIME = r"(?:\d+:)?(?:\d+:)?\d+(?:\.\d*)?"
"""A regular expression for a time."""

_TIME_RANGE = re.compile(rf"(?P<video>.+)@(?P<start>{TIME})-(?P<end>{TIME})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class VideoTime:
    """A moment of a video."""

    video: str
    """Id, start of an id, file name, path or URI."""
    time_s: float


@dataclass(frozen=True, slots=True)
class TimeRange:
    """A part of a video."""

    video: str
    """Id, start of an id, file name, path or URI."""
    start_s: float
    end_s: float


def format_time(seconds: float) -> str:
    """Write a time, rounded to the second, as `1:02:03` or `2:03`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def format_duration(seconds: float) -> str:
    """Write a duration as `10 s`, `3:32 min` or `1:02:03 h`."""
    total = round(seconds)
    if total < 60:
        return f"{total} s"
    minutes, rest = divmod(total, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02} h" if hours else f"{minutes}:{rest:02} min"


def parse_time(text: str) -> float:
    """Parse a time, `62`, `62.5`, `1:02` or `1:02:03.5`, and return seconds.

    Raises:
        ConfigurationError: The text is not a time.
    """
    if not _is_time(text):
        raise ConfigurationError(f"{text!r} is not a time. Write seconds, 1:02 or 1:02:03.5.")
    return sum(float(part) * 60.0**power for power, part in enumerate(reversed(text.strip().split(":"))))


def parse_video_time(text: str) -> VideoTime:
    """Parse `VIDEO@TIME`.

    Raises:
        ConfigurationError: The text is not written that way.
    """
    video, _, time = text.rpartition("@")
    if not video or not _is_time(time):
        raise ConfigurationError(f"{text!r} is not a moment. Write VIDEO@TIME, such as talk.mp4@1:23 or talk.mp4@83.")
    return VideoTime(video, parse_time(time))


def parse_time_range(text: str) -> TimeRange:
    """Parse `VIDEO@START-END`.

    Raises:
        ConfigurationError: The text is not written that way, or the range ends before it starts.
    """
    found = _TIME_RANGE.fullmatch(text)
    if not found:
        raise ConfigurationError(f"{text} is not a time range. Write VIDEO@START-END, such as talk.mp4@1:02-1:30.")
    parsed = TimeRange(found["video"], parse_time(found["start"]), parse_time(found["end"]))
    if parsed.end_s <= parsed.start_s:
        raise ConfigurationError(f"{text} ends before it starts.")
    return parsed


def _is_time(text: str) -> bool:
    return re.fullmatch(TIME, text.strip(), re.ASCII) is not None
