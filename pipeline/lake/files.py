"""The lake as DuckDB sees it: a file system that can read the lake's files, and do nothing else.

DuckDB's own settings keep queries inside allowed folders but let them write there (`WITH x AS (COPY … TO …) SELECT`
counts as a SELECT). This file system cannot write or open anything outside the lake, and makes local disks and object
stores look the same. It costs about 0.3 ms per file.
"""

import threading
from datetime import UTC, datetime
from typing import IO, Any

from fsspec import AbstractFileSystem

from pipeline.lake.store import Store

PROTOCOL = "videolake"


def reader_path(relative: str) -> str:
    """Return the path by which DuckDB opens a file of the lake."""
    return f"{PROTOCOL}://{relative}"


class SharedFile:
    """A file that several DuckDB threads read at the same time.

    They share the handle, and each seeks before it reads, so every thread has its own position here.

    Args:
        file: The file. It is closed together with this one.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
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
        pieces: list[bytes] = []
        with self._lock:
            self._file.seek(self.tell())
            while size and (piece := self._file.read(size)):
                pieces.append(piece)
                size = size if size < 0 else size - len(piece)
        content = b"".join(pieces) if len(pieces) != 1 else pieces[0]
        self._at.position = self.tell() + len(content)
        return content

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class LakeFiles(AbstractFileSystem):  # type: ignore[misc]
    """Read-only view of a lake's files for DuckDB.

    Args:
        store: The lake's files.
    """

    protocol = PROTOCOL
    cachable = False

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store
        self.vanished = False
        """Whether a query opened a file that compaction has replaced."""

    def info(self, path: str, **_: object) -> dict[str, Any]:
        """Return the size and type of a file."""
        relative = self._inside(path)
        try:
            return {"name": relative, "size": self._store.size(relative), "type": "file"}
        except FileNotFoundError:
            self.vanished = True
            raise

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
        try:
            return SharedFile(self._store.open(self._inside(path)))
        except FileNotFoundError:
            self.vanished = True
            raise

    def open(self, path: str, mode: str = "rb", **_: object) -> SharedFile:
        """Open a file of the lake for reading."""
        return self._open(path, mode)

    def _inside(self, path: str) -> str:
        relative = path.removeprefix(f"{PROTOCOL}:").lstrip("/")
        table, _, name = relative.partition("/")
        if not name or "/" in name or name == ".." or table.startswith(("_", ".")):
            raise PermissionError(f"{path} is not a file of a table.")
        return relative
