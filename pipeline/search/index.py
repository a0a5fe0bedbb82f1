"""Build and update the search index: new commits become new segments, small segments merge, superseded rows go.

Segments never change. An update writes new segments, then a manifest that names them. Until then readers use the old
index. If the update is killed, the files it leaves behind are removed by the next one.
"""

import logging
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

import duckdb

from pipeline.lake import DerivedFiles, Lake
from pipeline.search.manifest import (
    MANIFEST,
    Manifest,
    StoredSegment,
    manifest_state,
    publish_manifest,
    read_manifest,
    remove_leftovers,
)
from pipeline.search.rows import Space
from pipeline.search.segment import load_content, space_models
from pipeline.search.stored import read_commits, remove_cached, save_segment, verify_segment
from schemas.config import SearchConfig
from schemas.errors import SearchIndexError

logger = logging.getLogger(__name__)

MAX_MOMENTS = 1_000_000
"""Approximate size limit of a segment, which is built in memory."""
_MAX_SUPERSEDED = 0.25
"""A segment is rebuilt when this share of its videos is superseded."""
_MERGE_FACTOR = 2
"""A segment at most this many times as large as the new content is merged with it, which keeps segments few."""

_VIDEOS = (
    "SELECT video_id, shard, utterances + 3 * frames FROM videos WHERE status = 'ok' ORDER BY committed_at, video_id"
)


_MOMENTS = "SELECT coalesce(sum(utterances + frames), 0)::BIGINT AS count FROM videos WHERE status = 'ok'"


@dataclass(frozen=True, slots=True)
class Indexed:
    """What an update of the index did."""

    videos: int
    """Videos in the index."""
    moments: int
    segments: int
    videos_read: int
    """Videos read from the tables: new ones, and those of merged segments."""
    seconds: float
    repaired: bool = False
    """Whether a damaged part was rebuilt."""


@dataclass(slots=True)
class _Existing:
    """A segment of the index as it is, and the videos that it still holds the current rows of."""

    stored: StoredSegment
    alive: dict[str, str]
    videos: int


def update_index(lake: Lake, *, rebuild: bool = False, verify: bool = False) -> Indexed:
    """Bring the search index up to date with the lake, under the writer lock. Damaged segments are rebuilt.

    Args:
        lake: The lake.
        rebuild: Rebuild everything.
        verify: On local disk, read every file and compare checksums, not only sizes.

    Raises:
        LakeError: The lake cannot be read or written, or another writer holds it.
    """
    with lake.lock():
        existing, damaged = ([], False) if rebuild else _existing(lake.search_files, verify=verify)
        return replace(lake.read(lambda connection: _update(connection, lake.search_files, existing)), repaired=damaged)


def index_if_large(lake: Lake, config: SearchConfig) -> Indexed | None:
    """Update the search index if the configuration asks for one: if the lake is large, or an index exists.

    Args:
        lake: The lake.
        config: The `search` section.

    Returns:
        What was done; None if no index is wanted.

    Raises:
        LakeError: The lake cannot be read or written, or another writer holds it.
    """
    if config.index == "never":
        return None
    if not manifest_state(lake.search_files):
        [moments] = lake.sql(_MOMENTS)["count"].to_pylist()
        if moments < config.index_from_moments:
            return None
    return update_index(lake)


def remove_from_index(lake: Lake, videos: Collection[str]) -> int:
    """Rebuild the segments of the search index that hold some videos, without them, under the writer lock.

    Args:
        lake: The lake, which does not show the videos any more.
        videos: Ids.

    Returns:
        Number of segments that were removed: those that held the videos, could not be read, or were never finished.

    Raises:
        LakeError: The lake cannot be read or written, or another writer holds it.
    """
    files = lake.search_files
    with lake.lock():
        if not manifest_state(files):
            remove_leftovers(files, {})
            return 0
        existing, _ = _existing(files, verify=False)
        kept = [each for each in existing if not set(videos) & set(each.alive)]
        removed = set(files.names()) - {each.stored.name for each in kept} - {MANIFEST}
        if removed:
            lake.read(lambda connection: _update(connection, files, kept))
        for name in removed:
            remove_cached(name)
        return len(removed)


def _existing(files: DerivedFiles, *, verify: bool) -> tuple[list[_Existing], bool]:
    """Return the intact segments of the index, and whether any is damaged."""
    try:
        manifest = read_manifest(files)
    except SearchIndexError as error:
        logger.info("Rebuilding a part of the index: %s", error)
        return [], True
    found, damaged = [], False
    for segment in manifest.segments if manifest else ():
        try:
            commits = read_commits(files, segment)
            if verify:
                verify_segment(files, segment)
        except SearchIndexError as error:
            logger.info("Rebuilding a part of the index: %s", error)
            damaged = True
        else:
            found.append(_Existing(segment, commits, len(commits)))
    return found, damaged


def _update(connection: duckdb.DuckDBPyConnection, files: DerivedFiles, existing: list[_Existing]) -> Indexed:
    started = time.monotonic()
    rows = connection.execute(_VIDEOS).fetchall()
    commits = {video_id: shard for video_id, shard, _ in rows}
    sizes = {video_id: size for video_id, _, size in rows}
    kept = _kept(existing, commits, space_models(connection))
    missing = set(commits) - {video_id for segment in kept for video_id in segment.alive}
    while missing and (merged := _mergeable(kept, sum(sizes[each] for each in missing))):
        kept.remove(merged)
        missing |= set(merged.alive)
    new = []
    for chunk in _chunks({video_id: sizes[video_id] for video_id in commits if video_id in missing}):
        content = load_content(connection, {video_id: commits[video_id] for video_id in chunk})
        new.append(save_segment(files, content))
        logger.info("Indexed %d moments of %d videos", content.rows.num_rows, len(chunk))
    segments = (*(each.stored for each in kept), *new)
    publish_manifest(files, Manifest(segments=segments))
    moments = sum(segment.moments for segment in segments)
    return Indexed(len(commits), moments, len(segments), len(missing), time.monotonic() - started)


def _kept(existing: list[_Existing], commits: Mapping[str, str], models: Mapping[Space, str]) -> list[_Existing]:
    """Return the segments to keep, each with the videos that no earlier segment covers."""
    held: set[str] = set()
    kept = []
    for each in existing:
        alive = {
            video_id: shard
            for video_id, shard in each.alive.items()
            if commits.get(video_id) == shard and video_id not in held
        }
        same_models = all(models.get(space) == model for space, model in each.stored.models.items())
        if same_models and len(alive) > (1 - _MAX_SUPERSEDED) * each.videos:
            held |= set(alive)
            kept.append(_Existing(each.stored, alive, each.videos))
    return kept


def _mergeable(kept: list[_Existing], moments: int) -> _Existing | None:
    smallest = min(kept, key=lambda each: each.stored.moments, default=None)
    if smallest is None or smallest.stored.moments > min(_MERGE_FACTOR * moments, MAX_MOMENTS - moments):
        return None
    return smallest


def _chunks(sizes: Mapping[str, int]) -> Iterator[list[str]]:
    chunk: list[str] = []
    held = 0
    for video_id, size in sizes.items():
        if chunk and held + size > MAX_MOMENTS:
            yield chunk
            chunk, held = [], 0
        chunk.append(video_id)
        held += size
    if chunk:
        yield chunk
