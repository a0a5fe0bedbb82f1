"""List the files of an archive (folders, files, globs, manifests, URIs): each file once, in a fixed order."""

import glob
import logging
import os
import stat
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import fsspec

from pipeline.analysis.media import local_path
from pipeline.run.manifest import is_manifest, read_manifest
from schemas.config import ArchiveConfig
from schemas.errors import ArchiveError
from schemas.records import ArchiveItem

logger = logging.getLogger(__name__)

_NANOSECONDS = 1_000_000_000


def list_archive(roots: Sequence[str], config: ArchiveConfig) -> Iterator[ArchiveItem]:
    """List files that may be videos, without opening them.

    Folders are walked in name order. Hidden files and folders are skipped, files are selected by extension, and links
    are followed, each folder once. Files given one by one, or in a manifest (`.txt`, `.csv` or `.parquet` with paths
    relative to the manifest, or URIs), are taken whatever their extension. A missing file of a manifest is listed with
    0 bytes, so that it is reported.

    Args:
        roots: Folders, files, globs, manifests, fsspec URIs.
        config: Sets the file name extensions.

    Yields:
        Each file once, by its real path.

    Raises:
        ArchiveError: A root does not exist or cannot be listed.
    """
    if not roots:
        raise ArchiveError("No archive was given. Give a folder, a file, a glob, a manifest or a URI.")
    seen: set[str] = set()
    for root in roots:
        for item in _list_root(root, config):
            if item.uri not in seen:
                seen.add(item.uri)
                yield item


def _list_root(root: str, config: ArchiveConfig) -> Iterator[ArchiveItem]:
    path = local_path(root)
    if path is None:
        yield from _list_remote(root, config)
        return
    path = path.expanduser()
    try:
        if path.is_dir():
            yield from _walk(path, config, set())
        elif path.exists() or path.is_symlink():
            yield from _list_manifest(path, config) if is_manifest(path) else [_local_item(path)]
        elif glob.has_magic(str(path)):
            yield from _list_glob(str(path), config)
        else:
            raise ArchiveError(f"{root} does not exist. Check the path.")
    except OSError as error:
        raise ArchiveError(f"{root} cannot be listed: {error.strerror or error}.") from error


def _walk(folder: Path, config: ArchiveConfig, seen: set[str]) -> Iterator[ArchiveItem]:
    real = os.path.realpath(folder)
    if real in seen:
        return
    seen.add(real)
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        logger.warning("Skipping the folder %s: %s", folder, error.strerror)
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if os.path.isdir(entry.path):  # noqa: PTH112 - unlike entry.is_dir(), it is false for a link to itself
            yield from _walk(Path(entry.path), config, seen)
        elif _is_media(entry.name, config):
            yield _local_item(Path(entry.path))


def _list_glob(pattern: str, config: ArchiveConfig) -> Iterator[ArchiveItem]:
    found = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - patterns may be absolute
    if not found:
        raise ArchiveError(f"Nothing matches {pattern}. Quote the pattern so that the shell does not expand it.")
    seen: set[str] = set()
    for name in found:
        path = Path(name)
        if path.is_dir():
            yield from _walk(path, config, seen)
        elif _is_media(path.name, config):
            yield _local_item(path)


def _list_manifest(path: Path, config: ArchiveConfig) -> Iterator[ArchiveItem]:
    for entry in read_manifest(path):
        listed = local_path(entry)
        if listed is None:
            yield from _list_remote(entry, config, missing_ok=True)
            continue
        listed = path.absolute().parent / listed
        if listed.is_dir():
            yield from _walk(listed, config, set())
        else:
            yield _local_item(listed)


def _local_item(path: Path) -> ArchiveItem:
    # The real path, so that a file reached through two links is listed once.
    real = os.path.realpath(path)
    try:
        state = os.stat(real)  # noqa: PTH116 - names may contain bytes that are not valid text
    except OSError:
        return ArchiveItem(real, 0, 0)
    regular = stat.S_ISREG(state.st_mode)
    return ArchiveItem(real, state.st_size if regular else 0, state.st_mtime_ns)


def _is_media(name: str, config: ArchiveConfig) -> bool:
    return not name.startswith(".") and name.rpartition(".")[2].lower() in config.extensions and "." in name


def _list_remote(root: str, config: ArchiveConfig, *, missing_ok: bool = False) -> Iterator[ArchiveItem]:
    try:
        filesystem, base = fsspec.core.url_to_fs(root)
        found = _find_remote(filesystem, base, config)
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
        yield ArchiveItem(str(filesystem.unstrip_protocol(path)), int(found[path]["size"] or 0), _mtime_ns(found[path]))


def _find_remote(filesystem: Any, base: str, config: ArchiveConfig) -> dict[str, dict[str, Any]] | None:  # noqa: ANN401
    """Return the store's details of each file at a location, by path; None if there is nothing at all."""
    if glob.has_magic(base):
        found = filesystem.glob(base, detail=True)
    elif filesystem.isdir(base):
        found = filesystem.find(base, detail=True)
    else:
        return {base: filesystem.info(base)} if filesystem.exists(base) else None
    return {path: details for path, details in found.items() if _is_media_file(details, config)}


def _is_media_file(details: dict[str, Any], config: ArchiveConfig) -> bool:
    parts = str(details["name"]).split("/")
    return details["type"] == "file" and _is_media(parts[-1], config)


def _mtime_ns(details: dict[str, Any]) -> int:
    """Return the modification time under any of the names that stores use; 0 if there is none."""
    for name in ("mtime", "LastModified", "last_modified", "updated", "modified"):
        value = details.get(name)
        if isinstance(value, datetime):
            return int(value.timestamp() * _NANOSECONDS)
        if isinstance(value, (int, float)):
            return int(value * _NANOSECONDS)
    return 0
