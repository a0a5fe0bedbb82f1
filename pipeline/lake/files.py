"""The lake as DuckDB sees it: a file system that can read the lake's files, and do nothing else.

DuckDB's own settings keep queries inside allowed folders but let them write there (`WITH x AS (COPY … TO …) SELECT`
counts as a SELECT). This file system cannot write or open anything outside the lake, and makes local disks and object
stores look the same. It costs about 0.3 ms per file.
"""

import io
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import IO, Any, TypeVar

from fsspec import AbstractFileSystem

from pipeline.lake.layout import REPLACED
from pipeline.lake.snapshot import Snapshot
from pipeline.lake.store import Store

_SMALL_BYTES = 1024**2
"""Files of an object store up to this size are read with one request."""
_KEPT_BYTES = 64 * 1024**2
"""So much of them is kept: a query opens each several times, and others share the connection for long."""

PROTOCOL = "videolake"

Read = TypeVar("Read")


def reader_path(relative: str) -> str:
    """Return the path by which DuckDB opens a file of the lake."""
    return f"{PROTOCOL}://{relative}"


class SharedFile:
    """A file that several DuckDB threads read at the same time.

    They share the handle, and each seeks before it reads, so every thread has its own position here.

    Args:
        file: The file. It is closed together with this one.
        moved: Opens the file again if an object store has it elsewhere by now; None if that cannot be.
    """

    def __init__(self, file: IO[bytes], moved: Callable[[], IO[bytes]] | None = None) -> None:
        self._file = file
        self._moved = moved
        self._lock = threading.Lock()
        self._at = threading.local()

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move this thread's position, relative to the start (0), the current position (1) or the end (2)."""
        if whence == 2:
            with self._lock:
                self._at.position = self._file.seek(offset, 2)
        else:
            self._at.position = offset + (self.tell() if whence == 1 else 0)
        return self.tell()

    def tell(self) -> int:
        """Return this thread's position."""
        return int(getattr(self._at, "position", 0))

    def read(self, size: int = -1) -> bytes:
        """Read `size` bytes, or fewer at the end of the file; a negative size reads to the end."""
        with self._lock:
            try:
                content = self._read(size)
            except FileNotFoundError:
                if self._moved is None:
                    raise
                self._file, self._moved = self._moved(), None
                content = self._read(size)
        self._at.position = self.tell() + len(content)
        return content

    def _read(self, size: int) -> bytes:
        pieces: list[bytes] = []
        self._file.seek(self.tell())
        while size and (piece := self._file.read(size)):
            pieces.append(piece)
            size = size if size < 0 else size - len(piece)
        return b"".join(pieces) if len(pieces) != 1 else pieces[0]

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class LakeFiles(AbstractFileSystem):  # type: ignore[misc]
    """Read-only view of a lake's files for DuckDB.

    Args:
        store: The lake's files.
        snapshot: The version of the lake that is read. A file of it may have been replaced since.
    """

    protocol = PROTOCOL
    cachable = False

    def __init__(self, store: Store, snapshot: Snapshot) -> None:
        super().__init__()
        self._store = store
        self.snapshot = snapshot
        self._small: dict[str, bytes] = {}
        self._kept_bytes = 0
        self.vanished = False
        """Whether a query opened a file that is gone: replaced long ago, or removed to forget a video."""

    def info(self, path: str, **_: object) -> dict[str, Any]:
        """Return the size and type of a file."""
        relative = self._inside(path)
        size = self._size(relative)
        if size is None:
            size = self._found(relative, self._store.size)
        return {"name": relative, "size": size, "type": "file"}

    def ls(self, path: str, detail: bool = True, **_: object) -> list[Any]:  # noqa: ARG002 - fsspec's
        """Refuse, because queries name tables, not folders."""
        raise PermissionError(f"{path} cannot be listed by a query.")

    def glob(self, path: str, **_: object) -> list[str]:
        """Return the path itself, because the views name every file."""
        return [self._inside(path)]

    def modified(self, path: str) -> datetime:
        """Return a constant, because the lake's files never change. They are only replaced under new names."""
        self._inside(path)
        return datetime.fromtimestamp(0, UTC)

    def _open(self, path: str, mode: str = "rb", **_: object) -> SharedFile:
        if mode != "rb":
            raise PermissionError("A query cannot write to the lake.")
        relative = self._inside(path)
        size = self._size(relative)
        if self._store.local or size is None or size > _SMALL_BYTES:
            opened = partial(self._store.open, size_bytes=size)
            return SharedFile(self._found(relative, opened), lambda: self._elsewhere(relative, opened))
        content = self._small.get(relative)
        if content is None:
            content = self._found(relative, self._store.read)
            if self._kept_bytes + len(content) > _KEPT_BYTES:
                self._small, self._kept_bytes = {}, 0
            self._small[relative] = content
            self._kept_bytes += len(content)
        return SharedFile(io.BytesIO(content))

    def open(self, path: str, mode: str = "rb", **_: object) -> SharedFile:
        """Open a file of the lake for reading."""
        return self._open(path, mode)

    def _size(self, relative: str) -> int | None:
        table, _, name = relative.partition("/")
        file = self.snapshot.files.get(table, {}).get(name)
        return file.size_bytes if file else None

    def _found(self, relative: str, read: Callable[[str], Read]) -> Read:
        """Read a file where it is, or where compaction has put it since."""
        try:
            return read(relative)
        except FileNotFoundError:
            return self._elsewhere(relative, read)

    def _elsewhere(self, relative: str, read: Callable[[str], Read]) -> Read:
        for folder in reversed(self._store.names(REPLACED)):
            place = f"{REPLACED}/{folder}/{relative}"
            if self._store.exists(place):
                return read(place)
        self.vanished = True
        raise FileNotFoundError(
            f"{relative} does not exist any more: it was replaced more than an hour ago, or a video was forgotten."
        )

    def _inside(self, path: str) -> str:
        relative = path.removeprefix(f"{PROTOCOL}:").lstrip("/")
        table, _, name = relative.partition("/")
        if not name or "/" in name or name == ".." or table.startswith(("_", ".")):
            raise PermissionError(f"{path} is not a file of a table.")
        return relative
