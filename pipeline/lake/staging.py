"""Staging: results wait here until their shard is committed, so a retry only repeats what was in flight.

A video is staged as one object: a line of JSON that says what it holds and how long each part is, and then the rows of
each table as an Arrow stream. An object that is cut off, damaged or of another origin counts as missing: it is removed,
and the video is analysed again.
"""

import hashlib
import json
import logging
import uuid
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa

from pipeline.lake.layout import STAGING, checked
from pipeline.lake.parquet import pieces
from pipeline.lake.snapshot import schema_key
from pipeline.lake.store import Store
from schemas.errors import LakeError
from schemas.tables import VIDEO_TABLES

logger = logging.getLogger(__name__)

_SUFFIX = ".staged"
_BATCH_BYTES = 16 * 1024**2
"""A commit holds a batch of this size in memory next to the row group that it fills."""
_COMPRESSED_BYTES = 64 * 1024
"""Smaller tables are staged as they are: to compress each of their columns takes longer than to write them."""

_ALIGNMENT = 64
"""Bytes. Lengths of Arrow streams are multiples of 8."""


class StagingError(LakeError):
    """Videos that a commit promises are not staged. Analyse them again.

    Args:
        message: What is wrong.
        missing: The videos.
    """

    def __init__(self, message: str, missing: frozenset[str]) -> None:
        super().__init__(message)
        self.missing = missing


class DamagedStagingError(LakeError):
    """A staged object cannot be used."""


@dataclass(frozen=True, slots=True)
class StagedVideo:
    """The staged rows of one video."""

    video_id: str
    revision: str
    schemas: Mapping[str, str]
    """Key of each table's schema."""
    _parts: Mapping[str, pa.Buffer]

    def schema(self, table: str) -> pa.Schema:
        """Return the schema of a table."""
        with pa.ipc.open_stream(self._parts[table]) as stream:
            return stream.schema

    def batches(self, table: str) -> Iterator[pa.Table]:
        """Yield the rows of a table in pieces of bounded size."""
        with pa.ipc.open_stream(self._parts[table]) as stream:
            for batch in stream:
                yield pa.Table.from_batches([batch])


def stage(store: Store, shard: str, video_id: str, tables: Mapping[str, pa.Table]) -> None:
    """Stage the rows of one video until its shard is committed.

    Args:
        store: The lake's files.
        shard: Commit that the rows belong to.
        video_id: The video.
        tables: A table for each of `VIDEO_TABLES`, as `rows.video_tables` makes them.

    Raises:
        LakeError: A table is missing, or the lake cannot be written.
    """
    if set(tables) != set(VIDEO_TABLES):
        raise LakeError(f"A video is staged with the tables {', '.join(VIDEO_TABLES)}, not {', '.join(tables)}.")
    with store.publish(_staged_path(shard, video_id)) as path:
        _write(path, shard, video_id, tables)


def begin_attempt(store: Store, shard: str, video_id: str, node: str) -> tuple[str, list[str]]:
    """Note the start of an analysis, so that a video that kills its workers is detected and given up.

    Args:
        store: The lake's files.
        shard: Commit that its rows will belong to.
        video_id: The video.
        node: Id of the machine that analyses it.

    Returns:
        The id of this attempt, and the node of each earlier one of the same shard; empty for those that are excused.
    """
    earlier: list[str] = []
    note = f"{node}\n{uuid.uuid4().hex}".encode()  # a write whose answer was lost is known by its content
    while not store.write_new(_attempt_path(shard, video_id, str(len(earlier) + 1)), note):
        found = store.read(_attempt_path(shard, video_id, str(len(earlier) + 1))).decode()
        earlier.append(found.partition("\n")[0])
    return str(len(earlier) + 1), earlier


def excuse_attempt(store: Store, shard: str, video_id: str, attempt: str) -> None:
    """Note that an attempt ended for a reason other than its video."""
    store.write(_attempt_path(shard, video_id, attempt), b"")


def staged_rows(store: Store, shard: str, video_id: str, table: str) -> list[dict[str, Any]] | None:
    """Return the staged rows of a video in one table; None if it is not staged, or not usably."""
    with TemporaryDirectory(prefix="videolake-") as folder:
        try:
            video = _read(_fetch(store, _staged_path(shard, video_id), Path(folder)), shard, video_id)
        except (DamagedStagingError, FileNotFoundError):
            return None
        return [row for rows in video.batches(table) for row in rows.to_pylist()]


def staged(store: Store, shard: str) -> set[str]:
    """Return the videos of a shard that are staged."""
    return {name.removesuffix(_SUFFIX) for name in store.names(shard_folder(shard)) if name.endswith(_SUFFIX)}


