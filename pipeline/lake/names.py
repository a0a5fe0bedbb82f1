"""Find the video that somebody names: by id, location, file name or the start of its id."""

import re

import duckdb

from pipeline.locations import escaped, location_of, own_path, shown
from schemas.errors import LakeError

_NO_BYTE = re.compile("[\ud800-\udc7f\udd00-\udfff]")
"""Lone surrogates that stand for no byte of a file name. The lake has `?` in their place."""
_LISTED = 10
_SUGGESTIONS = 8
_SIMILAR_NAMES = """
SELECT parse_filename(uri) AS name FROM videos
GROUP BY name ORDER BY jaro_winkler_similarity(lower(name), lower({video})) DESC, name LIMIT {limit}
"""

_NAMED = """
WITH locations AS (
    SELECT video_id, unnest(uris) AS location, missing_since IS NOT NULL AS missing FROM videos
    UNION ALL
    SELECT video_id, uri AS location, true AS missing
    FROM sources SEMI JOIN videos USING (video_id) WHERE missing_since IS NOT NULL
),
matches AS (
    SELECT video_id, missing, CASE
        WHEN video_id = {name} THEN 1
        WHEN location = {name} THEN 2
        WHEN parse_filename(location) = {name} OR parse_filename(location, true) = {name} THEN 3
        WHEN length({name}) >= 4 AND starts_with(video_id, lower({name})) THEN 4
        WHEN nfc_normalize(location) = nfc_normalize({name}) THEN 5
        WHEN nfc_normalize({name}) IN (
            nfc_normalize(parse_filename(location)), nfc_normalize(parse_filename(location, true))
        ) THEN 6
    END AS rule
    FROM locations
),
ranked AS (SELECT video_id, rule + CASE WHEN missing AND rule NOT IN (1, 4) THEN 6 ELSE 0 END AS rule FROM matches)
SELECT * FROM videos
WHERE video_id IN (SELECT video_id FROM ranked WHERE rule = (SELECT min(rule) FROM ranked))
"""
"""The rows of `videos` with a name. Only the first rule that matches counts.

Locations where a video no longer is come after all others, so a file that moved is also found by its old name."""
_FIND = f"SELECT video_id, uri FROM ({_NAMED.format(name='$name::VARCHAR')}) ORDER BY uri"  # noqa: S608 - a constant

FIND_VIDEOS = f"CREATE MACRO find_videos(name) AS TABLE {_NAMED.format(name='name')}"

NAMED_VIDEO = f"""
CREATE MACRO named_video(video) AS TABLE
WITH found AS (SELECT video_id FROM find_videos(video))
FROM found
UNION ALL
SELECT error(concat(
    'There is no video ', video, ' in the lake.', ' Nearest names: ' || names || '.',
    ' `SELECT video_id, uri FROM videos` lists them.'
))
FROM (
    SELECT (SELECT count(*) FROM found) AS videos,
        (SELECT string_agg(name, ', ') FROM ({_SIMILAR_NAMES.format(video="video", limit=_SUGGESTIONS)})) AS names
)
WHERE videos = 0
"""  # noqa: S608 - made of constants
"""A macro that returns the ids of the videos with a name, and fails if there are none."""


def find_video(connection: duckdb.DuckDBPyConnection, video: str) -> str:
    """Return the id of the video with a name, by the rules of the SQL macro `find_videos`.

    Args:
        connection: Of `Lake.connect`.
        video: Its id, a unique prefix of its id (at least 4 characters), a file name, a path or a URI.

    Raises:
        LakeError: No video has this name, or several have it; the message lists them.
    """
    video = _NO_BYTE.sub("?", video)
    path, in_uri, video = location_of(own_path(video)), escaped(video), shown(video)
    if connection.execute("FROM lake.current WHERE video_id = $id", {"id": video}).fetchall():
        return video  # the first rule; the others read the files of `videos`
    for name in dict.fromkeys((path, video, in_uri)):
        found = connection.execute(_FIND, {"name": name}).fetchall()
        if len(found) > 1:
            listed = "\n".join(f"  {video_id}  {uri}" for video_id, uri in found[:_LISTED])
            more = f"\n  and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
            raise LakeError(f"{video} may be any of {len(found)} videos; name one by its id:\n{listed}{more}")
        if found:
            return str(found[0][0])
    listing = 'videolake sql "SELECT video_id, uri FROM videos"'
    similar = _similar_names(connection, video)
    hint = f" Nearest names: {similar}." if similar else ""
    raise LakeError(f"There is no video {video} in the lake.{hint} `{listing}` lists them.")


def some_names(connection: duckdb.DuckDBPyConnection) -> str:
    """Return the first file names of the lake's videos, separated by commas; empty for an empty lake."""
    return _similar_names(connection, "")


def _similar_names(connection: duckdb.DuckDBPyConnection, video: str) -> str:
    query = _SIMILAR_NAMES.format(video="$video", limit="$limit")
    found = connection.execute(query, {"video": video, "limit": _SUGGESTIONS}).fetchall()
    return ", ".join(name for (name,) in found)
