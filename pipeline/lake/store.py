"""The files of a lake, in a local folder or any store that fsspec or Arrow reaches by URI.

A file appears whole or not at all. On local disk it is written next to the lake's tables, flushed and renamed. For an
object store it is written to local disk and uploaded with a single put.

Requests to an object store are repeated while it is busy or out of reach (see `pipeline.remote`).
"""

import errno
import io
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, TypeVar, cast

import fsspec
import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq
from fsspec.implementations.arrow import ArrowFSWrapper
from fsspec.implementations.local import LocalFileSystem

from pipeline.lake.layout import TEMPORARY
from pipeline.locations import location_of
from pipeline.remote import RefusedError, RemoteFile, check_lake, is_transient, package_for, reason, retried
from schemas.errors import LakeError, VideolakeError

Answer = TypeVar("Answer")

_FLAT = frozenset({"s3", "gcs", "abfs"})
"""Arrow's file systems without folders."""
_PIECE_BYTES = 8 * 1024**2
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
"""What file systems without hard links answer."""


class Store:
    """Files under one folder, named by relative paths with forward slashes.

    Args:
        uri: Local path, `file://`, `memory://`, `s3://` or any other URI that fsspec or Arrow knows.
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self.filesystem, self.root = _resolve(uri)
        self.local = isinstance(self.filesystem, LocalFileSystem)
        self.conditional = not isinstance(self.filesystem, ArrowFSWrapper)
        """Whether `create` works, as far as the client is concerned."""
        self.absolute_uri = self.root if self.local else uri
        """The same location from any working directory."""
        self.patience_s: float | None = None
        """How long requests to an object store are repeated; None: as long as everywhere."""

    def path(self, relative: str) -> str:
        """Return the path of a file as the file system knows it."""
        return f"{self.root}/{relative}" if relative else self.root

    def names(self, folder: str = "") -> list[str]:
        """Return the names of a folder's direct children, sorted; empty if there is no such folder."""
        try:
            if self.local:
                return sorted(os.listdir(self.path(folder)))  # noqa: PTH208 - fsspec and pathlib take ten times as long
            paths = self._ask("list", folder, lambda: self.filesystem.ls(self.path(folder), detail=False))
        except (FileNotFoundError, NotADirectoryError):
            return []
        names = {path.rstrip("/").rsplit("/", 1)[-1] for path in paths}
        # Some object stores list the folder itself among its children.
        return sorted(names - {"", self.path(folder).rsplit("/", 1)[-1]})

    def tree(self, folder: str) -> list[str]:
        """Return all files below a folder, as sorted paths relative to it."""
        base = self.path(folder).strip("/") + "/"
        try:
            found = self._ask("list", folder, lambda: self._find(self.path(folder)))
        except FileNotFoundError:
            return []
        return sorted(path.strip("/").removeprefix(base) for path in found)

    def exists(self, relative: str) -> bool:
        """Return whether a file exists.

        Raises:
            LakeError: It cannot be looked for.
        """
        try:
            self._ask("read", relative, lambda: self.filesystem.info(self.path(relative)))
        except (FileNotFoundError, NotADirectoryError):
            return False
        except PermissionError as error:
            raise self._cannot("look for", relative, error) from error
        return True

    def size(self, relative: str) -> int:
        """Return the size of a file in bytes."""
        return int(self._ask("read", relative, lambda: self.filesystem.size(self.path(relative))))

    def read(self, relative: str) -> bytes:
        """Return the content of a small file."""
        # s3fs would ask for the size first, to read parts at the same time.
        options = {"max_concurrency": 1} if _is_s3fs(self.filesystem) else {}
        return bytes(self._ask("read", relative, lambda: self.filesystem.cat_file(self.path(relative), **options)))

    def open(self, relative: str, size_bytes: int | None = None) -> IO[bytes]:
        """Open a file for random access. If its size is known, an object store is not asked for it."""
        if self.local:
            return Path(self.path(relative)).open("rb", buffering=0)
        known: dict[str, Any] = {}
        if size_bytes is not None and not isinstance(self.filesystem, ArrowFSWrapper):
            known["size"] = size_bytes
        opening = lambda: cast("IO[bytes]", self.filesystem.open(self.path(relative), "rb", **known))  # noqa: E731
        return cast("IO[bytes]", self._ask("read", relative, lambda: RemoteFile(opening)))

    @contextmanager
    def parquet(self, relative: str) -> Iterator[pq.ParquetFile]:
        """Open a Parquet file."""
        with self.open(relative) as source, pq.ParquetFile(source) as file:
            yield file

    def schema(self, relative: str) -> pa.Schema:
        """Return the Arrow schema of a Parquet file."""
        with self.parquet(relative) as file:
            return file.schema_arrow

    @contextmanager
    def publish(self, relative: str) -> Iterator[Path]:
        """Yield a local path to write. The file appears in the lake, whole, if the block ends without an exception.

        Raises:
            LakeError: The disk is full, or the location cannot be written.
        """
        try:
            if self.local:
                yield from self._publish_by_rename(relative)
            else:
                yield from self._publish_by_put(relative)
        except OSError as error:
            raise self._cannot("write", relative, error) from error

    def write(self, relative: str, content: bytes) -> None:
        """Write a small file. It appears whole.

        Raises:
            LakeError: The disk is full, or the location cannot be written.
        """
        if self.local:
            with self.publish(relative) as path:
                path.write_bytes(content)
            return
        try:
            self._ask("write", relative, lambda: self._pipe(content, relative))
        except OSError as error:
            raise self._cannot("write", relative, error) from error

    def create(self, relative: str, content: bytes) -> bool:
        """Write a small file on an object store by a conditional put, unless there is one.

        Args:
            relative: The file.
            content: Its content, which nobody else writes.

        Returns:
            Whether it has this content now. A put whose response was lost succeeded too.

        Raises:
            NotImplementedError, TypeError, ValueError: The store's client has no conditional put.
            LakeError: The store cannot be reached.
        """

        def put() -> bool:
            try:
                self.filesystem.pipe_file(self.path(relative), content, mode="create")
            except Exception as error:  # noqa: BLE001 - of any client
                # Clients repeat requests too, and then find the file of their own first attempt.
                try:
                    return bool(self.filesystem.cat_file(self.path(relative)) == content)
                except FileNotFoundError:
                    raise error from None
            return True

        return self._ask("write", relative, put)

    def write_new(self, relative: str, content: bytes) -> bool:
        """Write a small file unless it exists. Of several writers at the same time, one succeeds.

        Args:
            relative: The file.
            content: Its content, which no other writer would write.

        Returns:
            Whether this call wrote the file.

        Raises:
            LakeError: The location cannot be written.
        """
        try:
            return self._link_new(relative, content) if self.local else self._put_new(relative, content)
        except OSError as error:
            raise self._cannot("write", relative, error) from error

    def move(self, relative: str, to: str) -> None:
        """Move a file, if it exists. Readers always find it in at least one of the two places."""
        with suppress(FileNotFoundError):
            if self.local:
                target = Path(self.path(to))
                target.parent.mkdir(parents=True, exist_ok=True)
                Path(self.path(relative)).replace(target)
            else:
                copy = lambda: self.filesystem.cp_file(self.path(relative), self.path(to))  # noqa: E731
                self._ask("move", relative, copy)
                self.remove(relative)

    def remove_files(self, relatives: Sequence[str]) -> None:
        """Remove files that may not exist, with few requests."""
        if self.local or isinstance(self.filesystem, ArrowFSWrapper) or len(relatives) == 1:
            for relative in relatives:
                self.remove(relative)
        elif relatives:
            paths = [self.path(relative) for relative in relatives]
            try:
                self._ask("remove", relatives[0], lambda: self.filesystem.rm(paths))
            except FileNotFoundError:
                for relative in relatives:
                    self.remove(relative)

    def remove(self, relative: str) -> None:
        """Remove a file, if it exists."""
        with suppress(FileNotFoundError):
            self._ask("remove", relative, lambda: self.filesystem.rm_file(self.path(relative)))

    def remove_empty(self, relative: str) -> None:
        """Remove a folder if nothing is left in it. Object stores have no folders."""
        if self.local:
            with suppress(OSError):
                Path(self.path(relative)).rmdir()

    def remove_folder(self, relative: str) -> None:
        """Remove a folder and everything in it, if it exists."""

        def remove() -> None:
            if isinstance(self.filesystem, ArrowFSWrapper):
                # `rm` takes a folder that it cannot look at now for a file.
                self.filesystem.fs.delete_dir(self.path(relative))
            else:
                self.filesystem.rm(self.path(relative), recursive=True)

        with suppress(FileNotFoundError):
            if self.local:
                shutil.rmtree(self.path(relative))
            else:
                self._ask("remove", relative, remove)

    def _ask(self, doing: str, relative: str, request: Callable[[], Answer]) -> Answer:
        """Do a request. On an object store, repeat it while that may help, and explain a failure.

        Raises:
            LakeError: The store cannot be reached, or refuses access.
            OSError: The file does not exist, and other answers of the store; on local disk, any failure.
        """
        if self.local:
            return request()
        try:
            return retried(request, lambda: self.patience_s)
        except Exception as error:
            own = isinstance(error, OSError | NotImplementedError | TypeError | ValueError | VideolakeError)
            if isinstance(error, PermissionError) or is_transient(error) or not own:
                raise self._cannot(doing, relative, error) from error
            raise

    def _cannot(self, doing: str, relative: str, error: Exception) -> LakeError:
        what = f"Cannot {doing} {relative} in the lake {self.uri}: {reason(error)}."
        advice = "" if self.local else " Check the credentials, the network and the store, and run again."
        return LakeError(f"{what.replace('..', '.')}{advice}")

    def _link_new(self, relative: str, content: bytes) -> bool:
        target = Path(self.path(relative))
        temporary = Path(self.path(TEMPORARY)) / f"{uuid.uuid4().hex}-{target.name}"
        for folder in (temporary.parent, target.parent):
            folder.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_bytes(content)
            _flush(temporary)
            os.link(temporary, target)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            if target.exists():
                return False
            # A file system without hard links, such as exFAT: the writer lock keeps others away.
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
        _flush(target.parent)
        return True

    def _put_new(self, relative: str, content: bytes) -> bool:
        if self.conditional:
            try:
                return self.create(relative, content)
            except (NotImplementedError, TypeError, ValueError):
                pass  # the writer's lease, or the setting that does without it, keeps others away
        new = not self.exists(relative)
        if new:
            self.write(relative, content)
        return new

    def _publish_by_rename(self, relative: str) -> Iterator[Path]:
        target = Path(self.path(relative))
        temporary = Path(self.path(TEMPORARY)) / f"{uuid.uuid4().hex}-{target.name}"
        temporary.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            _flush(temporary)
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary.replace(target)
            _flush(target.parent)
        finally:
            temporary.unlink(missing_ok=True)

    def _publish_by_put(self, relative: str) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="videolake-") as folder:
            temporary = Path(folder) / relative.rsplit("/", 1)[-1]
            yield temporary
            self._ask("write", relative, lambda: self._put(temporary, relative))

    def _find(self, folder: str) -> list[str]:
        if isinstance(self.filesystem, ArrowFSWrapper):
            # `find` leaves out what cannot be listed now.
            found = self.filesystem.fs.get_file_info(pafs.FileSelector(folder, recursive=True))
            return [each.path for each in found if each.type is pafs.FileType.File]
        return list(self.filesystem.find(folder))

    def _put(self, source: Path, relative: str) -> None:
        if isinstance(self.filesystem, ArrowFSWrapper):
            with source.open("rb") as file:
                _write_with_arrow(self.filesystem.fs, self.path(relative), file)
        else:
            self.filesystem.put_file(str(source), self.path(relative))

    def _pipe(self, content: bytes, relative: str) -> None:
        if isinstance(self.filesystem, ArrowFSWrapper):
            _write_with_arrow(self.filesystem.fs, self.path(relative), io.BytesIO(content))
        else:
            self.filesystem.pipe_file(self.path(relative), content)


