"""Where the file of each video is now: what the views make of the newest row of each location in `sources`.

Locations in `videos` are those at the analysis. Since then files may have moved, vanished or been replaced. A location
without a row in `sources`, as in older lakes, counts as it was at the analysis.
"""

import duckdb

from pipeline.lake.statements import run_parsed

_LOCATED = """
CREATE TABLE lake.located AS
SELECT uri, arg_max(video_id, seen_at) AS video_id, arg_max_null(missing_since, seen_at) AS missing_since,
    max(seen_at) AS seen_at
FROM ({sources}) GROUP BY uri
"""
"""What each location holds, or held until it vanished."""

_CHANGED = """
CREATE TABLE lake.changed AS
SELECT DISTINCT video_id
FROM (FROM lake.states WHERE is_best) FULL JOIN lake.located USING (video_id, uri)
SEMI JOIN lake.states USING (video_id)
WHERE locations IS DISTINCT FROM 1 OR seen_at IS NULL OR missing_since IS NOT NULL
"""
"""All videos but those that were analysed at one location, are still there, and nowhere else.

Those are most videos of most lakes, so what follows is cheap."""

_ANALYSED = """
CREATE TABLE lake.analysed AS
SELECT video_id, status, committed_at, unnest(uris) AS uri, unnest(range(len(uris))) AS position
FROM (SELECT video_id, shard, status, committed_at, uris FROM all_videos)
SEMI JOIN (FROM lake.states SEMI JOIN lake.changed USING (video_id) WHERE is_best) USING (video_id, shard)
"""

_HIDE_FORMER = """
UPDATE lake.states SET is_current = false WHERE video_id IN (
    SELECT each.video_id
    FROM lake.analysed AS each
    ANTI JOIN lake.located AS own ON each.video_id = own.video_id
    LEFT JOIN (FROM lake.located SEMI JOIN lake.states USING (video_id)) AS now
        ON each.uri = now.uri AND (each.status = 'ok' OR now.seen_at > each.committed_at)
    GROUP BY each.video_id HAVING count(now.uri) = count(*)
)
"""
"""A video is former once all its locations hold other content that has been published.

The id of an unreadable file is in no row of `sources`, so its failure counts until its location is seen again."""

_LOCATIONS = """
CREATE TABLE lake.locations AS
WITH known AS MATERIALIZED (
    SELECT each.video_id, each.uri, each.position,
        now.uri IS NULL OR (now.video_id = each.video_id AND now.missing_since IS NULL) AS living,
        CASE WHEN now.video_id = each.video_id THEN now.missing_since END AS missing_since
    FROM lake.analysed AS each LEFT JOIN lake.located AS now USING (uri)
    UNION ALL BY NAME
    SELECT video_id, uri, 2147483648 AS position, missing_since IS NULL AS living, missing_since
    FROM lake.located SEMI JOIN lake.changed USING (video_id) ANTI JOIN lake.analysed USING (video_id, uri)
),
best AS (
    SELECT video_id, bool_or(living) AS lives, max(missing_since) AS vanished_at FROM known GROUP BY video_id
)
SELECT video_id,
    list_transform(list_sort(list(struct_pack(position, uri))), lambda each: each.uri) AS uris,
    any_value(CASE WHEN NOT lives THEN vanished_at END) AS missing_since
FROM known JOIN best USING (video_id)
WHERE CASE WHEN lives THEN living ELSE missing_since IS NOT NULL END
GROUP BY video_id
"""
"""The locations of videos that are not exactly where they were analysed: those that live, or else those that vanished.

They are in the order of the analysis. So the file that was analysed comes first as long as it is there."""

_NO_LOCATIONS = """
CREATE TABLE lake.locations (video_id VARCHAR, uris VARCHAR[], missing_since TIMESTAMPTZ)
"""

_NOW = """
SELECT each.* REPLACE (coalesce(now.uris[1], each.uri) AS uri, coalesce(now.uris, each.uris) AS uris), now.missing_since
FROM ({rows}) AS each LEFT JOIN lake.locations AS now ON each.video_id = now.video_id
"""


def create_locations(connection: duckdb.DuckDBPyConnection, sources: str | None) -> None:
    """Create the table `lake.locations`, and hide former videos in `lake.states`.

    Args:
        connection: With `all_videos` and `lake.states`.
        sources: SQL that returns all rows of `sources`; None if there are none.
    """
    if sources is None:
        run_parsed(connection, _NO_LOCATIONS)
        return
    connection.execute(_LOCATED.format(sources=sources))
    run_parsed(connection, f"{_CHANGED};{_ANALYSED};{_HIDE_FORMER};{_LOCATIONS}")
    run_parsed(connection, "; ".join(f"DROP TABLE lake.{table}" for table in ("located", "changed", "analysed")))


def located(rows: str) -> str:
    """Return SQL for the rows of current videos with the locations that they have now, and `missing_since`.

    Args:
        rows: SQL that returns rows of `videos`.
    """
    return _NOW.format(rows=rows)
