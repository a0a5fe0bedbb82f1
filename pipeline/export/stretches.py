"""Stretches of videos: as people write them, `VIDEO@START-END` (`62`, `62.5`, `1:02`), and those of search hits."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.language import TIME, parse_time
from schemas.errors import ConfigurationError
from schemas.search import Hit

_MOMENT = re.compile(rf"(?P<video>.+)@(?P<start>{TIME})-(?P<end>{TIME})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Moment:
    """A stretch of a video."""

    video: str
    """Whatever names it."""
    start_s: float
    end_s: float


def parse_moment(text: str) -> Moment:
    """Read `VIDEO@START-END`.

    Raises:
        ConfigurationError: It is something else, or ends before it starts.
    """
    found = _MOMENT.fullmatch(text)
    if not found:
        raise ConfigurationError(f"{text} is no moment. Write VIDEO@START-END, as talk.mp4@1:02-1:30.")
    moment = Moment(found["video"], parse_time(found["start"]), parse_time(found["end"]))
    if moment.end_s <= moment.start_s:
        raise ConfigurationError(f"{text} ends before it starts.")
    return moment


def moments_of(hits: Sequence[Hit], pad_s: float) -> list[Moment]:
    """Return the stretches of search hits, the best first; those of one video that touch are one.

    Args:
        hits: The best first.
        pad_s: Seconds to take along before and after each.
    """
    found: list[Moment] = []
    for hit in hits:
        moment = Moment(hit.video_id, max(0.0, hit.start_s - pad_s), hit.end_s + pad_s)
        touching = [place for place, each in enumerate(found) if _touch(each, moment)]
        for place in touching:
            each = found[place]
            moment = Moment(moment.video, min(moment.start_s, each.start_s), max(moment.end_s, each.end_s))
        found = [each for place, each in enumerate(found) if place not in touching[1:]]
        if touching:
            found[touching[0]] = moment
        else:
            found.append(moment)
    return found


def _touch(one: Moment, other: Moment) -> bool:
    return one.video == other.video and one.start_s <= other.end_s and other.start_s <= one.end_s