def _write_with_arrow(filesystem: pafs.FileSystem, path: str, source: IO[bytes]) -> None:
    # fsspec's wrapper makes an object for each folder first. Object stores need none.
    if filesystem.type_name not in _FLAT:
        filesystem.create_dir(path.rsplit("/", 1)[0], recursive=True)
    with filesystem.open_output_stream(path, compression=None) as stream:
        shutil.copyfileobj(source, stream, _PIECE_BYTES)


def _resolve(uri: str) -> tuple[Any, str]:
    """Return the file system and the folder's path on it.

    Raises:
        LakeError: No installed package knows this kind of URI.
    """
    if "://" not in uri:
        path = str(Path(uri).expanduser().absolute()).rstrip("/")
        if location_of(path) != path:
            raise LakeError(f"The path of the lake is not valid UTF-8: {location_of(path)}. Give it another name.")
        return LocalFileSystem(), path
    scheme = uri.split("://", 1)[0].lower()
    try:
        check_lake(uri)
    except RefusedError as error:
        raise LakeError(f"Cannot reach the lake. {error}") from error
    try:
        # Listings are never cached, because a writer must see what another machine has just written.
        filesystem, root = fsspec.core.url_to_fs(uri, use_listings_cache=False)
    except ImportError:
        filesystem, root = _resolve_with_arrow(uri, scheme)
    except ValueError as error:
        raise LakeError(f"Cannot reach the lake {uri}: {error}") from error
    return filesystem, str(root).rstrip("/")


def _resolve_with_arrow(uri: str, scheme: str) -> tuple[Any, str]:
    """Use Arrow's own clients (S3, GCS, Azure, HDFS) if fsspec's package for the store is not installed."""
    # A small file is then one request, not three.
    options = f"{'&' if '?' in uri else '?'}allow_delayed_open=true" if scheme == "s3" else ""
    try:
        filesystem, root = pafs.FileSystem.from_uri(uri + options)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise LakeError(f"Cannot reach the lake {uri}: {package_for(scheme)}.") from error
    return ArrowFSWrapper(filesystem), root


def _is_s3fs(filesystem: Any) -> bool:  # noqa: ANN401 - fsspec has no types
    return not isinstance(filesystem, ArrowFSWrapper) and "s3" in filesystem.protocol


def _flush(path: Path) -> None:
    """Make a file, or the listing of a folder, survive a power cut."""
    if path.is_dir() and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
