"""Digests of weights. They tie a row of the lake to the exact model that made it."""

import hashlib
import os
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from pipeline.models.cache import cache_dir, written_whole
from schemas.errors import ModelError

DIGEST_LENGTH = 16
_WEIGHT_KINDS = (("*.safetensors",), ("*.bin", "*.pt", "*.pth"), ("*.onnx",))
_LARGE_BYTES = 4 << 20
"""Digests of larger files are kept for other processes."""
_SETTLED_NS = 2_000_000_000
"""A file that has changed within this time may change again without another time of change."""
_NOT_WEIGHTS = frozenset({"training_args.bin", "optimizer.pt", "scheduler.pt", "rng_state.pth"})


def weight_files(path: Path) -> tuple[Path, ...]:
    """Return a model's weight files, sorted: safetensors if there are any, else PyTorch files, else ONNX files.

    Args:
        path: Folder of a model, or one weights file.
    """
    if path.is_file():
        return (path,)
    for patterns in _WEIGHT_KINDS:
        found = {file for pattern in patterns for file in path.glob(pattern) if file.name not in _NOT_WEIGHTS}
        if found:
            return tuple(sorted(found))
    return ()


def weights_digest(files: Sequence[Path]) -> str:
    """Return the digest of weight files.

    Args:
        files: One file, whose digest is the beginning of its `sha256sum`; or several files, whose names also count.

    Returns:
        16 hex characters.

    Raises:
        ModelError: A file cannot be read.
    """
    digests = [file_sha256(file) for file in files]
    if len(digests) == 1:
        return digests[0][:DIGEST_LENGTH]
    joined = "".join(f"{file.name}\0{digest}\n" for file, digest in zip(files, digests, strict=True))
    return hashlib.sha256(joined.encode()).hexdigest()[:DIGEST_LENGTH]


def weights_size(files: Sequence[Path]) -> int:
    """Return the size of weight files in bytes.

    Raises:
        ModelError: A file cannot be read.
    """
    try:
        return sum(file.stat().st_size for file in files)
    except OSError as error:
        raise ModelError(f"Cannot read the weights {error.filename}: {error.strerror or error}.") from error


def file_sha256(file: Path) -> str:
    """Return the SHA-256 of a file in hex.

    The file is read again only if it has changed: digests of large files are kept in the model cache. The operating
    system notes the time of every change, also of one that keeps the size and the modification time.

    Raises:
        ModelError: The file cannot be read.
    """
    try:
        status = file.stat()
        state = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        return _sha256(str(file), state)
    except OSError as error:
        raise ModelError(f"Cannot read the weights {file}: {error.strerror or error}.") from error


@lru_cache(maxsize=256)
def _sha256(file: str, state: tuple[int, ...]) -> str:
    _device, _inode, size_bytes, *times_ns = state
    kept = _kept(file, state) if size_bytes > _LARGE_BYTES else None
    if kept is not None:
        with suppress(OSError, ValueError):
            found = kept.read_text("ascii")
            if re.fullmatch("[0-9a-f]{64}", found):
                return found
    with Path(file).open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if kept is not None and time.time_ns() - max(times_ns) > _SETTLED_NS:
        with suppress(OSError):
            kept.parent.mkdir(exist_ok=True)
            with written_whole(kept) as out:
                out.write(digest.encode("ascii"))
    return digest


def _kept(file: str, state: tuple[int, ...]) -> Path | None:
    """Return where the digest of a file in some state is kept; None if this user has no place for it."""
    name = hashlib.sha256(os.fsencode(file) + repr(state).encode()).hexdigest()[:32]
    try:
        return cache_dir() / "digests" / name
    except ModelError:
        return None
