"""List the files of an archive (folders, files, globs, manifests, URIs): each file once, in a fixed order."""

import glob
import io
import logging
import os
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.analysis.media import SIDECAR_EXTENSIONS
from pipeline.locations import local_path, location_of, own_path, shown
from pipeline.remote import RefusedError, check_scheme, open_remote, refusal
from pipeline.run.coverage import Coverage
from pipeline.run.manifest import is_manifest, read_manifest
from pipeline.run.remote_listing import list_files, list_remote, look_at, name_of
from schemas.config import ArchiveConfig
from schemas.errors import ArchiveError
from schemas.records import ArchiveItem

logger = logging.getLogger(__name__)

_MAX_NAMED = 12
_MAX_MANIFEST_BYTES = 1024**3


@dataclass(slots=True)
class Skipped:
    """What a listing leaves out."""

    extensions: Counter[str] = field(default_factory=Counter)
    """Number of files by extension, in lower case without a dot; empty for files without one."""
    broken_links: int = 0
    """Links among the listed files that lead to no file. Their analysis fails with the reason."""
    empty_folders: Counter[str] = field(default_factory=Counter)
    """Number of known files by the folder that they were in, and that has no files now. Its disk may not be mounted."""

    def lines(self) -> list[str]:
        """Return what was left out, in sentences for people."""
        found = []
        if self.extensions:
            counts = [f"{count:,} {f'.{name}' if name else 'without'}" for name, count in self.extensions.most_common()]
            more = f", {len(counts) - _MAX_NAMED:,} other extensions" if len(counts) > _MAX_NAMED else ""
            files = "1 file was" if self.extensions.total() == 1 else f"{self.extensions.total():,} files were"
            found.append(
                f"{files} skipped because of the extension: {', '.join(counts[:_MAX_NAMED])}{more}. "
                "archive.extensions sets which are analysed."
            )
        if self.broken_links:
            links = "1 link leads" if self.broken_links == 1 else f"{self.broken_links:,} links lead"
            found.append(f"{links} to no file. If git-annex manages the archive, `git annex get` fetches the content.")
        for folder, count in self.empty_folders.most_common(_MAX_NAMED):
            files = "1 file was" if count == 1 else f"{count:,} files were"
            found.append(
                f"There is no file in {folder}, but {files} there before. If its disk is not mounted, mount it and run "
                "again. If they are gone for good, delete the folder: then the next run marks them as missing."
            )
        return found


def list_archive(
    roots: Sequence[str], config: ArchiveConfig, skipped: Skipped | None = None, coverage: Coverage | None = None
) -> Iterator[ArchiveItem]:
    """List files that may be videos, without opening them.

    Folders are walked in name order. Hidden files and folders are skipped, files are selected by extension, and links
    are followed, each folder once. Files given one by one, or in a manifest (`.txt`, `.csv` or `.parquet` with paths
    relative to the manifest, or URIs), are taken whatever their extension. A missing file of a manifest is listed with
    0 bytes, so that it is reported.

    Args:
        roots: Folders, files, globs, manifests, fsspec URIs.
        config: Sets the file name extensions, and the schemes of URIs.
        skipped: Counts what is left out.
        coverage: Notes what is listed. It holds once the listing is complete.

    Yields:
        Each file once by each path that leads to it: the one by which it was found, and the target of its links.

    Raises:
        ArchiveError: A root does not exist, may not be read, or cannot be listed.
    """
    if not roots:
        raise ArchiveError("No archive was given. Give a folder, a file, a glob, a manifest or a URI.")
    listing = _Listing(config, skipped or Skipped(), coverage or Coverage())
    for root in roots:
        listing.check_root(root)  # before days go by with those before it
    seen: set[str] = set()
    for root in roots:
        for item in listing.of_root(root):
            if item.uri not in seen:
                seen.add(item.uri)
                yield item


def state_of(uri: str) -> ArchiveItem | None:
    """Return the state of a file as it is now; None if it is gone."""
    path = local_path(uri)
    try:
        if path is None:
            return look_at(uri)
        state = path.stat()
    except (OSError, ArchiveError):
        return None
    return ArchiveItem(uri, state.st_size, state.st_mtime_ns)


def extension_of(name: str) -> str:
    """Return the extension of a file name in lower case, without the dot; empty if it has none."""
    return name.rpartition(".")[2].lower() if "." in name else ""


