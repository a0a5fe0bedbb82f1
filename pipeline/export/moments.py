"""Stretches of videos as people write them: `VIDEO@START-END`, times as `62`, `62.5`, `1:02` or `1:02:03.5`."""

import re
from dataclasses import dataclass

from schemas.errors import ConfigurationError

_TIME = r"(?:\d+:)?(?:\d+:)?\d+(?:\.\d*)?"
_MOMENT = re.compile(rf"(?P<video>.+)@(?P<start>{_TIME})-(?P<end>{_TIME})", re.DOTALL)


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
    moment = Moment(found["video"], _seconds(found["start"]), _seconds(found["end"]))
    if moment.end_s <= moment.start_s:
        raise ConfigurationError(f"{text} ends before it starts.")
    return moment


def _seconds(text: str) -> float:
    return sum(float(part) * 60.0**place for place, part in enumerate(reversed(text.split(":"))))
