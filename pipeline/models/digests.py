"""Digests of weights. They tie a row of the lake to the exact model that made it."""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from schemas.errors import ModelError

DIGEST_LENGTH = 16
_WEIGHT_KINDS = (("*.safetensors",), ("*.bin", "*.pt", "*.pth"), ("*.onnx",))
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
    """Return the SHA-256 of a file in hex. The file is read again only if its size or modification time changed.

    Raises:
        ModelError: The file cannot be read.
    """
    try:
        status = file.stat()
        return _sha256(str(file), status.st_size, status.st_mtime_ns)
    except OSError as error:
        raise ModelError(f"Cannot read the weights {file}: {error.strerror or error}.") from error


@lru_cache(maxsize=256)
def _sha256(file: str, _size_bytes: int, _mtime_ns: int) -> str:
    with Path(file).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
