"""The parameters of a search: read from the query string of a URL, and written back into one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.requests import Request

from flows.web import catalogue
from flows.web.catalogue import Selection
from pipeline.language import VideoTime, parse_time, parse_video_time
from pipeline.search import make_filter
from schemas.errors import ConfigurationError
from schemas.search import MOMENT_KINDS, MomentKind

MAX_QUERY_LENGTH = 300
_MAX_NAME_LENGTH = 2000
_MAX_PAGE = 1_000_000
_KINDS: Mapping[str, MomentKind] = {kind: kind for kind in MOMENT_KINDS}


@dataclass(frozen=True, slots=True)
class SearchParameters:
    """Which videos to list, or what to search for in them."""

    query: str = ""
    like: str = ""
    """A moment, `VIDEO@TIME`, to find similar ones to; only used without a query."""
    selection: Selection = field(default_factory=Selection)
    moment: str = ""
    """Kind of moment, one of `MOMENT_KINDS`."""
    video: str = ""
    """Any name of the one video to search in."""
    speaker: str = ""
    objects: str = ""
    """Objects that the keyframe shows, separated by commas, as in `person:3, car`."""
    sound: str = ""
    """A sound that is heard during the moments."""
    entity: str = ""
    """A name that the moments must mention."""
    start: str = ""
    """Only moments that end after this time, as it was written."""
    end: str = ""
    """Only moments that start before this time, as it was written."""
    problems: tuple[str, ...] = ()
    """Messages about parameters that are invalid and were ignored."""

    @property
    def finds_moments(self) -> bool:
        """Whether to search for moments rather than list videos."""
        return bool(self.query or self.like)

    @property
    def kinds(self) -> tuple[MomentKind, ...]:
        """Kinds of moments that may be found; empty for all."""
        return (_KINDS[self.moment],) if self.moment else ()

    @property
    def like_moment(self) -> VideoTime:
        """The moment in `like`, which must not be empty."""
        return parse_video_time(self.like)

    def params(self, **changed: str) -> dict[str, str]:
        """Return the URL parameters of this search, without defaults and without those that do not apply.

        Args:
            **changed: New values for some parameters; an empty one removes its parameter.
        """
        selection = self.selection
        values = {
            "q": self.query, "like": self.like, "language": selection.language, "topic": selection.topic,
            "kind": selection.kind, "status": selection.status if selection.status != "ok" else "",
        }  # fmt: skip
        if self.finds_moments:
            values |= {"moment": self.moment, "video": self.video, "speaker": self.speaker}
            values |= {"object": self.objects, "sound": self.sound}
            values |= {"entity": self.entity}
            values |= {"from": self.start, "to": self.end}
        else:
            values |= {"sort": selection.sort if selection.sort != "newest" else ""}
            values |= {"page": str(selection.page) if selection.page > 1 else ""}
        return {name: value for name, value in (values | changed).items() if value}


def read_parameters(params: Mapping[str, str]) -> SearchParameters:
    """Read the parameters of a search from those of a URL."""
    problems = []
    query = params.get("q", "").strip()[:MAX_QUERY_LENGTH]
    like = "" if query else params.get("like", "").strip()[:_MAX_NAME_LENGTH]
    if like:
        try:
            parse_video_time(like)
        except ConfigurationError:
            problems.append(f"“{like}” is not a moment. Write VIDEO@TIME, such as talk.mp4@1:23 or talk.mp4@83.")
            like = ""
    for name, known in (("moment", _KINDS), ("kind", catalogue.KINDS)):
        if (text := params.get(name, "")) and text not in known:
            problems.append(f"“{text[:40]}” is not a {name}, so it was ignored. Use {' or '.join(known)}.")
    bounds = {}
    for name in ("from", "to"):
        text = params.get(name, "").strip()[:40]
        if text and seconds_of(text) is None:
            problems.append(f"“{text}” is not a time, so it was ignored. Write 83, 83.5 or 1:23.")
        bounds[name] = text if seconds_of(text) is not None else ""
    objects = params.get("object", "").strip()[:_MAX_NAME_LENGTH]
    try:
        make_filter(objects=names_of(objects))
    except ConfigurationError as error:
        problems.append(str(error))
        objects = ""
    start, end = bounds["from"], bounds["to"]
    if start and end and (seconds_of(end) or 0.0) <= (seconds_of(start) or 0.0):
        problems.append(f"{end} is not after {start}, so both were ignored.")
        start = end = ""
    return SearchParameters(
        query=query,
        like=like,
        selection=_selection(params),
        moment=params.get("moment", "") if params.get("moment") in _KINDS else "",
        video=params.get("video", "").strip()[:_MAX_NAME_LENGTH],
        speaker=params.get("speaker", "").strip()[:200],
        objects=objects,
        sound=params.get("sound", "").strip()[:200],
        entity=params.get("entity", "").strip()[:200],
        start=start,
        end=end,
        problems=tuple(problems),
    )


def params_of(request: Request) -> Mapping[str, str]:
    """Return the URL parameters of a request, without NUL characters."""
    return {name: value.replace("\0", "") for name, value in request.query_params.items()}


def page_of(params: Mapping[str, str]) -> int:
    """Return the page number, from 1."""
    text = params.get("page", "")
    return min(_MAX_PAGE, max(1, int(text))) if re.fullmatch(r"[0-9]{1,9}", text) else 1


def names_of(text: str) -> tuple[str, ...]:
    """Return the names in a text, which commas separate."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def seconds_of(text: str) -> float | None:
    """Parse a time such as `83`, `83.5`, `1:23` or `1:02:03`; None if it is not one."""
    try:
        return parse_time(text)
    except ConfigurationError:
        return None


def _selection(params: Mapping[str, str]) -> Selection:
    return Selection(
        language=params.get("language", "")[:20],
        topic=params.get("topic", "")[:200],
        kind=params.get("kind", "") if params.get("kind") in catalogue.KINDS else "",
        status=params.get("status", "ok") if params.get("status") in catalogue.STATUSES else "ok",
        sort=params.get("sort", "newest") if params.get("sort") in catalogue.SORTS else "newest",
        page=page_of(params),
    )
