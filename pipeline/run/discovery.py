"""Find the videos of an archive batch by batch, while it is listed, reading only new or changed files."""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pipeline.lake import Lake
from pipeline.run.digest import DigestChunks, Unread, digest_here
from pipeline.run.file_state import file_of, locations
from pipeline.run.following import Follower
from pipeline.run.identity import Identities
from pipeline.run.known import Content, KnownFiles
from pipeline.run.listing import Skipped, list_archive
from schemas.config import ArchiveConfig
from schemas.records import NO_CHANGES, ArchiveItem, LocationChanges, VideoTask

_CHUNK_ITEMS = 4096
_CHUNK_READS = 64
_CHUNK_BYTES = 1024**3
"""A chunk is closed by any of these: files, files to read, bytes to read. It is digested by one task of a worker."""
_BATCH_ITEMS = 16_384
_BATCH_READS = 512
_BATCH_BYTES = 8 * 1024**3
"""A batch is closed by any of these. It is written to `sources` before it is analysed, so a kill loses little."""


@dataclass(frozen=True, slots=True)
class Discovery:
    """Videos found in an archive: all of them, or a batch."""

    tasks: tuple[VideoTask, ...]
    """One per distinct content, in the order in which it was first listed. A video of an earlier batch is left out."""
    files: int
    """Number of files listed. Copies count here, but share one task."""
    skipped: Skipped
    """Files that were not listed so far, and links that lead nowhere."""
    new_sources: tuple[dict[str, Any], ...] = field(repr=False)
    """Rows of `sources`, without times: files whose content was not in the lake's `sources`. They include copies of
    videos of earlier batches."""
    vanished: tuple[dict[str, Any], ...] = field(default=(), repr=False)
    """Rows of `sources`, without times: files that have vanished. Only in the last batch of a complete listing."""
    changes: LocationChanges = NO_CHANGES
    """What became of known locations."""

    def source_rows(self, now: datetime) -> list[dict[str, Any]]:
        """Return the rows for `Lake.write_sources`.

        Args:
            now: Current time, with a time zone.
        """
        there = [row | {"seen_at": now} for row in self.new_sources]
        return there + [row | {"seen_at": now, "missing_since": now} for row in self.vanished]


@dataclass(slots=True)
class _Chunk:
    """Files listed one after another, and what must be read of them."""

    found: list[tuple[ArchiveItem, Content | None]] = field(default_factory=list)
    unread: dict[str, ArchiveItem] = field(default_factory=dict)
    """By the location of the file itself: links to one file, and the file, are read once."""
    reads: list[Unread] = field(default_factory=list)
    read_bytes: int = 0

    @property
    def full(self) -> bool:
        return len(self.found) >= _CHUNK_ITEMS or len(self.reads) >= _CHUNK_READS or self.read_bytes >= _CHUNK_BYTES


@dataclass(slots=True)
class _Batch:
    """Files with their ids."""

    found: list[tuple[ArchiveItem, str]] = field(default_factory=list)
    new_sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    vanished: list[dict[str, Any]] = field(default_factory=list)
    changes: LocationChanges = NO_CHANGES
    reads: int = 0
    read_bytes: int = 0

    @property
    def full(self) -> bool:
        return len(self.found) >= _BATCH_ITEMS or self.reads >= _BATCH_READS or self.read_bytes >= _BATCH_BYTES


def discover_batches(
    archive: Sequence[str],
    lake: Lake,
    config: ArchiveConfig,
    *,
    progress: Callable[[int], None] = lambda _: None,
    digest_chunks: DigestChunks = digest_here,
    skipped: Skipped | None = None,
) -> Iterator[Discovery]:
    """List an archive, identify the content of every file, and yield the videos while the listing continues.

    A file whose location and state are in the lake is not read again. A file that cannot be read is also a task: its
    analysis fails with the reason. Files are read a few chunks ahead of the batch that is consumed, so memory is
    bounded. The same archive and lake give the same batches.

    Args:
        archive: Folders, files, globs, manifests, URIs.
        lake: Has the digests of files that earlier runs have read.
        config: The `archive` section.
        progress: Called with the number of files found so far.
        digest_chunks: Digests files; `workers.digest_on_workers` does it on a cluster.
        skipped: Counts what is left out.

    Yields:
        Batches. A video is in the first batch that has a file of it; its copies in later batches are only in their
        `new_sources`. If nothing is found, there is one empty batch.

    Raises:
        ArchiveError: A part of the archive does not exist or cannot be listed.
    """
    skipped = skipped or Skipped()
    seen: set[str] = set()
    for batch in _batches(archive, lake, config, skipped, progress=progress, digest_chunks=digest_chunks):
        tasks = tuple(task for task in _tasks(batch.found) if task.video_id not in seen)
        seen.update(task.video_id for task in tasks)
        yield _discovery(tasks, batch, skipped)


def discover(
    archive: Sequence[str],
    lake: Lake,
    config: ArchiveConfig,
    *,
    progress: Callable[[int], None] = lambda _: None,
    digest_chunks: DigestChunks = digest_here,
) -> Discovery:
    """Return all videos of an archive at once (see `discover_batches`).

    Args:
        archive: Folders, files, globs, manifests, URIs.
        lake: Has the digests of files that earlier runs have read.
        config: The `archive` section.
        progress: Called with the number of files found so far.
        digest_chunks: Digests files.

    Raises:
        ArchiveError: A part of the archive does not exist or cannot be listed.
    """
    skipped = Skipped()
    whole = _Batch()
    for batch in _batches(archive, lake, config, skipped, progress=progress, digest_chunks=digest_chunks):
        whole.found += batch.found
        whole.new_sources |= batch.new_sources
        whole.vanished += batch.vanished
        whole.changes += batch.changes
    return _discovery(_tasks(whole.found), whole, skipped)


