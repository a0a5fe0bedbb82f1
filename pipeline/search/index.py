"""Build and update the stored index: new commits become new segments, small segments are merged, dead rows dropped.

Segments never change. An update writes new ones and then a manifest that names them; until then the old index counts,
and a kill at any point leaves at most files that the next update removes.
"""

import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import duckdb

from pipeline.lake import Lake, Store
from pipeline.search.manifest import Manifest, StoredSegment, manifest_state, publish_manifest, read_manifest
from pipeline.search.rows import Space
from pipeline.search.segment import load_content, space_models
from pipeline.search.stored import read_commits, save_segment, verify_segment
from schemas.config import SearchConfig
from schemas.errors import SearchIndexError

logger = logging.getLogger(__name__)

MAX_MOMENTS = 1_000_000
"""Of a segment, about: it is built in memory."""
_MAX_DEAD = 0.25
"""Share of superseded videos from which a segment is made anew."""
_GROWTH = 2
"""A segment up to so many times as large as what is new is merged with it, so that there are few segments."""

_VIDEOS = (
    "SELECT video_id, shard, utterances + 3 * frames FROM videos WHERE status = 'ok' ORDER BY committed_at, video_id"
)


_MOMENTS = "SELECT coalesce(sum(utterances + frames), 0)::BIGINT AS moments FROM videos WHERE status = 'ok'"


@dataclass(frozen=True, slots=True)
class Indexed:
    """What an update did."""

    videos: int
    """In the index."""
    moments: int
    segments: int
    videos_added: int
    """That were read: new ones, and those of segments that were merged."""
    seconds: float
    repaired: bool = False
    """Whether a part was damaged, and made anew."""


@dataclass(slots=True)
class _Known:
    """A segment of the index as it is, and what of it still counts."""

    stored: StoredSegment
    alive: dict[str, str]
    videos: int


def update_index(lake: Lake, *, rebuild: bool = False, verify: bool = False) -> Indexed:
    """Bring the stored index up to the lake as it is now. Needs the lock. Segments that are damaged are made anew.

    Args:
        lake: The lake.
        rebuild: Make all anew, whatever there is.
        verify: On local disk, read all files to find damage that left their sizes as they were.

    Raises:
        LakeError: The lake cannot be read or written, or another writer holds it.
    """
    with lake.lock():
        store = Store(lake.uri)
        known, damaged = ([], False) if rebuild else _known(store, verify=verify)
        return replace(lake.read(lambda connection: _update(connection, store, known)), repaired=damaged)


def index_if_large(lake: Lake, config: SearchConfig) -> Indexed | None:
    """Bring the stored index up to date where the configuration wants it: in large lakes, and where there is one.

    Args:
        lake: The lake.
        config: The `search` section.

    Returns:
        What was done; None where no index is wanted.

    Raises:
        LakeError: The lake cannot be read or written, or another writer holds it.
    """
    if config.index == "never":
        return None
    if not manifest_state(Store(lake.uri)):
        [moments] = lake.sql(_MOMENTS)["moments"].to_pylist()
        if moments < config.index_from_moments:
            return None
    return update_index(lake)


def _known(store: Store, *, verify: bool) -> tuple[list[_Known], bool]:
    """Return the segments that can be gone on with, and whether there are others."""
    try:
        manifest = read_manifest(store)
    except SearchIndexError as error:
        logger.info("Made anew: %s", error)
        return [], True
    found, damaged = [], False
    for segment in manifest.segments if manifest else ():
        try:
            commits = read_commits(store, segment)
            if verify:
                verify_segment(store, segment)
        except SearchIndexError as error:
            logger.info("Made anew: %s", error)
            damaged = True
        else:
            found.append(_Known(segment, commits, len(commits)))
    return found, damaged


def _update(connection: duckdb.DuckDBPyConnection, store: Store, known: list[_Known]) -> Indexed:
    begun = time.monotonic()
    rows = connection.execute(_VIDEOS).fetchall()
    commits = {video_id: shard for video_id, shard, _ in rows}
    sizes = {video_id: size for video_id, _, size in rows}
    kept = _kept(known, commits, space_models(connection))
    missing = set(commits) - {video_id for segment in kept for video_id in segment.alive}
    while missing and (merged := _mergeable(kept, sum(sizes[each] for each in missing))):
        kept.remove(merged)
        missing |= set(merged.alive)
    new = []
    for chunk in _chunks({video_id: sizes[video_id] for video_id in commits if video_id in missing}):
        content = load_content(connection, {video_id: commits[video_id] for video_id in chunk})
        new.append(save_segment(store, content))
        logger.info("Indexed %d moments of %d videos", content.rows.num_rows, len(chunk))
    segments = (*(each.stored for each in kept), *new)
    publish_manifest(store, Manifest(segments=segments))
    moments = sum(segment.moments for segment in segments)
    return Indexed(len(commits), moments, len(segments), len(missing), time.monotonic() - begun)


def _kept(known: list[_Known], commits: Mapping[str, str], models: Mapping[Space, str]) -> list[_Known]:
    """Return the segments that stay, each with the videos that only it counts for."""
    held: set[str] = set()
    kept = []
    for each in known:
        alive = {
            video_id: shard
            for video_id, shard in each.alive.items()
            if commits.get(video_id) == shard and video_id not in held
        }
        same_models = all(models.get(space) == model for space, model in each.stored.models.items())
        if same_models and len(alive) > (1 - _MAX_DEAD) * each.videos:
            held |= set(alive)
            kept.append(_Known(each.stored, alive, each.videos))
    return kept


def _mergeable(kept: list[_Known], moments: int) -> _Known | None:
    smallest = min(kept, key=lambda each: each.stored.moments, default=None)
    if smallest is None or smallest.stored.moments > min(_GROWTH * moments, MAX_MOMENTS - moments):
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
