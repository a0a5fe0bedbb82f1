"""What a listing covers: the folders and globs whose files it would certainly have shown, if they were there."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from pipeline.locations import local_path, own_path
from schemas.records import ArchiveItem

_MAGIC = frozenset("*?[")


@dataclass(slots=True)
class Covered:
    """A folder or glob that was listed."""

    prefix: str
    """Path or URI of the folder, or of the part of a glob before its first wildcard, with a slash at its end."""
    pattern: tuple[str, ...] = ()
    """The rest of a glob, by folder."""
    certain: bool = False
    """Whether its store lists every object or fails. Others are asked for each file that is not listed."""
    files: int = 0
    """Files that were listed. Without any, the folder may be that of a disk which is not mounted."""
    through: "Covered | None" = None
    """The folder with the link through which the files of this one were listed."""

    @property
    def has_files(self) -> bool:
        """Whether any file was listed."""
        return bool(self.through.files if self.through else self.files)

    def covers(self, path: str) -> bool:
        """Return whether a file with this path or URI would have been listed."""
        if not path.startswith(self.prefix):
            return False
        return not self.pattern or _matches(self.pattern, path[len(self.prefix) :].split("/"))


@dataclass(slots=True)
class Coverage:
    """What a listing covers. `pipeline.run.listing` fills it in."""

    folders: list[Covered] = field(default_factory=list)
    named: set[str] = field(default_factory=set)
    """Locations that manifests name."""
    unreadable: list[str] = field(default_factory=list)
    """Local folders that were skipped, with a slash at their end."""
    _newest: Covered | None = None
    """The folder that is listed now."""
    _by_prefix: dict[str, list[Covered]] = field(default_factory=dict)

    def folder(
        self, path: str, items: Iterable[ArchiveItem], *, certain: bool = False, glob: str = ""
    ) -> Iterator[ArchiveItem]:
        """Yield the files of a folder or glob, and note that it is covered.

        Args:
            path: Path or URI of the folder; with `glob`, a folder in which its files are.
            items: Its files.
            certain: As in `Covered`.
            glob: The glob, as a path or URI.
        """
        covered = _of_glob(glob) if glob else Covered(f"{path.rstrip('/')}/", certain=certain)
        if covered is not None:
            self._add(covered)
            self._newest = covered
        for item in items:
            if covered is not None:
                covered.files += 1
            yield item

    def linked(self, folder: str) -> None:
        """Note that the target of a linked folder is covered, too: its files are known by both paths."""
        prefix = f"{folder.rstrip('/')}/"
        if self._newest and not any(not each.pattern for each in self._above(prefix)):
            self._add(Covered(prefix, through=self._newest))

    def may_cover(self, uris: Iterable[str]) -> Iterator[bool]:
        """Yield quickly for each location whether it could be covered."""
        prefixes = ("file://", *dict.fromkeys(each.prefix for each in self.folders))
        return (uri.startswith(prefixes) or uri in self.named for uri in uris)

    def of(self, uri: str) -> Covered | None:
        """Return what covers a location; None if nothing does. What showed files comes first."""
        path = path_of(uri)
        if any(path.startswith(folder) for folder in self.unreadable):
            return None
        found = [each for each in self._above(path) if each.covers(path)]
        return next((each for each in found if each.has_files), next(iter(found), None))

    def _add(self, covered: Covered) -> None:
        self.folders.append(covered)
        self._by_prefix.setdefault(covered.prefix, []).append(covered)

    def _above(self, path: str) -> Iterator[Covered]:
        """Yield the folders and globs that begin above a path. There may be thousands of others."""
        ends = (place for place, letter in enumerate(path, 1) if letter == "/")
        return (each for end in ends for each in self._by_prefix.get(path[:end], ()))


def path_of(uri: str) -> str:
    """Return the local path of a location, with the bytes that it has on disk, or its URI."""
    path = local_path(uri) if is_local(uri) and "://" in uri else None
    return uri if path is None else os.fspath(path)


def is_local(uri: str) -> bool:
    """Return whether a location is on this machine. Unlike `local_path`, it makes no path, which takes longer."""
    return "://" not in uri or uri[:5].lower() == "file:"


def _of_glob(glob: str) -> Covered | None:
    """Return what a glob covers; None if that is not certain."""
    parts = (glob if "://" in glob else os.path.join(own_path("."), glob)).split("/")  # noqa: PTH118 - a string
    first = next((place for place, part in enumerate(parts) if _MAGIC & set(part)), len(parts))
    if ".." in parts or first == len(parts):
        return None
    return Covered("/".join([*parts[:first], ""]), tuple(part for part in parts[first:] if part))


def _matches(pattern: Sequence[str], parts: Sequence[str]) -> bool:
    """Return whether a glob matches a path, or a folder above it, whose files are listed as well."""
    if not pattern:
        return True
    if pattern[0] == "**" and _matches(pattern[1:], parts):
        return True
    if not parts:
        return False
    if pattern[0] == "**":
        return _matches(pattern, parts[1:])
    return fnmatchcase(parts[0], pattern[0]) and _matches(pattern[1:], parts[1:])
