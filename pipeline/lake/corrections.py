"""Corrections as rows of the table `corrections`, and back."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from typing import Any

import duckdb

from pipeline.lake.query import fetch
from schemas.corrections import Correction, Span

Row = dict[str, Any]


def correction_rows(corrections: Iterable[Correction]) -> list[Row]:
    """Return corrections as rows."""
    rows = []
    for each in corrections:
        row = asdict(each)
        place = row.pop("place") or {"start_s": None, "end_s": None}
        rows.append(row | place)
    return rows


def read_corrections(
    connection: duckdb.DuckDBPyConnection, video_ids: Collection[str] | None = None
) -> dict[str, list[Correction]]:
    """Read all corrections of some videos, in the order in which they were made.

    Args:
        connection: A connection to the lake.
        video_ids: The videos; None: all.

    Returns:
        Corrections by video, for videos that have some. Undone ones are among them: see `standing`.
    """
    wanted = "" if video_ids is None else "WHERE video_id IN (SELECT unnest($ids))"
    query = f"SELECT * FROM corrections {wanted} ORDER BY made_at, correction_id"  # noqa: S608 - fixed texts
    values = {} if video_ids is None else {"ids": list(video_ids)}
    found: dict[str, dict[str, Correction]] = defaultdict(dict)
    for row in fetch(connection, query, **values):
        # A write whose answer was lost may have been repeated.
        found[row["video_id"]][row["correction_id"]] = _correction(row)
    return {video_id: list(each.values()) for video_id, each in found.items()}


def _correction(row: Mapping[str, Any]) -> Correction:
    place = None if row["start_s"] is None else Span(row["start_s"], row["end_s"])
    spans = tuple(Span(**each) for each in row["spans"])
    others = {name: row[name] for name in row if name not in {"start_s", "end_s", "spans"}}
    return Correction(place=place, spans=spans, **others)
