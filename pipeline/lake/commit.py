"""Publish a shard: merge its staged videos into one file per table, and add them to the log in one entry.

A commit may be killed at any point and started again. Until its entry is in the log, nobody sees its files, which
`clean` removes. After that, only the staged objects are left to remove.
"""

import logging
from collections import Counter
from collections.abc import Collection, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.lake.layout import shard_file
from pipeline.lake.log import ConflictError, Log
from pipeline.lake.parquet import merge
from pipeline.lake.snapshot import Change, DataFile, Snapshot, schema_key
from pipeline.lake.staging import StagedVideo, StagingError, discard, open_staged, remove_staged, staged
from pipeline.lake.store import Store
from schemas.errors import LakeError
from schemas.tables import VIDEO_TABLES

logger = logging.getLogger(__name__)

_ATTEMPTS = 5


def commit(log: Log, shard: str, revision: str, videos: Collection[str] | None = None) -> int:
    """Publish staged videos at once. Repeating it changes nothing.

    Args:
        log: The lake's log.
        shard: The commit, with the name under which its videos were staged.
        revision: Revision of its rows.
        videos: Videos that the commit promises: all of them are published, or nothing is. None: those that are staged.
            Videos that were forgotten meanwhile are left out.

    Returns:
        Number of videos of the shard in the lake, including failed ones.

    Raises:
        LakeError: The lake cannot be written.
        StagingError: Some of the videos are neither staged, or not usably, nor in the lake.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        snapshot = log.snapshot()
        forgotten = snapshot.forgotten
        published = committed_videos(log.store, snapshot, shard) - forgotten
        wanted = (staged(log.store, shard) | published) if videos is None else set(videos)
        promised = wanted - forgotten
        if not wanted:
            raise LakeError(
                f"Nothing is staged for the shard {shard}, so it cannot be committed to the lake {log.store.uri}."
            )
        try:
            if promised - published:
                _publish(log, snapshot, shard, revision, promised - published)
        except ConflictError:
            if attempt == _ATTEMPTS:
                raise
            logger.warning("Another writer changes the lake %s. Committing shard %s again.", log.store.uri, shard)
        else:
            remove_staged(log.store, shard, wanted)
            return len(published | promised)
    raise AssertionError("unreachable")


def committed_videos(store: Store, snapshot: Snapshot, shard: str) -> set[str]:
    """Return the videos of a shard that are in the lake."""
    found: set[str] = set()
    for file in snapshot.of("videos"):
        if shard in file.holds:
            with store.parquet(file.path) as opened:
                rows = opened.read(columns=["video_id", "shard"])
            found.update(rows.filter(pc.equal(rows["shard"], shard))["video_id"].to_pylist())
    return found


def publishable(store: Store, shard: str, videos: Sequence[StagedVideo], revision: str) -> list[StagedVideo]:
    """Return the staged videos of one revision and with the same columns, and discard the others."""
    fitting = [video for video in videos if video.revision == revision]
    counts = Counter(tuple(sorted(video.schemas.items())) for video in fitting)
    columns = counts.most_common(1)[0][0] if counts else ()
    chosen = [video for video in fitting if tuple(sorted(video.schemas.items())) == columns]
    for video in videos:
        if video.revision != revision:
            discard(store, shard, video.video_id, f"They are of another revision than {revision}.")
        elif video not in chosen:
            discard(store, shard, video.video_id, "They have different columns from the rest of the shard.")
    return chosen


def _publish(log: Log, snapshot: Snapshot, shard: str, revision: str, wanted: set[str]) -> None:
    with open_staged(log.store, shard, wanted) as found:
        videos = publishable(log.store, shard, found, revision)
        missing = wanted - {video.video_id for video in videos}
        if missing:
            raise StagingError(
                f"{len(missing)} of {len(wanted)} videos of the shard {shard} are not staged, so nothing was committed "
                f"to the lake {log.store.uri}. Analyse them again: {', '.join(sorted(missing)[:5])}"
                f"{', …' if len(missing) > 5 else ''}",
                frozenset(missing),
            )
        change = _written(log.store, shard, revision, videos)
    try:
        log.append(snapshot, change, lambda now, others: not (wanted & now.forgotten or _in_the_way(shard, others)))
    except ConflictError:
        log.store.remove_files([file.path for file in change.added])
        raise
    logger.info("Committed shard %s: %d videos", shard, len(videos), extra={"shard": shard, "videos": len(videos)})


def _in_the_way(shard: str, others: Sequence[Change]) -> bool:
    """Return whether changes by others may have removed the written files, or published the same videos."""
    return any(
        change.operation == "fence" or any(shard in file.holds for file in change.added if file.table == "videos")
        for change in others
    )


def _written(store: Store, shard: str, revision: str, videos: Sequence[StagedVideo]) -> Change:
    name = shard_file(revision, shard)
    files, schemas = [], {}
    for table in VIDEO_TABLES:
        schema = videos[0].schema(table)
        key = schema_key(schema)
        schemas[key] = schema
        with store.publish(f"{table}/{name}") as path:
            rows = merge(_rows(table, videos), path, schema)
            size_bytes = path.stat().st_size
        files.append(DataFile(table, name, key, rows, size_bytes, {shard: rows} if rows else {}))
    return Change("commit", files, (), schemas)


def _rows(table: str, videos: Sequence[StagedVideo]) -> Iterator[pa.Table]:
    for video in videos:
        yield from video.batches(table)