@contextmanager
def open_staged(store: Store, shard: str, videos: Collection[str]) -> Iterator[list[StagedVideo]]:
    """Open those of these videos that are staged, in order of their ids. What is damaged is removed, with a warning."""
    with TemporaryDirectory(prefix="videolake-") as folder:
        found = []
        for video_id in sorted(videos):
            path = _staged_path(shard, video_id)
            try:
                found.append(_read(_fetch(store, path, Path(folder)), shard, video_id))
            except FileNotFoundError:
                continue
            except DamagedStagingError as error:
                discard(store, shard, video_id, str(error))
        yield found


def discard(store: Store, shard: str, video_id: str, reason: str) -> None:
    """Remove what is staged of a video, so that it is analysed again."""
    logger.warning("Dropped the staged rows of %s in shard %s: %s", video_id, shard, reason)
    store.remove(_staged_path(shard, video_id))


def remove_staged(store: Store, shard: str, videos: set[str]) -> int:
    """Remove the staged rows of these videos and the notes about their attempts, and return how many objects."""
    names = [name for name in store.names(shard_folder(shard)) if name.rsplit(".", 1)[0] in videos]
    store.remove_files([f"{shard_folder(shard)}/{name}" for name in names])
    store.remove_empty(shard_folder(shard))
    return len(names)


def staged_shards(store: Store) -> list[str]:
    """Return the shards with staged files, sorted."""
    return store.names(STAGING)


def shard_folder(shard: str) -> str:
    """Return the folder in which a shard's videos are staged."""
    return f"{STAGING}/{checked(shard)}"


def _staged_path(shard: str, video_id: str) -> str:
    return f"{shard_folder(shard)}/{checked(video_id)}{_SUFFIX}"


def _attempt_path(shard: str, video_id: str, attempt: str) -> str:
    return f"{shard_folder(shard)}/{checked(video_id)}.attempt{attempt}"


def _write(path: Path, shard: str, video_id: str, tables: Mapping[str, pa.Table]) -> None:
    parts = [(name, _stream(tables[name])) for name in VIDEO_TABLES]
    digest = hashlib.sha256()
    for _, part in parts:
        digest.update(part)
    revisions = tables["videos"]["revision"]
    header = {
        "shard": shard,
        "video_id": video_id,
        "revision": revisions[0].as_py() if len(revisions) else "",
        "digest": digest.hexdigest(),
        "parts": {name: [part.size, schema_key(tables[name].schema)] for name, part in parts},
    }
    line = json.dumps(header).encode()
    with path.open("wb") as file:
        # Parts that are not compressed are read where they are in the file, and numbers must begin at multiples of 8.
        file.write(line + b" " * (-(len(line) + 1) % _ALIGNMENT) + b"\n")
        for _, part in parts:
            file.write(part)


def _stream(table: pa.Table) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd" if table.nbytes >= _COMPRESSED_BYTES else None)
    with pa.ipc.new_stream(sink, table.schema, options=options) as stream:
        for piece in pieces(table, max_rows=len(table), max_bytes=_BATCH_BYTES):
            stream.write_table(piece.combine_chunks())
    return sink.getvalue()


def _fetch(store: Store, path: str, folder: Path) -> Path:
    """Return a local file with the content of a staged object."""
    if store.local:
        return Path(store.path(path))
    local = folder / path.rsplit("/", 1)[-1]
    local.write_bytes(store.read(path))
    return local


def _read(path: Path, shard: str, video_id: str) -> StagedVideo:
    if path.stat().st_size == 0:
        raise DamagedStagingError("it is empty.")
    with pa.memory_map(str(path)) as file:
        content = file.read_buffer()
    line, newline, _ = content[: 64 * 1024].to_pybytes().partition(b"\n")
    try:
        header: dict[str, Any] = json.loads(line) if newline else {}
        lengths = {name: size for name, (size, _) in header["parts"].items()}
        schemas = {name: key for name, (_, key) in header["parts"].items()}
        about = (header["shard"], header["video_id"])
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedStagingError("it is damaged.") from error
    start = len(line) + 1
    if about != (shard, video_id) or set(lengths) != set(VIDEO_TABLES):
        raise DamagedStagingError("it belongs to another shard, video or version of Videolake.")
    rest = content[start:]
    if rest.size != sum(lengths.values()) or hashlib.sha256(rest).hexdigest() != header["digest"]:
        raise DamagedStagingError("it is cut off or damaged.")
    parts = {}
    for name, length in lengths.items():
        parts[name] = content[start : start + length]
        start += length
    return StagedVideo(video_id, header["revision"], schemas, parts)
