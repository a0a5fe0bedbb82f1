"""The grid: which videos there are, by language, topic, kind and state, a page at a time."""

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
"""Orders of the grid."""

_COLUMNS = (
    "video_id, uri, name, status, language, duration_s, has_video, headline, topics, poster, error_kind, "
    "error_message, error_stage"
)


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
    """`frame_id` of the picture to show; None for sound alone."""
    error_kind: str
    error_message: str
    error_stage: str


@dataclass(frozen=True, slots=True)
class Selection:
    """Which videos are shown; what is empty admits all."""

    language: str = ""
    topic: str = ""
    kind: str = ""
    """`video` or `sound`."""
    status: str = "ok"
    """`ok` or `failed`."""
    sort: str = "newest"
    page: int = 1


@dataclass(frozen=True, slots=True)
class Facets:
    """What can be chosen from, each with the number of videos, and how many there are."""

    languages: tuple[tuple[str, int], ...]
    topics: tuple[tuple[str, int], ...]
    videos: int
    failed: int
    duration_s: float


def cards(connection: duckdb.DuckDBPyConnection, selection: Selection) -> tuple[list[Card], int]:
    """Return one page of the grid, and how many videos the selection holds."""
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


def named_so(connection: duckdb.DuckDBPyConnection, words: str, limit: int) -> list[Card]:
    """Return videos whose file name or headline holds these words, whatever their case."""
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM lake.catalogue "  # noqa: S608
        "WHERE contains(lower(name), lower($words)) OR contains(lower(headline), lower($words)) "
        f"ORDER BY strpos(lower(headline), lower($words)) = 1 DESC, lower(name) LIMIT {int(limit)}",
        {"words": words},
    ).fetchall()
    return [_card(row) for row in found]


def failures(connection: duckdb.DuckDBPyConnection, page: int) -> list[tuple[Card, str]]:
    """Return one page of the videos that failed, each with its traceback."""
    found = connection.execute(
        f"SELECT {_COLUMNS}, (SELECT any_value(traceback) FROM errors WHERE errors.video_id = catalogue.video_id) "  # noqa: S608
        "FROM lake.catalogue WHERE status = 'failed' ORDER BY error_kind, name, video_id "
        f"LIMIT {ERRORS_PAGE_SIZE} OFFSET $offset",
        {"offset": (page - 1) * ERRORS_PAGE_SIZE},
    ).fetchall()
    return [(_card(row), row[-1] or "") for row in found]


def facets(connection: duckdb.DuckDBPyConnection) -> Facets:
    """Count what there is."""
    languages = connection.execute(
        "SELECT language, count(*) FROM lake.catalogue WHERE language IS NOT NULL AND status = 'ok' "
        "GROUP BY ALL ORDER BY 2 DESC, 1"
    ).fetchall()
    topics = connection.execute(
        "SELECT topic, count(*) FROM (SELECT unnest(topics) AS topic FROM lake.catalogue WHERE status = 'ok') "
        "GROUP BY ALL ORDER BY 2 DESC, 1 LIMIT $limit",
        {"limit": _TOPICS},
    ).fetchall()
    counts = connection.execute(
        "SELECT count(*) FILTER (status = 'ok'), count(*) FILTER (status = 'failed'), "
        "coalesce(sum(duration_s) FILTER (status = 'ok'), 0) FROM lake.catalogue"
    ).fetchone() or (0, 0, 0.0)
    return Facets(tuple(languages), tuple(topics), *counts)


def _condition(selection: Selection) -> tuple[str, dict[str, Any]]:
    conditions = ["status = $status"]
    values: dict[str, Any] = {"status": "failed" if selection.status == "failed" else "ok"}
    if selection.language:
        conditions.append("language = $language")
        values["language"] = selection.language
    if selection.topic:
        conditions.append("list_contains(topics, $topic)")
        values["topic"] = selection.topic
    if selection.kind in {"video", "sound"}:
        conditions.append("has_video" if selection.kind == "video" else "NOT has_video")
    return " AND ".join(conditions), values


def _card(row: Sequence[Any]) -> Card:
    fields = dict(zip(_COLUMNS.split(", "), row[:13], strict=True))
    return Card(**fields | {"topics": tuple(fields["topics"])})
