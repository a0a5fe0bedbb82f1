"""The grid of videos, filtered by language, topic, kind and status, one page at a time."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

PAGE_SIZE = 24
ERRORS_PAGE_SIZE = 50
_TOPICS = 40

SORTS: Mapping[str, str] = {
    "newest": "committed_at DESC, video_id",
    "name": "lower(name), video_id",
    "longest": "duration_s DESC, video_id",
    "shortest": "duration_s, video_id",
}
"""Sort orders of the grid."""

KINDS: Mapping[str, str] = {"video": "has_video", "audio": "NOT has_video"}
"""Kinds of videos, each with its SQL condition."""

STATUSES: Mapping[str, str] = {
    "ok": "status = 'ok'",
    "failed": "status = 'failed'",
    "missing": "status = 'ok' AND missing",
}
"""Which videos the grid shows, each with its SQL condition. Missing ones are analysed, but their files are gone."""

_COLUMNS = (
    "video_id, uri, name, status, language, duration_s, has_video, headline, topics, poster, error_kind, "
    "error_message, error_stage, missing"
)
_BETWEEN_WORDS = re.compile(r"[_.\s-]+")
_PLAIN = "trim(regexp_replace(lower({}), '[_.\\s-]+', ' ', 'g'))"


@dataclass(frozen=True, slots=True)
class Card:
    """A video in the grid."""

    video_id: str
    uri: str
    name: str
    status: str
    language: str | None
    duration_s: float
    has_video: bool
    headline: str
    topics: tuple[str, ...]
    poster: str | None
    """`frame_id` of the thumbnail; None for audio alone."""
    error_kind: str
    error_message: str
    error_stage: str
    missing: bool
    """Whether a run found its last file gone."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which videos to show. An empty field does not filter."""

    language: str = ""
    topic: str = ""
    kind: str = ""
    """One of `KINDS`."""
    status: str = "ok"
    """One of `STATUSES`."""
    sort: str = "newest"
    page: int = 1


@dataclass(frozen=True, slots=True)
class Facets:
    """Values of the filters with their numbers of videos, and totals."""

    languages: tuple[tuple[str, int], ...]
    topics: tuple[tuple[str, int], ...]
    videos: int
    failed: int
    incomplete: int
    """Of `videos`, those of which a stage failed."""
    missing: int
    duration_s: float


def cards(connection: duckdb.DuckDBPyConnection, selection: Selection) -> tuple[list[Card], int]:
    """Return one page of the grid, and the number of selected videos."""
    condition, values = _condition(selection)
    order = SORTS.get(selection.sort, SORTS["newest"])
    found = connection.execute(
        f"SELECT {_COLUMNS}, count(*) OVER () FROM lake.catalogue WHERE {condition} ORDER BY {order} "  # noqa: S608
        f"LIMIT {PAGE_SIZE} OFFSET $offset",
        values | {"offset": (selection.page - 1) * PAGE_SIZE},
    ).fetchall()
    return [_card(row) for row in found], int(found[0][-1]) if found else 0


def cards_of(connection: duckdb.DuckDBPyConnection, video_ids: Sequence[str]) -> dict[str, Card]:
    """Return the cards of these videos, by id."""
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM lake.catalogue WHERE video_id IN (SELECT unnest($ids))",  # noqa: S608
        {"ids": list(video_ids)},
    ).fetchall()
    return {row[0]: _card(row) for row in found}


def ids_of(connection: duckdb.DuckDBPyConnection, kind: str) -> list[str]:
    """Return the ids of all videos of one of `KINDS`."""
    condition = KINDS[kind]
    found = connection.execute(f"SELECT video_id FROM lake.catalogue WHERE status = 'ok' AND {condition}")  # noqa: S608
    return [video_id for (video_id,) in found.fetchall()]


