"""Find the videos of an archive: list its files and identify their content, reading only new or changed files."""

import hashlib
import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from pipeline.lake import Lake
from pipeline.run.digest import content_digest
from pipeline.run.listing import Skipped, list_archive
from schemas.config import ArchiveConfig
from schemas.errors import MediaError
from schemas.records import ArchiveItem, VideoTask

logger = logging.getLogger(__name__)

_READERS = 4
"""Files digested in parallel: hashing releases the interpreter lock, so others can wait for the disk meanwhile."""
_BATCH = 256


@dataclass(frozen=True, slots=True)
class Discovery:
    """The videos found in an archive."""

    tasks: tuple[VideoTask, ...]
    """One per distinct content, in the order in which it was first listed."""
    files: int
    """Number of files listed. Copies count here, but share one task."""
    skipped: Skipped
    """Files that were not listed, and links that lead nowhere."""
    new_sources: tuple[dict[str, Any], ...] = field(repr=False)
    """Rows for `Lake.write_sources`, without `seen_at`: files whose content was not in the lake's `sources`."""


def discover(
    archive: Sequence[str], lake: Lake, config: ArchiveConfig, *, progress: Callable[[int], None] = lambda _: None
) -> Discovery:
    """List an archive and identify the content of every file.

    A file whose location, size and modification time are in the lake is not read again. A file that cannot be read is
    also a task: its analysis fails with the reason.

    Args:
        archive: Folders, files, globs, manifests, URIs.
        lake: Has the digests of files that earlier runs have read.
        config: The `archive` section.
        progress: Called with the number of files found so far.

    Raises:
        ArchiveError: A part of the archive does not exist or cannot be listed.
    """
    known = _known(lake)
    items: list[ArchiveItem] = []
    skipped = Skipped()
    for item in list_archive(archive, config, skipped):
        items.append(item)
        if len(items) % _BATCH == 0:
            progress(len(items))
    progress(len(items))
    # Links to one file, and the file itself, are read once.
    unread = {_file(item): item for item in items if _known_id(item, known) is None}
    with ThreadPoolExecutor(min(_READERS, os.cpu_count() or 1), thread_name_prefix="digest") as executor:
        read = dict(zip(unread, executor.map(lambda item: _digest(item, config), unread.values()), strict=True))
    digests = [_known_id(item, known) or read[_file(item)] for item in items]
    new_sources = [
        {"uri": uri, "size_bytes": item.size_bytes, "mtime_ns": item.mtime_ns, "video_id": digest}
        for item, digest in zip(items, digests, strict=True)
        for uri in _locations(item)
        if (uri, item.size_bytes, item.mtime_ns) not in known and digest != _stand_in(item)
    ]
    unique_sources = {source["uri"]: source for source in new_sources}
    return Discovery(_tasks(zip(items, digests, strict=True)), len(items), skipped, tuple(unique_sources.values()))


def discover_known(
    archive: Sequence[str], lake: Lake, config: ArchiveConfig, skipped: Skipped | None = None
) -> tuple[VideoTask, ...] | None:
    """Return the videos of an archive without reading any file, or None as soon as a file is new or changed.

    Args:
        archive: Folders, files, globs, manifests, URIs.
        lake: Has the digests of files that earlier runs have read.
        config: The `archive` section.
        skipped: Counts what is left out.

    Raises:
        ArchiveError: A part of the archive does not exist or cannot be listed.
    """
    known = _known(lake)
    found: list[tuple[ArchiveItem, str]] = []
    for item in list_archive(archive, config, skipped):
        video_id = _known_id(item, known)
        if video_id is None:
            return None
        found.append((item, video_id))
    return _tasks(found)


def _known(lake: Lake) -> dict[tuple[str, int, int], str]:
    """Return the `video_id` of every file that earlier runs have read, by location, size and time."""
    rows = lake.known_sources().to_pydict()
    columns = (rows["uri"], rows["size_bytes"], rows["mtime_ns"], rows["video_id"])
    # Without a modification time, there is no way to tell whether the file has changed.
    return {(uri, size, mtime): video_id for uri, size, mtime, video_id in zip(*columns, strict=True) if mtime}


def _known_id(item: ArchiveItem, known: Mapping[tuple[str, int, int], str]) -> str | None:
    """Return the id of a file that an earlier run has read, under any of its locations."""
    states = ((uri, item.size_bytes, item.mtime_ns) for uri in _locations(item))
    return next((known[state] for state in states if state in known), None)


def _file(item: ArchiveItem) -> str:
    """Return the location of the file itself, wherever the links to it are."""
    return item.target or item.uri


def _locations(item: ArchiveItem) -> tuple[str, ...]:
    return (item.uri, item.target) if item.target else (item.uri,)


def _digest(item: ArchiveItem, config: ArchiveConfig) -> str:
    try:
        return content_digest(item.uri, item.size_bytes, config)
    except MediaError as error:
        logger.info("%s", error)  # its analysis fails with the same reason
        return _stand_in(item)


def _stand_in(item: ArchiveItem) -> str:
    """Identify an unreadable file by its location. Once it can be read, its content digest replaces this id."""
    return hashlib.sha256(f"unreadable {_file(item)}".encode()).hexdigest()[:32]


def _tasks(found: Iterable[tuple[ArchiveItem, str]]) -> tuple[VideoTask, ...]:
    by_content: dict[str, list[ArchiveItem]] = {}
    for item, video_id in found:
        by_content.setdefault(video_id, []).append(item)
    return tuple(
        VideoTask(
            video_id,
            tuple(dict.fromkeys(uri for item in items for uri in _locations(item))),
            items[0].size_bytes,
            items[0].mtime_ns,
        )
        for video_id, items in by_content.items()
    )
