"""What somebody asks of the pages, read from an address and written into one: whatever cannot be read is named."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.requests import Request

from flows.web import catalogue
from flows.web.catalogue import Selection
from pipeline.language import parse_time
from schemas.errors import ConfigurationError
from schemas.search import MOMENT_KINDS, MomentKind

LONGEST_QUERY = 300
_LONGEST_NAME = 2000
_LATER_PAGES = 1_000_000
_KINDS: Mapping[str, MomentKind] = {kind: kind for kind in MOMENT_KINDS}


@dataclass(frozen=True, slots=True)
class Asked:
    """A choice of videos, and what is searched for in them."""

    query: str = ""
    like: str = ""
    """A moment as `VIDEO@TIME`, of which the like is searched for; only where there is no query."""
    selection: Selection = field(default_factory=Selection)
    moment: str = ""
    """Kind of moments, one of `MOMENT_KINDS`."""
    video: str = ""
    """Whatever names the one video to search in."""
    speaker: str = ""
    start: str = ""
    """Moments that end after this time of their video, as it was written."""
    end: str = ""
    """Moments that start before this time, as it was written."""
    problems: tuple[str, ...] = ()
    """What could not be read, and was left out."""

    @property
    def searches(self) -> bool:
        """Whether moments are searched for, and not videos listed."""
        return bool(self.query or self.like)

    @property
    def kinds(self) -> tuple[MomentKind, ...]:
        """Kinds of moments that may be found; none: all."""
        return (_KINDS[self.moment],) if self.moment else ()

    @property
    def like_moment(self) -> tuple[str, float]:
        """Video and second of `like`."""
        video, _, time = self.like.rpartition("@")
        return video, seconds_of(time) or 0.0

    def params(self, **changed: str) -> dict[str, str]:
        """Return the parameters of an address that asks this, without defaults and without what does not apply.

        Args:
            **changed: Other values for some of them; empty leaves one out.
        """
        chosen = self.selection
        values = {
            "q": self.query, "like": self.like, "language": chosen.language, "topic": chosen.topic,
            "kind": chosen.kind, "status": chosen.status if chosen.status != "ok" else "",
        }  # fmt: skip
        if self.searches:
            values |= {"moment": self.moment, "video": self.video, "speaker": self.speaker}
            values |= {"from": self.start, "to": self.end}
        else:
            values |= {"sort": chosen.sort if chosen.sort != "newest" else ""}
            values |= {"page": str(chosen.page) if chosen.page > 1 else ""}
        return {name: value for name, value in (values | changed).items() if value}


def read_asked(params: Mapping[str, str]) -> Asked:
    """Read what an address asks."""
    problems = []
    query = params.get("q", "").strip()[:LONGEST_QUERY]
    like = "" if query else params.get("like", "").strip()[:_LONGEST_NAME]
    video, _, time = like.rpartition("@")
    if like and (not video or seconds_of(time) is None):
        problems.append(f"“{like}” names no moment. Write VIDEO@TIME, as talk.mp4@1:23 or talk.mp4@83.")
        like = ""
    bounds = {}
    for name in ("from", "to"):
        text = params.get(name, "").strip()[:40]
        if text and seconds_of(text) is None:
            problems.append(f"“{text}” is no time, so it was left out. Write 83, 83.5 or 1:23.")
        bounds[name] = text if seconds_of(text) is not None else ""
    start, end = bounds["from"], bounds["to"]
    if start and end and (seconds_of(end) or 0.0) <= (seconds_of(start) or 0.0):
        problems.append(f"{end} is not after {start}, so neither was taken.")
        start = end = ""
    return Asked(
        query=query,
        like=like,
        selection=_selection(params),
        moment=params.get("moment", "") if params.get("moment") in _KINDS else "",
        video=params.get("video", "").strip()[:_LONGEST_NAME],
        speaker=params.get("speaker", "").strip()[:200],
        start=start,
        end=end,
        problems=tuple(problems),
    )


def params_of(request: Request) -> Mapping[str, str]:
    """Return the parameters of an address."""
    return {name: value.replace("\0", "") for name, value in request.query_params.items()}


def page_of(params: Mapping[str, str]) -> int:
    """Return which page is asked for, from 1."""
    text = params.get("page", "")
    return min(_LATER_PAGES, max(1, int(text))) if re.fullmatch(r"[0-9]{1,9}", text) else 1


def seconds_of(text: str) -> float | None:
    """Read a time as `83`, `83.5`, `1:23` or `1:02:03`; None for anything else."""
    try:
        return parse_time(text)
    except ConfigurationError:
        return None


def _selection(params: Mapping[str, str]) -> Selection:
    return Selection(
        language=params.get("language", "")[:20],
        topic=params.get("topic", "")[:200],
        kind=params.get("kind", "") if params.get("kind") in catalogue.KINDS else "",
        status="failed" if params.get("status") == "failed" else "ok",
        sort=params.get("sort", "newest") if params.get("sort") in catalogue.SORTS else "newest",
        page=page_of(params),
    )