@dataclass(frozen=True, slots=True)
class _Listing:
    config: ArchiveConfig
    skipped: Skipped
    coverage: Coverage

    def check_root(self, root: str) -> None:
        self._check(root)
        path = local_path(root)
        if path is None:
            return
        path = path.expanduser()
        try:
            there = path.exists() or path.is_symlink()
        except OSError as error:
            raise ArchiveError(f"{location_of(root)} cannot be listed: {error.strerror or error}.") from error
        if not there and not glob.has_magic(str(path)):
            raise ArchiveError(f"{location_of(root)} does not exist. Check the path.")

    def of_root(self, root: str) -> Iterator[ArchiveItem]:
        path = local_path(root)
        if path is None:
            yield from self._remote(root)
            return
        path = path.expanduser()
        try:
            if path.is_dir():
                yield from self._folder(own_path(path), set())
            elif path.exists() or path.is_symlink():
                yield from self._manifest(path) if is_manifest(path.name) else [self._item(own_path(path))]
            elif glob.has_magic(str(path)):
                yield from self._glob(str(path))
            else:
                raise ArchiveError(f"{location_of(root)} does not exist. Check the path.")
        except OSError as error:
            raise ArchiveError(f"{location_of(root)} cannot be listed: {error.strerror or error}.") from error

    def _check(self, location: str) -> None:
        try:
            check_scheme(location, self.config.schemes)
        except RefusedError as error:
            raise ArchiveError(str(error)) from error

    def _folder(self, folder: str, seen: set[str]) -> Iterator[ArchiveItem]:
        return self.coverage.folder(folder, self._walk(folder, seen))

    def _walk(self, folder: str, seen: set[str]) -> Iterator[ArchiveItem]:
        real = os.path.realpath(folder)
        if real in seen:
            return
        seen.add(real)
        if real != folder:
            self.coverage.linked(real)
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            logger.warning("Skipping the folder %s: %s", location_of(folder), error.strerror)
            self.coverage.unreadable += [f"{path.rstrip('/')}/" for path in (folder, real)]
            return
        for entry in entries:
            if entry.name.startswith("."):
                continue
            # os.path.isdir, unlike entry.is_dir(), is false for a link to itself.
            linked = entry.is_symlink()
            if os.path.isdir(entry.path) if linked else entry.is_dir():  # noqa: PTH112 - as above
                yield from self._walk(entry.path, seen)
            elif self._selected(entry.name):
                yield self._item(entry.path) if linked else self._entry(entry, folder, real)

    def _entry(self, entry: os.DirEntry[str], folder: str, real: str) -> ArchiveItem:
        """Return a file of a folder that is not a link, with one system call."""
        target = location_of(os.path.join(real, entry.name)) if real != folder else None  # noqa: PTH118 - a string
        try:
            state = entry.stat()
        except OSError:
            return ArchiveItem(location_of(entry.path), 0, 0)
        return _local_item(location_of(entry.path), state, target)

    def _glob(self, pattern: str) -> Iterator[ArchiveItem]:
        found = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - patterns may be absolute
        if not found:
            raise ArchiveError(
                f"Nothing matches {location_of(pattern)}. Quote the pattern so that the shell does not expand it."
            )
        yield from self.coverage.folder("", self._matched(found), glob=pattern)

    def _matched(self, names: list[str]) -> Iterator[ArchiveItem]:
        seen: set[str] = set()
        for name in names:
            path = Path(name)
            if path.is_dir():
                yield from self._folder(own_path(path), seen)
            elif self._selected(path.name):
                yield self._item(own_path(path))

    def _manifest(self, path: Path) -> Iterator[ArchiveItem]:
        with path.open("rb") as file:
            entries = read_manifest(file, str(path))
        uris: list[str] = []
        for entry in entries:
            listed = local_path(entry)
            if listed is None:
                self._check(entry)
                uris.append(entry)
                continue
            yield from self._named(uris)
            uris.clear()
            listed = path.absolute().parent / listed
            if listed.is_dir():
                yield from self._folder(own_path(listed), set())
            else:
                item = self._item(own_path(listed))
                self.coverage.named.add(item.uri)
                yield item
        yield from self._named(uris)

    def _named(self, uris: list[str]) -> Iterator[ArchiveItem]:
        """List the files that a manifest names."""
        self.coverage.named.update(uris)
        return list_files(uris, self._selected, self.coverage)

    def _item(self, path: str) -> ArchiveItem:
        real = os.path.realpath(path)
        uri, target = location_of(path), location_of(real) if real != path else None
        try:
            state = os.stat(real)  # noqa: PTH116 - names may contain bytes that are not valid text
        except OSError:
            self.skipped.broken_links += os.path.islink(path)  # noqa: PTH114 - as above
            return ArchiveItem(uri, 0, 0)
        return _local_item(uri, state, target)

    def _selected(self, name: str) -> bool:
        """Return whether a file of a folder is selected by its name. Count it if its extension is the reason."""
        if name.startswith("."):
            return False
        extension = shown(extension_of(name))
        if extension in self.config.extensions:
            return True
        if extension not in SIDECAR_EXTENSIONS:
            self.skipped.extensions[extension] += 1
        return False

    def _remote(self, root: str) -> Iterator[ArchiveItem]:
        if is_manifest(name_of(root)):
            yield from self._named(self._remote_manifest(root))
        else:
            yield from list_remote(root, self._selected, self.coverage)

    def _remote_manifest(self, root: str) -> list[str]:
        """Return the URIs that a manifest on another machine lists. It may not list files of this one."""
        try:
            with open_remote(root) as file:
                content = file.read(_MAX_MANIFEST_BYTES + 1)
        except Exception as error:
            # fsspec backends raise their own error types.
            raise ArchiveError(f"The manifest {root} cannot be read: {refusal(error) or error}") from error
        if len(content) > _MAX_MANIFEST_BYTES:
            raise ArchiveError(f"The manifest {root} is larger than {_MAX_MANIFEST_BYTES >> 20} MiB. Split it.")
        folder = root.partition("?")[0].rpartition("/")[0]
        uris = []
        for entry in read_manifest(io.BytesIO(content), name_of(root)):
            if entry.startswith("/") or ("://" in entry and local_path(entry) is not None):
                raise ArchiveError(f"The manifest {root} lists {entry}: only a local manifest may list local files.")
            uris.append(entry if "://" in entry else f"{folder}/{entry}")
            self._check(uris[-1])
        return uris


def _local_item(uri: str, state: os.stat_result, target: str | None) -> ArchiveItem:
    size_bytes = state.st_size if stat.S_ISREG(state.st_mode) else 0
    return ArchiveItem(uri, size_bytes, state.st_mtime_ns, target)
