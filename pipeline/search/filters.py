"""What a search may find, as people name it: videos by any name, languages and speakers in any case, times as 1:23.

All that search goes through here: from Python, from the command line, from the browser.
"""

import math
import operator
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from difflib import get_close_matches
from typing import Any, Literal

import pyarrow.compute as pc

from pipeline.lake import Lake, find_video, well_formed
from pipeline.language import parse_time
from pipeline.search.segment import Segment
from pipeline.search.terms import parse_query
from schemas.errors import ConfigurationError, FilterError
from schemas.search import MOMENT_KINDS, Filter

_TIMES = ("from_s", "to_s")
_FIELDS = tuple(field.name for field in fields(Filter))
_LISTED = 10


def make_filter(**given: str | float | Sequence[str] | None) -> Filter:
    """Make a filter of what people write; what has to be looked up in a lake, `admitted` does.

    Args:
        **given: Fields of `Filter`: one name or several of each, times in seconds or as `1:23`; None: not set.

    Raises:
        ConfigurationError: There is no such filter or kind of moment, or a time is none, or `from_s` is after `to_s`.
    """
    for name in given:
        if name not in _FIELDS:
            raise ConfigurationError(f"There is no filter {name!r}. There are: {', '.join(_FIELDS)}.")
    made: dict[str, Any] = {name: _seconds(name, given.get(name)) for name in _TIMES}
    made |= {name: _names(name, given.get(name)) for name in _FIELDS if name not in _TIMES}
    made["kinds"] = tuple(kind.lower() for kind in made["kinds"])
    for kind in made["kinds"]:
        if kind not in MOMENT_KINDS:
            raise ConfigurationError(f"There is no kind of moments {kind!r}. There are: {', '.join(MOMENT_KINDS)}.")
    if made["from_s"] is not None and made["to_s"] is not None and made["from_s"] > made["to_s"]:
        raise ConfigurationError(
            f"Nothing is from second {made['from_s']:g} to second {made['to_s']:g}: the start is after the end."
        )
    return Filter(**made)


def admitted(filters: Filter, limit: int, lake: Lake, segments: Sequence[Segment], videos: Collection[str]) -> Filter:
    """Check what a search may find, and put what the lake calls it in the place of what people do.

    Args:
        filters: As given. Names may be what `find_video` knows a video by, and of languages and speakers in any case.
        limit: Hits at most.
        lake: The lake.
        segments: Its moments.
        videos: Ids of its videos; other names are looked up.

    Raises:
        ConfigurationError: See `make_filter`; or `limit` is less than one.
        FilterError: No moment is in this language, or by this speaker.
        LakeError: No video is called so, or several are; or the lake cannot be read.
    """
    if _whole(limit) < 1:
        raise ConfigurationError(f"A limit of {limit} finds nothing: it is the number of hits at most, 1 or more.")
    if filters == Filter():
        return filters
    made = make_filter(**{name: getattr(filters, name) for name in _FIELDS})
    if any(video not in videos for video in made.videos):
        made = replace(
            made, videos=tuple(lake.read(lambda connection: [find_video(connection, video) for video in made.videos]))
        )
    return replace(
        made,
        languages=_spelled("language", made.languages, segments),
        speakers=_spelled("speaker", made.speakers, segments),
    )


def check_topics(filters: Filter, segments: Sequence[Segment]) -> None:
    """Say that nothing was found because there is no such topic. It reads the topics of all moments.

    Raises:
        FilterError: No moment is about one of the topics.
    """
    if not filters.topics:
        return
    known: dict[str, str] = {}
    for segment in segments:
        names = pc.unique(segment.rows["topics"].combine_chunks().flatten())
        known |= {name.lower(): name for name in names.to_pylist()}
    for topic in filters.topics:
        if topic.lower() not in known and _any_moments(segments):
            raise FilterError(f"Nothing is about {topic!r}. {_some('topics', topic, known)}")


def check_query(query: str) -> None:
    """Refuse a query that asks for nothing.

    Raises:
        ConfigurationError: There is no word in it.
    """
    if not query.strip():
        raise ConfigurationError("There is nothing to search for: the query is empty.")
    if not parse_query(query):
        raise ConfigurationError(f"There is no word in {query!r} to search for.")


def _spelled(
    column: Literal["language", "speaker"], asked: Sequence[str], segments: Sequence[Segment]
) -> tuple[str, ...]:
    """Return names as the lake spells them."""
    if not asked or not _any_moments(segments):
        return tuple(asked)
    # Of every column of names Arrow keeps a list, so that no row is read.
    chunks = [chunk for segment in segments for chunk in segment.rows[column].chunks]
    known: dict[str, dict[str, None]] = {}
    for name in (name for chunk in chunks for name in chunk.dictionary.to_pylist()):
        known.setdefault(name.casefold(), {})[name] = None
    for name in asked:
        if name.casefold() not in known:
            what = f"Nothing is in the language {name!r}." if column == "language" else f"No speech is by {name!r}."
            names = {key: next(iter(spellings)) for key, spellings in known.items()}
            raise FilterError(f"{what} {_some(f'{column}s', name, names)}")
    return tuple(dict.fromkeys(spelling for name in asked for spelling in known[name.casefold()]))


def _some(what: str, name: str, known: Mapping[str, str]) -> str:
    """Name what there is, or of much what is called most like it."""
    if not known:
        return f"The lake knows no {what}: it was made without."
    if len(known) <= _LISTED:
        return f"There are: {', '.join(map(repr, sorted(known.values())))}."
    near = get_close_matches(name.casefold(), known, _LISTED, cutoff=0.0)
    return f"There are: {', '.join(repr(known[each]) for each in near)} and {len(known) - len(near):,} more."


def _any_moments(segments: Iterable[Segment]) -> bool:
    return any(segment.rows.num_rows for segment in segments)


def _names(name: str, value: str | float | Sequence[str] | None) -> tuple[str, ...]:
    listed = (value,) if isinstance(value, str) else () if value is None else value
    if not isinstance(listed, Iterable) or not all(isinstance(each, str) for each in listed):
        raise ConfigurationError(f"The filter {name} takes a name or several, not {value!r}.")
    return tuple(map(well_formed, listed))


def _seconds(name: str, value: str | float | Sequence[str] | None) -> float | None:
    if value is None:
        return None
    if isinstance(value, str):
        return parse_time(value)
    try:
        seconds = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        seconds = math.nan
    if math.isnan(seconds):
        raise ConfigurationError(f"The filter {name} takes seconds, or a time as '1:23', not {value!r}.")
    return seconds


def _whole(limit: int) -> int:
    try:
        return operator.index(limit)
    except TypeError as error:
        raise ConfigurationError(f"The limit is a whole number, not {limit!r}.") from error
