"""Which known files have vanished: those that a complete listing would have shown, and that are really not there."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum

from pipeline.locations import location_of
from pipeline.run.coverage import Coverage, is_local, path_of
from pipeline.run.remote_listing import which_are_gone
from schemas.config import ArchiveConfig


class _State(Enum):
    ABSENT = "absent"
    EMPTY = "empty"
    FILLED = "filled"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Vanished:
    """What became of known files that were not listed."""

    gone: frozenset[int] = frozenset()
    """Those that are gone for certain."""
    doubtful: Counter[str] = field(default_factory=Counter)
    """Numbers of the others that are not there, by the folder without files above them: its disk may not be mounted."""


def find_vanished(
    candidates: Iterable[tuple[int, str]],
    coverage: Coverage,
    config: ArchiveConfig,
    elsewhere: Callable[[int], bool],
) -> Vanished:
    """Tell which files are gone. A file that may be there, whatever the reason, is not.

    Args:
        candidates: A number and the location of each file that was not listed.
        coverage: What the complete listing covers.
        config: The `archive` section, by which files were selected.
        elsewhere: Returns whether the content of the file with a number was listed at another location.

    Returns:
        The numbers of those that are gone, and why others are in doubt.
    """
    disk, gone, doubtful = _Disk(), set[int](), Counter[str]()
    asked: dict[int, str] = {}
    for number, uri in candidates:
        named = uri in coverage.named
        covered = None if named else coverage.of(uri)
        if not named and (covered is None or not _selected(uri, config)):
            continue
        if covered is not None and not covered.has_files and not elsewhere(number):
            doubtful[location_of(covered.prefix.rstrip("/"))] += 1
        elif is_local(uri):
            folder = disk.folder_of_lost(path_of(uri), named=named)
            if folder and disk.state(folder) is _State.EMPTY and not elsewhere(number):
                doubtful[location_of(folder)] += 1
            elif folder and disk.state(folder) is not _State.UNKNOWN:
                gone.add(number)
        elif covered is not None and covered.certain:
            gone.add(number)
        else:
            asked[number] = uri
    gone.update(number for number, lost in zip(asked, which_are_gone(asked.values()), strict=True) if lost)
    return Vanished(frozenset(gone), doubtful)


def _selected(uri: str, config: ArchiveConfig) -> bool:
    """Return whether a folder's files with this name are listed."""
    name = uri.rpartition("/")[2]
    return not name.startswith(".") and name.rpartition(".")[2].lower() in config.extensions


class _Disk:
    """Looks at folders, each once."""

    def __init__(self) -> None:
        self._states: dict[str, _State] = {}

    def folder_of_lost(self, path: str, *, named: bool) -> str | None:
        """Return the nearest folder that exists above a path at which there is nothing, not even a broken link.

        Args:
            path: The path.
            named: Whether only its own folder counts, because a manifest may name files on many disks.

        Returns:
            None if something is there, or it cannot be told, or there is no such folder.
        """
        try:
            os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            above = [os.path.dirname(path)] if named else _above(path)  # noqa: PTH120 - may have bytes that are no text
            return next((folder for folder in above if self.state(folder) is not _State.ABSENT), None)
        except OSError:
            return None
        return None

    def state(self, folder: str) -> _State:
        if folder not in self._states:
            self._states[folder] = _look(folder)
        return self._states[folder]


def _above(path: str) -> Iterator[str]:
    while path != (folder := os.path.dirname(path)):  # noqa: PTH120 - as above
        yield folder
        path = folder


def _look(folder: str) -> _State:
    try:
        with os.scandir(folder) as entries:
            return _State.FILLED if any(True for _ in entries) else _State.EMPTY
    except (FileNotFoundError, NotADirectoryError):
        return _State.ABSENT
    except OSError:
        return _State.UNKNOWN
