"""What a lake holds of some videos: their rows in every file, and their names in what is kept beside the tables."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from pipeline.lake.names import find_video
from pipeline.lake.query import fetch
from pipeline.lake.snapshot import DataFile, Snapshot
from pipeline.lake.text import file_name
from pipeline.lake.views import scan
from schemas.config import SMALL_FILE_BYTES
from schemas.tables import TABLE_NAMES, table_schema

TABLES_OF_VIDEOS = tuple(name for name in TABLE_NAMES if "video_id" in table_schema(name).names and name != "forgotten")
"""The tables with rows of videos."""

_BY_FILE = """
SELECT video_id, filename, count(*) FROM {rows} WHERE video_id IN (SELECT unnest($videos)) GROUP BY ALL
"""

_NAMES = """
WITH named AS (
    SELECT video_id, unnest(list_prepend(uri, uris)) AS location FROM all_videos
    WHERE video_id IN (SELECT unnest($videos))
    UNION ALL
    SELECT video_id, uri FROM {sources} WHERE video_id IN (SELECT unnest($videos))
)
SELECT video_id, list(DISTINCT location ORDER BY location) FROM named GROUP BY video_id
"""

_HEADLINES = """
SELECT video_id, list(DISTINCT headline ORDER BY headline) FROM {summaries}
WHERE video_id IN (SELECT unnest($videos)) GROUP BY video_id
"""

_DATES = """
SELECT video_id, max(committed_at) FROM all_videos WHERE video_id IN (SELECT unnest($videos)) GROUP BY video_id
"""

_HIDDEN_FAILURES = """
SELECT video_id, unnest(list(DISTINCT uri)) FROM all_videos ANTI JOIN lake.current USING (video_id)
GROUP BY video_id HAVING bool_and(status = 'failed')
"""

_LARGE_AND_WHOLE = """
SELECT video_id FROM sources WHERE video_id IN (SELECT unnest($videos))
GROUP BY video_id HAVING max(size_bytes) > $small AND bool_or(digest IS DISTINCT FROM 'sampled')
"""
_VACATED = """
WITH gone AS (
    SELECT uri, coalesce(missing_since, seen_at) AS since FROM sources WHERE video_id IN (SELECT unnest($videos))
),
others AS (
    SELECT video_id, committed_at AS seen_at, unnest(uris) AS uri FROM all_videos
    UNION ALL BY NAME
    SELECT video_id, seen_at, uri FROM {sources}
)
SELECT uri, arg_max(video_id, others.seen_at) AS video_id, any_value(since) AS since FROM others JOIN gone USING (uri)
WHERE video_id NOT IN (SELECT unnest($videos)) GROUP BY uri
"""

_SMALL = {"small": SMALL_FILE_BYTES}


@dataclass(frozen=True, slots=True)
class Held:
    """What a lake holds of a video."""

    video_id: str
    uris: tuple[str, ...]
    """All its locations, of every revision."""
    headlines: tuple[str, ...]
    analysed_at: datetime | None
    """Time of its newest row in `videos`."""
    rows: Mapping[str, int]
    """By table, of every revision."""
    pending: bool
    """Whether it was forgotten, and is not yet removed from all files."""
    read_whole: bool
    """Whether its id is a digest of all bytes although the file is large."""
    failures: frozenset[str]
    """Failed videos that no view shows, because this one was found at their location."""

    @property
    def names(self) -> frozenset[str]:
        """What a text that mentions it has in it: its id, a location, a file name or a headline."""
        return frozenset({self.video_id, *self.uris, *map(file_name, self.uris), *self.headlines} - {""})


def resolve(connection: duckdb.DuckDBPyConnection, video: str) -> str:
    """Return the id of a video by its name, also of one that no view shows, by its whole id.

    Raises:
        LakeError: No video has this name, or several have it.
    """
    known = connection.execute("SELECT 1 FROM all_videos WHERE video_id = $video LIMIT 1", {"video": video}).fetchone()
    return video if known else find_video(connection, video)


def held(connection: duckdb.DuckDBPyConnection, snapshot: Snapshot, videos: Collection[str]) -> list[Held]:
    """Return what a lake holds of some videos, in this order.

    Args:
        connection: Its views show the videos.
        snapshot: The files of the lake.
        videos: Ids.
    """
    parameters = {"videos": list(videos)}
    locations = dict(connection.execute(_NAMES.format(sources=_rows(snapshot, "sources")), parameters).fetchall())
    summaries = _HEADLINES.format(summaries=_rows(snapshot, "summaries"))
    headlines = dict(connection.execute(summaries, parameters).fetchall())
    dates = dict(connection.execute(_DATES, parameters).fetchall())
    whole = {video_id for (video_id,) in connection.execute(_LARGE_AND_WHOLE, parameters | _SMALL).fetchall()}
    failures: dict[str, set[str]] = {}
    for video_id, uri in connection.execute(_HIDDEN_FAILURES).fetchall():
        failures.setdefault(uri, set()).add(video_id)
    counts: dict[str, Counter[str]] = {}
    for file, video_id, count in rows_by_file(connection, snapshot, videos):
        counts.setdefault(video_id, Counter())[file.table] += count
    return [
        Held(
            video_id,
            tuple(locations.get(video_id, ())),
            tuple(headlines.get(video_id, ())),
            dates.get(video_id),
            counts.get(video_id, {}),
            video_id in snapshot.pending,
            video_id in whole,
            frozenset(failed for uri in locations.get(video_id, ()) for failed in failures.get(uri, ())),
        )
        for video_id in videos
    ]


def rows_by_file(
    connection: duckdb.DuckDBPyConnection, snapshot: Snapshot, videos: Collection[str]
) -> list[tuple[DataFile, str, int]]:
    """Return the number of rows of each video in each file that has any."""
    found = []
    for table in TABLES_OF_VIDEOS:
        if files := snapshot.of(table):
            query = _BY_FILE.format(rows=scan(files, ", filename = true"))
            for video_id, path, count in connection.execute(query, {"videos": list(videos)}).fetchall():
                found.append((snapshot.files[table][path.rsplit("/", 1)[-1]], video_id, count))
    return found


def vacated(connection: duckdb.DuckDBPyConnection, snapshot: Snapshot, videos: Collection[str]) -> list[dict[str, Any]]:
    """Return rows of `sources` which say that content that was replaced by these videos is still not there.

    Without the rows of the videos, it would seem to be back at its location.
    """
    rows = fetch(connection, _VACATED.format(sources=_rows(snapshot, "sources")), videos=list(videos))
    unknown = {"size_bytes": 0, "mtime_ns": 0, "etag": None, "digest": None}
    return [
        unknown
        | {"uri": row["uri"], "video_id": row["video_id"], "seen_at": row["since"], "missing_since": row["since"]}
        for row in rows
    ]


def _rows(snapshot: Snapshot, table: str) -> str:
    """Return the SQL of all rows of a table, of every revision, whose columns all its files have."""
    return scan(snapshot.of(table)) if snapshot.of(table) else table