def discover_known(
    archive: Sequence[str], lake: Lake, config: ArchiveConfig, skipped: Skipped | None = None
) -> tuple[VideoTask, ...] | None:
    """Return the videos of an archive without reading any file, or None if a file is new, changed, back or vanished.

    Args:
        archive: Folders, files, globs, manifests, URIs.
        lake: Has the digests of files that earlier runs have read.
        config: The `archive` section.
        skipped: Counts what is left out.

    Raises:
        ArchiveError: A part of the archive does not exist or cannot be listed.
    """
    known, skipped = _known_files(lake), skipped or Skipped()
    follower = Follower(known, lake, config, skipped)
    found: list[tuple[ArchiveItem, str]] = []
    for item in list_archive(archive, config, skipped, follower.coverage):
        follower.listed(item)
        content = known.content_of(item)
        if content is None or follower.identified(item, content):
            return None
        found.append((item, content.video_id))
    return None if follower.vanished() else _tasks(found)


def _batches(
    archive: Sequence[str],
    lake: Lake,
    config: ArchiveConfig,
    skipped: Skipped,
    *,
    progress: Callable[[int], None],
    digest_chunks: DigestChunks,
) -> Iterator[_Batch]:
    known = _known_files(lake)
    identities = Identities(known, config, digest_chunks)
    follower = Follower(known, lake, config, skipped)
    listed = _Chunks(archive, config, skipped, identities, follower, progress)
    batch, first = _Batch(), True
    for digests in digest_chunks(listed.reads()):
        _add(batch, listed.waiting.popleft(), identities, digests, follower)
        if batch.full:
            batch.changes, follower.changes = follower.changes, LocationChanges()
            yield batch
            batch, first = _Batch(), False
    # The listing is complete: if it fails, nothing below happens.
    batch.vanished = follower.vanished()
    batch.changes = follower.changes
    if batch.found or batch.vanished or first:
        yield batch


def _discovery(tasks: tuple[VideoTask, ...], batch: _Batch, skipped: Skipped) -> Discovery:
    new_sources, vanished = tuple(batch.new_sources.values()), tuple(batch.vanished)
    return Discovery(tasks, len(batch.found), skipped, new_sources, vanished, batch.changes)


def _known_files(lake: Lake) -> KnownFiles:
    forgotten = lake.sql("SELECT video_id FROM forgotten WHERE read_whole")["video_id"]
    return KnownFiles(lake.known_sources(), lake.video_ids, forgotten.to_pylist())


@dataclass(slots=True)
class _Chunks:
    """Lists the archive in chunks. `waiting` has those whose reads were taken and whose digests were not."""

    archive: Sequence[str]
    config: ArchiveConfig
    skipped: Skipped
    identities: Identities
    follower: Follower
    progress: Callable[[int], None]
    waiting: deque[_Chunk] = field(default_factory=deque)

    def reads(self) -> Iterator[list[Unread]]:
        """Yield what must be read of each chunk."""
        chunk, files = _Chunk(), 0
        for item in list_archive(self.archive, self.config, self.skipped, self.follower.coverage):
            self._add(chunk, item)
            if chunk.full:
                files += len(chunk.found)
                self.progress(files)
                self.waiting.append(chunk)
                yield chunk.reads
                chunk = _Chunk()
        self.progress(files + len(chunk.found))
        self.waiting.append(chunk)
        yield chunk.reads

    def _add(self, chunk: _Chunk, item: ArchiveItem) -> None:
        self.follower.listed(item)
        content = self.identities.without_reading(item)
        chunk.found.append((item, content))
        if content is None and file_of(item) not in chunk.unread:
            chunk.unread[file_of(item)] = item
            reads = self.identities.reads(item)
            chunk.reads.extend(reads)
            chunk.read_bytes += sum(read.read_bytes for read in reads)


def _add(
    batch: _Batch, chunk: _Chunk, identities: Identities, digests: Sequence[str | None], follower: Follower
) -> None:
    """Add the files of a chunk to a batch."""
    contents = identities.contents(list(chunk.unread.values()), digests)
    read = dict(zip(chunk.unread, contents, strict=True))
    batch.reads += len(chunk.reads)
    batch.read_bytes += chunk.read_bytes
    for item, known_content in chunk.found:
        content = known_content or read[file_of(item)]
        batch.found.append((item, content.video_id if content else _stand_in(item)))
        for row in follower.identified(item, content) if content else ():
            batch.new_sources[row["uri"]] = row


def _stand_in(item: ArchiveItem) -> str:
    """Identify an unreadable file by its location. Once it can be read, its content digest replaces this id."""
    return hashlib.sha256(f"unreadable {file_of(item)}".encode()).hexdigest()[:32]


def _tasks(found: Iterable[tuple[ArchiveItem, str]]) -> tuple[VideoTask, ...]:
    by_content: dict[str, list[ArchiveItem]] = {}
    for item, video_id in found:
        by_content.setdefault(video_id, []).append(item)
    return tuple(
        VideoTask(
            video_id,
            tuple(dict.fromkeys(uri for item in items for uri in locations(item))),
            items[0].size_bytes,
            items[0].mtime_ns,
        )
        for video_id, items in by_content.items()
    )
