"""Derived files, such as the search index: kept in the lake beside the tables, and rebuilt from them when lost."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pipeline.lake.store import Store


class DerivedFiles:
    """A folder of derived files, named by paths relative to it; see `Lake.search_files`.

    Args:
        store: The lake's files.
        folder: The folder's name in the lake.
        lake_uri: The URI of the lake, for error messages.
    """

    def __init__(self, store: Store, folder: str, lake_uri: str) -> None:
        self._store = store
        self._folder = folder
        self.lake_uri = lake_uri

    def local_path(self, name: str) -> Path | None:
        """Return the path of a file or folder; None on an object store."""
        return Path(self._store.path(self._inside(name))) if self._store.local else None

    def names(self) -> list[str]:
        """List the direct children, sorted; empty if there is no such folder yet."""
        return self._store.names(self._folder)

    def size(self, name: str) -> int:
        """Return a file's size in bytes."""
        return self._store.size(self._inside(name))

    def read(self, name: str) -> bytes:
        """Return a small file's content."""
        return self._store.read(self._inside(name))

    def open(self, name: str) -> IO[bytes]:
        """Open a file for reading, with random access."""
        return self._store.open(self._inside(name))

    def write(self, name: str, content: bytes) -> None:
        """Write a small file; it appears whole or not at all.

        Raises:
            LakeError: The lake cannot be written.
        """
        self._store.write(self._inside(name), content)

    @contextmanager
    def publish(self, name: str) -> Iterator[Path]:
        """Yield a local file to write to; it appears in the lake, whole, when the block ends without an exception.

        Raises:
            LakeError: The lake cannot be written.
        """
        with self._store.publish(self._inside(name)) as path:
            yield path

    def remove_folder(self, name: str) -> None:
        """Remove a folder and everything in it; do nothing if it does not exist."""
        self._store.remove_folder(self._inside(name))

    def _inside(self, name: str) -> str:
        return f"{self._folder}/{name}"
