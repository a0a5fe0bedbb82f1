"""Filters as people write them: videos by any name, languages and speakers in any case, times as 1:23, `person:3`.

Python, the command line and the browser all make their filters here.
"""

import math
import operator
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from difflib import get_close_matches
from typing import Any, Literal

import pyarrow.compute as pc

from pipeline.lake import Lake, find_video, well_formed
from pipeline.language import parse_time
from pipeline.search.segment import Segment
from pipeline.search.terms import parse_query
from schemas.entities import ENTITY_KINDS
from schemas.errors import ConfigurationError, FilterError
from schemas.search import MOMENT_KINDS, Filter

_TIMES = ("from_s", "to_s")
_COUNT = re.compile(r"[0-9]{1,9}")
_FIELDS = tuple(field.name for field in fields(Filter))
_MAX_LISTED = 10


def make_filter(**given: str | float | Sequence[str] | None) -> Filter:
    """Make a filter from what people write. `resolve_filter` looks its names up in a lake.

    Args:
        **given: Fields of `Filter`: one name or several each, times in seconds or as `1:23`; None leaves a field unset.

    Raises:
        ConfigurationError: A filter, an object, a kind of moment or a time is invalid, or `from_s` is after `to_s`.
    """
    for name in given:
        if name not in _FIELDS:
            raise ConfigurationError(f"There is no filter {name!r}. The filters are: {', '.join(_FIELDS)}.")
    made: dict[str, Any] = {name: _seconds(name, given.get(name)) for name in _TIMES}
    made |= {name: _names(name, given.get(name)) for name in _FIELDS if name not in _TIMES}
    made["objects"] = tuple(map(_object, made["objects"]))
    made["kinds"] = tuple(kind.lower() for kind in made["kinds"])
    made["entity_kinds"] = tuple(kind.lower() for kind in made["entity_kinds"])
    for kind in made["entity_kinds"]:
        if kind not in ENTITY_KINDS:
            raise ConfigurationError(f"There is no kind of name {kind!r}. The kinds are: {', '.join(ENTITY_KINDS)}.")
    for kind in made["kinds"]:
        if kind not in MOMENT_KINDS:
            raise ConfigurationError(f"There is no kind of moment {kind!r}. The kinds are: {', '.join(MOMENT_KINDS)}.")
    if made["from_s"] is not None and made["to_s"] is not None and made["from_s"] > made["to_s"]:
        raise ConfigurationError(
            f"The time range from {made['from_s']:g} s to {made['to_s']:g} s is empty: the start is after the end."
        )
    return Filter(**made)


def resolve_filter(
    filters: Filter, limit: int, lake: Lake, segments: Sequence[Segment], videos: Collection[str]
) -> Filter:
    """Check a filter and the limit of a search, and replace names by the spelling and the ids of the lake.

    Args:
        filters: The filter as given: videos by any name that `find_video` accepts, languages and speakers in any case.
        limit: Maximum number of hits.
        lake: The lake.
        segments: The lake's moments.
        videos: Ids of the lake's videos; other names are looked up.

    Raises:
        ConfigurationError: The filter is invalid (see `make_filter`), or `limit` is less than one.
        FilterError: No moment has this language or speaker.
        LakeError: A name fits no video or several, or the lake cannot be read.
    """
    if _whole_number(limit) < 1:
        raise ConfigurationError(f"The limit must be 1 or more, not {limit}: it is the maximum number of hits.")
    if filters == Filter():
        return filters
    made = make_filter(**{name: getattr(filters, name) for name in _FIELDS})
    if any(video not in videos for video in made.videos):
        ids = lake.read(lambda connection: [find_video(connection, each) for each in made.videos], moments=False)
        made = replace(made, videos=tuple(ids))
    return replace(
        made,
        languages=_spelled("language", made.languages, segments),
        speakers=_spelled("speaker", made.speakers, segments),
    )


def check_topics(filters: Filter, segments: Sequence[Segment]) -> None:
    """Raise if nothing was found because a topic does not exist. This reads the topics of all moments.

    Raises:
        FilterError: No moment has one of the topics.
    """
    known = {name.lower(): name for name in _listed("topics", segments)} if filters.topics else {}
    for topic in filters.topics:
        if topic.lower() not in known and _any_moments(segments):
            raise FilterError(f"No moment has the topic {topic!r}. {_known_names('topics', topic, known)}")


def check_entities(filters: Filter, segments: Sequence[Segment]) -> None:
    """Raise if nothing was found because a name does not exist. This reads the names of all moments.

    Raises:
        FilterError: No moment has one of the names.
    """
    names = _listed("names", segments) if filters.entities else []
    known = {name[1:]: name[1:] for name in names if name.startswith(":")}
    for entity in filters.entities:
        if entity.lower() not in known and _any_moments(segments):
            raise FilterError(f"No moment has the name {entity!r}. {_known_names('names', entity, known)}")


