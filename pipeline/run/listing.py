"""List the files of an archive (folders, files, globs, manifests, URIs): each file once, in a fixed order."""

import glob
import logging
import os
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import fsspec

from pipeline.analysis.media import SIDECAR_EXTENSIONS
from pipeline.locations import local_path, location_of, own_path, shown
from pipeline.run.manifest import is_manifest, read_manifest
from schemas.config import ArchiveConfig
from schemas.errors import ArchiveError
from schemas.records import ArchiveItem

logger = logging.getLogger(__name__)

_NANOSECONDS = 1_000_000_000
_MAX_NAMED = 12


@dataclass(slots=True)
class Skipped:
    """What a listing leaves out."""

    extensions: Counter[str] = field(default_factory=Counter)
    """Number of files by extension, in lower case without a dot; empty for files without one."""
    broken_links: int = 0
    """Links among the listed files that lead to no file. Their analysis fails with the reason."""

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
        return found


def list_archive(roots: Sequence[str], config: ArchiveConfig, skipped: Skipped | None = None) -> Iterator[ArchiveItem]:
    """List files that may be videos, without opening them.

    Folders are walked in name order. Hidden files and folders are skipped, files are selected by extension, and links
    are followed, each folder once. Files given one by one, or in a manifest (`.txt`, `.csv` or `.parquet` with paths
    relative to the manifest, or URIs), are taken whatever their extension. A missing file of a manifest is listed with
    0 bytes, so that it is reported.

    Args:
        roots: Folders, files, globs, manifests, fsspec URIs.
        config: Sets the file name extensions.
        skipped: Counts what is left out.

    Yields:
        Each file once by each path that leads to it: the one by which it was found, and the target of its links.

    Raises:
        ArchiveError: A root does not exist or cannot be listed.
    """
    if not roots:
        raise ArchiveError("No archive was given. Give a folder, a file, a glob, a manifest or a URI.")
    listing = _Listing(config, skipped or Skipped())
    seen: set[str] = set()
    for root in roots:
        for item in listing.of_root(root):
            if item.uri not in seen:
                seen.add(item.uri)
                yield item


@dataclass(frozen=True, slots=True)
class _Listing:
    config: ArchiveConfig
    skipped: Skipped

    def of_root(self, root: str) -> Iterator[ArchiveItem]:
        path = local_path(root)
        if path is None:
            yield from self._remote(root)
            return
        path = path.expanduser()
        try:
            if path.is_dir():
                yield from self._walk(own_path(path), set())
            elif path.exists() or path.is_symlink():
                yield from self._manifest(path) if is_manifest(path) else [self._item(own_path(path))]
            elif glob.has_magic(str(path)):
                yield from self._glob(str(path))
            else:
                raise ArchiveError(f"{location_of(root)} does not exist. Check the path.")
        except OSError as error:
            raise ArchiveError(f"{location_of(root)} cannot be listed: {error.strerror or error}.") from error

    def _walk(self, folder: str, seen: set[str]) -> Iterator[ArchiveItem]:
        real = os.path.realpath(folder)
        if real in seen:
            return
        seen.add(real)
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            logger.warning("Skipping the folder %s: %s", location_of(folder), error.strerror)
            return
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if os.path.isdir(entry.path):  # noqa: PTH112 - unlike entry.is_dir(), it is false for a link to itself
                yield from self._walk(entry.path, seen)
            elif self._selected(entry.name):
                yield self._item(entry.path)

    def _glob(self, pattern: str) -> Iterator[ArchiveItem]:
        found = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - patterns may be absolute
        if not found:
            raise ArchiveError(
                f"Nothing matches {location_of(pattern)}. Quote the pattern so that the shell does not expand it."
            )
        seen: set[str] = set()
        for name in found:
            path = Path(name)
            if path.is_dir():
                yield from self._walk(own_path(path), seen)
            elif self._selected(path.name):
                yield self._item(own_path(path))

    def _manifest(self, path: Path) -> Iterator[ArchiveItem]:
        for entry in read_manifest(path):
            listed = local_path(entry)
            if listed is None:
                yield from self._remote(entry, missing_ok=True)
                continue
            listed = path.absolute().parent / listed
            if listed.is_dir():
                yield from self._walk(own_path(listed), set())
            else:
                yield self._item(own_path(listed))

    def _item(self, path: str) -> ArchiveItem:
        real = os.path.realpath(path)
        uri, target = location_of(path), location_of(real) if real != path else None
        try:
            state = os.stat(real)  # noqa: PTH116 - names may contain bytes that are not valid text
        except OSError:
            self.skipped.broken_links += os.path.islink(path)  # noqa: PTH114 - as above
            return ArchiveItem(uri, 0, 0)
        regular = stat.S_ISREG(state.st_mode)
        return ArchiveItem(uri, state.st_size if regular else 0, state.st_mtime_ns, target)

    def _selected(self, name: str) -> bool:
        """Return whether a file of a folder is selected by its name. Count it if its extension is the reason."""
        if name.startswith("."):
            return False
        extension = shown(name.rpartition(".")[2].lower()) if "." in name else ""
        if extension in self.config.extensions:
            return True
        if extension not in SIDECAR_EXTENSIONS:
            self.skipped.extensions[extension] += 1
        return False

    def _remote(self, root: str, *, missing_ok: bool = False) -> Iterator[ArchiveItem]:
        try:
            filesystem, base = fsspec.core.url_to_fs(root)
            found = self._find_remote(filesystem, base)
        except ImportError as error:
            raise ArchiveError(f"{root} needs another package: {error}") from error
        except Exception as error:
            # fsspec backends raise their own error types.
            raise ArchiveError(f"{root} cannot be listed: {error or type(error).__name__}") from error
        if found is None and not missing_ok:
            raise ArchiveError(f"{root} does not exist. Check the URI.")
        if found is None:
            yield ArchiveItem(root, 0, 0)
            return
        for path in sorted(found):
            uri, size_bytes = str(filesystem.unstrip_protocol(path)), int(found[path]["size"] or 0)
            yield ArchiveItem(uri, size_bytes, _mtime_ns(found[path]))

    def _find_remote(self, filesystem: Any, base: str) -> dict[str, dict[str, Any]] | None:  # noqa: ANN401
        """Return the store's details of each file at a location, by path; None if there is nothing at all."""
        if glob.has_magic(base):
            found = filesystem.glob(base, detail=True)
        elif filesystem.isdir(base):
            found = filesystem.find(base, detail=True)
        else:
            return {base: filesystem.info(base)} if filesystem.exists(base) else None
        files = {path: details for path, details in found.items() if details["type"] == "file"}
        return {path: details for path, details in files.items() if self._selected(path.rpartition("/")[2])}


def _mtime_ns(details: dict[str, Any]) -> int:
    """Return the modification time under any of the names that stores use; 0 if there is none."""
    for name in ("mtime", "LastModified", "last_modified", "updated", "modified"):
        value = details.get(name)
        if isinstance(value, datetime):
            return int(value.timestamp() * _NANOSECONDS)
        if isinstance(value, (int, float)):
            return int(value * _NANOSECONDS)
    return 0
