"""The digest of a file's content, from which its video's id is made: of all its bytes, or of samples of a large file.

`pipeline.run.identity` decides what the digest of samples is worth.
"""

import hashlib
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import IO, Literal

from pipeline.analysis.media import open_bytes
from pipeline.locations import local_path
from pipeline.remote import reason
from schemas.config import SMALL_FILE_BYTES, ArchiveConfig
from schemas.errors import ErrorKind, MediaError

logger = logging.getLogger(__name__)

Method = Literal["full", "sampled"]
"""`full`: SHA-256 of all bytes. `sampled`: of the size, and of the first, the last and two other MiB."""

SMALL_BYTES = SMALL_FILE_BYTES
_CHUNK_BYTES = 1024 * 1024
_SAMPLES = 4
SAMPLED_BYTES = _SAMPLES * _CHUNK_BYTES
_DIGEST_LENGTH = 32
_LOCAL_READERS = 4
"""Local files read in parallel. Hashing releases the interpreter lock, so others can wait for the disk meanwhile."""
_REMOTE_READERS = 16
_CHUNKS_HERE = 2


@dataclass(frozen=True, slots=True)
class Unread:
    """A file to digest."""

    uri: str
    size_bytes: int
    method: Method

    @property
    def read_bytes(self) -> int:
        """Bytes that will be read."""
        return self.size_bytes if self.method == "full" else SAMPLED_BYTES


DigestChunks = Callable[[Iterable[Sequence[Unread]]], Iterator[list[str | None]]]
"""Digests the files of several chunks at once, and yields the digests chunk by chunk, in order; None if unreadable."""


def method_for(size_bytes: int, config: ArchiveConfig) -> Method:
    """Return how a file of this size is digested."""
    small = {"full": size_bytes, "sampled": SAMPLED_BYTES, "auto": SMALL_BYTES}[config.digest]
    return "full" if size_bytes <= small else "sampled"


def content_digest(uri: str, size_bytes: int, config: ArchiveConfig) -> str:
    """Digest a file's content.

    Args:
        uri: The file.
        size_bytes: Its size, which is part of a sampled digest.
        config: `archive.digest` selects all bytes, or samples of large files.

    Returns:
        32 hexadecimal characters: the first half of a SHA-256.

    Raises:
        MediaError: The file vanished or cannot be read.
    """
    return digest_file(Unread(uri, size_bytes, method_for(size_bytes, config)))


def digest_file(unread: Unread) -> str:
    """Digest a file's content, as `content_digest` does, by a given method.

    Raises:
        MediaError: The file vanished or cannot be read.
    """
    digest = hashlib.sha256()
    sampled = unread.method == "sampled"
    try:
        # A sample must not make the store send what follows it.
        with open_bytes(unread.uri, read_ahead=not sampled) as file:
            if sampled:
                digest.update(f"sampled {unread.size_bytes}\n".encode())
            for chunk in _samples(file, unread.size_bytes) if sampled else iter(lambda: file.read(_CHUNK_BYTES), b""):
                digest.update(chunk)
    except MediaError:
        raise
    except Exception as error:  # fsspec backends raise their own error types
        message = f"{unread.uri} cannot be read: {reason(error)}. Check the disk or the network."
        raise MediaError(ErrorKind.UNREADABLE, message, stage="digest") from error
    return digest.hexdigest()[:_DIGEST_LENGTH]


def _samples(file: IO[bytes], size_bytes: int) -> Iterator[bytes]:
    last = size_bytes - _CHUNK_BYTES
    for number in range(_SAMPLES):
        file.seek(last * number // (_SAMPLES - 1))
        yield file.read(_CHUNK_BYTES)


def digest_files(files: Sequence[Unread]) -> list[str | None]:
    """Digest files in parallel threads.

    Returns:
        The digest of each file, in order; None if it cannot be read, which its analysis reports.
    """
    local = all(local_path(file.uri) is not None for file in files)
    readers = min(len(files), _LOCAL_READERS if local else _REMOTE_READERS)
    with ThreadPoolExecutor(max(1, readers), thread_name_prefix="digest") as executor:
        return list(executor.map(_digest_or_none, files))


def _digest_or_none(file: Unread) -> str | None:
    try:
        return digest_file(file)
    except MediaError as error:
        logger.info("%s", error)
        return None


def digest_here(chunks: Iterable[Sequence[Unread]]) -> Iterator[list[str | None]]:
    """Digest the files of several chunks in this process (see `DigestChunks`)."""
    executor = ThreadPoolExecutor(_CHUNKS_HERE, thread_name_prefix="digests")
    try:
        yield from in_order(chunks, lambda chunk: executor.submit(digest_files, chunk).result, _CHUNKS_HERE)
    finally:
        executor.shutdown(cancel_futures=True)


def in_order(
    chunks: Iterable[Sequence[Unread]],
    submit: Callable[[Sequence[Unread]], Callable[[], list[str | None]]],
    max_in_flight: int,
) -> Iterator[list[str | None]]:
    """Submit chunks ahead of the results that are consumed, and yield the results in order.

    Args:
        chunks: The chunks; those without files are not submitted.
        submit: Starts the work on a chunk, and returns a function that waits for its result.
        max_in_flight: Maximum number of chunks submitted and not yet consumed.
    """
    waiting: deque[Callable[[], list[str | None]]] = deque()
    for chunk in chunks:
        waiting.append(submit(chunk) if chunk else list)
        if len(waiting) > max_in_flight:
            yield waiting.popleft()()
    while waiting:
        yield waiting.popleft()()