def cards_named(connection: duckdb.DuckDBPyConnection, words: str, selection: Selection, limit: int) -> list[Card]:
    """Return videos whose file name and headline contain all words.

    Case does not matter, and `_`, `-`, `.` and spaces are the same.

    Args:
        connection: Of `LakeReader.ask`.
        words: Words as the user wrote them.
        selection: Which videos to search. Failed videos are included unless it has a kind.
        limit: Maximum number of videos.
    """
    wanted = _BETWEEN_WORDS.sub(" ", words.lower()).split()
    if not wanted:
        return []
    condition, values = _condition(selection, failed_too=selection.status == "ok" and not selection.kind)
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM (SELECT *, {_PLAIN.format('name')} AS plain_name, "  # noqa: S608
        f"{_PLAIN.format('headline')} AS plain_headline FROM lake.catalogue WHERE {condition}) "
        "WHERE len(list_filter($words, lambda word: NOT contains(plain_name || ' ' || plain_headline, word))) = 0 "
        "ORDER BY starts_with(plain_headline, $first) DESC, starts_with(plain_name, $first) DESC, plain_name "
        "LIMIT $limit",
        values | {"words": wanted, "first": " ".join(wanted), "limit": limit},
    ).fetchall()
    return [_card(row) for row in found]


def failures(connection: duckdb.DuckDBPyConnection, page: int) -> list[tuple[Card, str]]:
    """Return one page of the videos that failed, or of which a stage failed, each with its traceback."""
    found = connection.execute(
        f"SELECT {_COLUMNS}, (SELECT any_value(traceback) FROM errors WHERE errors.video_id = catalogue.video_id) "  # noqa: S608
        "FROM lake.catalogue WHERE error_kind <> '' ORDER BY status, error_kind, name, video_id "
        f"LIMIT {ERRORS_PAGE_SIZE} OFFSET $offset",
        {"offset": (page - 1) * ERRORS_PAGE_SIZE},
    ).fetchall()
    return [(_card(row), row[-1] or "") for row in found]


def facets(connection: duckdb.DuckDBPyConnection) -> Facets:
    """Count videos, languages and topics."""
    languages = connection.execute(
        "SELECT language, count(*) FROM (SELECT unnest(languages) AS language FROM lake.catalogue WHERE status = 'ok') "
        "GROUP BY ALL ORDER BY 2 DESC, 1"
    ).fetchall()
    topics = connection.execute(
        "SELECT topic, count(*) FROM (SELECT unnest(topics) AS topic FROM lake.catalogue WHERE status = 'ok') "
        "GROUP BY ALL ORDER BY 2 DESC, 1 LIMIT $limit",
        {"limit": _TOPICS},
    ).fetchall()
    counts = connection.execute(
        "SELECT count(*) FILTER (status = 'ok'), count(*) FILTER (status = 'failed'), "
        "count(*) FILTER (status = 'ok' AND error_kind <> ''), "
        "count(*) FILTER (status = 'ok' AND missing), "
        "coalesce(sum(duration_s) FILTER (status = 'ok'), 0) FROM lake.catalogue"
    ).fetchone() or (0, 0, 0, 0, 0.0)
    return Facets(tuple(languages), tuple(topics), *counts)


def _condition(selection: Selection, *, failed_too: bool = False) -> tuple[str, dict[str, Any]]:
    conditions, values = ["true"], dict[str, Any]()
    if not failed_too:
        conditions.append(STATUSES.get(selection.status, STATUSES["ok"]))
    if selection.language:
        conditions.append("list_contains(languages, $language)")
        values["language"] = selection.language
    if selection.topic:
        conditions.append("list_contains(topics, $topic)")
        values["topic"] = selection.topic
    if selection.kind in KINDS:
        conditions.append(KINDS[selection.kind])
    return " AND ".join(conditions), values


def _card(row: Sequence[Any]) -> Card:
    names = _COLUMNS.split(", ")
    fields = dict(zip(names, row[: len(names)], strict=True))
    return Card(**fields | {"topics": tuple(fields["topics"])})
