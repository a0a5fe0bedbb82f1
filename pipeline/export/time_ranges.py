"""Time ranges of videos: written as `VIDEO@START-END` (`62`, `62.5`, `1:02`), or taken from search hits."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.language import TIME, parse_time
from schemas.errors import ConfigurationError
from schemas.search import Hit

_TIME_RANGE = re.compile(rf"(?P<video>.+)@(?P<start>{TIME})-(?P<end>{TIME})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class TimeRange:
    """A time range of a video."""

    video: str
    """Its id, path, URI or file name."""
    start_s: float
    end_s: float


def parse_time_range(text: str) -> TimeRange:
    """Read `VIDEO@START-END`.

    Raises:
        ConfigurationError: The text is not a time range, or it ends before it starts.
    """
    found = _TIME_RANGE.fullmatch(text)
    if not found:
        raise ConfigurationError(f"{text} is not a time range. Write VIDEO@START-END, like talk.mp4@1:02-1:30.")
    parsed = TimeRange(found["video"], parse_time(found["start"]), parse_time(found["end"]))
    if parsed.end_s <= parsed.start_s:
        raise ConfigurationError(f"{text} ends before it starts.")
    return parsed


def time_ranges_of(hits: Sequence[Hit], pad_s: float) -> list[TimeRange]:
    """Return the time ranges of search hits, best first. Ranges of one video that touch are joined.

    Args:
        hits: Search hits, best first.
        pad_s: Seconds to add before and after each hit.
    """
    found: list[TimeRange] = []
    for hit in hits:
        joined = TimeRange(hit.video_id, max(0.0, hit.start_s - pad_s), hit.end_s + pad_s)
        touching = [index for index, each in enumerate(found) if _touch(each, joined)]
        for index in touching:
            each = found[index]
            joined = TimeRange(joined.video, min(joined.start_s, each.start_s), max(joined.end_s, each.end_s))
        found = [each for index, each in enumerate(found) if index not in touching[1:]]
        if touching:
            found[touching[0]] = joined
        else:
            found.append(joined)
    return found


def _touch(one: TimeRange, other: TimeRange) -> bool:
    return one.video == other.video and one.start_s <= other.end_s and other.start_s <= one.end_s