def check_sounds(filters: Filter, segments: Sequence[Segment]) -> None:
    """Raise if nothing was found because a sound does not exist. This reads the sounds of all moments.

    Raises:
        FilterError: One of the sounds is heard in no moment.
    """
    known = {name: name for name in _listed("sounds", segments)} if filters.sounds else {}
    for sound in filters.sounds:
        if sound.lower() not in known and _any_moments(segments):
            raise FilterError(f"No moment has the sound {sound!r}. {_known_names('sounds', sound, known)}")


def check_objects(filters: Filter, segments: Sequence[Segment]) -> None:
    """Raise if nothing was found because an object does not exist. This reads the objects of all moments.

    Raises:
        FilterError: No keyframe shows one of the objects, or so many of them at once.
    """
    counts = set(_listed("objects", segments)) if filters.objects else set()
    known = {label: label for label in (each.rpartition(":")[0] for each in counts)}
    for each in filters.objects:
        label, _, number = each.rpartition(":")
        if label not in known and _any_moments(segments):
            raise FilterError(f"No keyframe shows the object {label!r}. {_known_names('objects', label, known)}")
        if each not in counts and _any_moments(segments):
            most = max(int(other.rpartition(":")[2]) for other in counts if other.rpartition(":")[0] == label)
            raise FilterError(f"No keyframe shows {number} objects {label!r} at once, but at most {most}.")


def _listed(column: Literal["topics", "names", "objects", "sounds"], segments: Sequence[Segment]) -> list[str]:
    """Return all distinct names in a column of lists."""
    names: set[str] = set()
    for segment in segments:
        names |= set(pc.unique(segment.rows[column].combine_chunks().flatten()).to_pylist())
    return sorted(names)


def _object(text: str) -> str:
    """Return `person:1` for `person`, and `person:3` for itself."""
    label, colon, number = text.strip().lower().rpartition(":")
    if not colon:
        label, number = number, "1"
    if not label.strip() or not _COUNT.fullmatch(number.strip()) or not int(number):
        raise ConfigurationError(
            f"{text!r} is not an object. Give a label such as 'person', or 'person:3' for at least 3 of them."
        )
    return f"{label.strip()}:{int(number)}"


def check_query(query: str) -> None:
    """Check that a query contains a word.

    Raises:
        ConfigurationError: It contains none.
    """
    if not query.strip():
        raise ConfigurationError("The query is empty. Give a word to search for.")
    if not parse_query(query):
        raise ConfigurationError(f"The query {query!r} has no word in it. Give a word to search for.")


def _spelled(
    column: Literal["language", "speaker"], names: Sequence[str], segments: Sequence[Segment]
) -> tuple[str, ...]:
    """Return names as the lake spells them."""
    if not names or not _any_moments(segments):
        return tuple(names)
    # Arrow keeps a dictionary of the distinct names of a column, so no row is read.
    chunks = [chunk for segment in segments for chunk in segment.rows[column].chunks]
    known: dict[str, dict[str, None]] = {}
    for name in (name for chunk in chunks for name in chunk.dictionary.to_pylist()):
        known.setdefault(name.casefold(), {})[name] = None
    for name in names:
        if name.casefold() not in known:
            first_spellings = {key: next(iter(spellings)) for key, spellings in known.items()}
            raise FilterError(
                f"No moment has the {column} {name!r}. {_known_names(f'{column}s', name, first_spellings)}"
            )
    return tuple(dict.fromkeys(spelling for name in names for spelling in known[name.casefold()]))


def _known_names(what: str, name: str, known: Mapping[str, str]) -> str:
    """List the known names, or the most similar ones if there are many."""
    if not known:
        return f"This lake has no {what}: it was made without them."
    if len(known) <= _MAX_LISTED:
        return f"The {what} are: {', '.join(map(repr, sorted(known.values())))}."
    near = get_close_matches(name.casefold(), known, _MAX_LISTED, cutoff=0.0)
    return f"The {what} are: {', '.join(repr(known[each]) for each in near)} and {len(known) - len(near):,} more."


def _any_moments(segments: Iterable[Segment]) -> bool:
    return any(segment.rows.num_rows for segment in segments)


def _names(name: str, value: str | float | Sequence[str] | None) -> tuple[str, ...]:
    listed = (value,) if isinstance(value, str) else () if value is None else value
    if not isinstance(listed, Iterable) or not all(isinstance(each, str) for each in listed):
        raise ConfigurationError(f"The filter {name} takes one name or several, not {value!r}.")
    return tuple(listed if name == "videos" else map(well_formed, listed))


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
        raise ConfigurationError(f"The filter {name} takes seconds or a time such as '1:23', not {value!r}.")
    return seconds


def _whole_number(limit: int) -> int:
    try:
        return operator.index(limit)
    except TypeError as error:
        raise ConfigurationError(f"The limit must be a whole number, not {limit!r}.") from error
