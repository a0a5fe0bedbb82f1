"""The content digest, which identifies a video: the same bytes are the same video, whatever their location or name."""

import hashlib
from collections.abc import Iterator
from typing import IO

from pipeline.analysis.media import open_bytes
from schemas.config import ArchiveConfig
from schemas.errors import ErrorKind, MediaError

_CHUNK_BYTES = 1024 * 1024
_SAMPLES = 4
_DIGEST_LENGTH = 32


def content_digest(uri: str, size_bytes: int, config: ArchiveConfig) -> str:
    """Digest a file's content.

    Args:
        uri: The file.
        size_bytes: Its size, which is part of a sampled digest.
        config: `archive.digest` selects all bytes, or four samples of 1 MiB spread from the first to the last byte.

    Returns:
        32 hexadecimal characters: the first half of a SHA-256.

    Raises:
        MediaError: The file vanished or cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with open_bytes(uri) as file:
            if config.digest == "sampled" and size_bytes > _SAMPLES * _CHUNK_BYTES:
                digest.update(f"sampled {size_bytes}\n".encode())
                chunks = _samples(file, size_bytes)
            else:
                chunks = iter(lambda: file.read(_CHUNK_BYTES), b"")
            for chunk in chunks:
                digest.update(chunk)
    except OSError as error:
        message = f"{uri} cannot be read: {error.strerror or error}. Check the disk."
        raise MediaError(ErrorKind.UNREADABLE, message, stage="digest") from error
    return digest.hexdigest()[:_DIGEST_LENGTH]


def _samples(file: IO[bytes], size_bytes: int) -> Iterator[bytes]:
    last = size_bytes - _CHUNK_BYTES
    for number in range(_SAMPLES):
        file.seek(last * number // (_SAMPLES - 1))
        yield file.read(_CHUNK_BYTES)
