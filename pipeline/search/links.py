"""Folders of links to the words of a stored index: tantivy locks the folder it reads, and the lake is not written to.

A folder is gone once it is closed, no longer used, or the process ends; those of processes that were killed are removed
by whoever comes next. Its owner keeps a lock on it, which the system takes back when the process ends, however it does.
"""

import fcntl
import os
import shutil
import tempfile
import time
import weakref
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_PREFIX = "videolake-search-"
_OWNER = ".owner"
_YOUNG_S = 60.0
"""A younger folder may not be locked yet."""


_FOLDERS: "weakref.WeakSet[LinkFolder]" = weakref.WeakSet()
"""Of this process."""


class LinkFolder:
    """A folder of links.

    Args:
        files: What is linked to, by its own name.
    """

    def __init__(self, files: Iterable[Path]) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX))
        owner = os.open(self.path / _OWNER, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        self.close = weakref.finalize(self, _remove, self.path, owner)
        """Removes the folder; once is enough."""
        fcntl.flock(owner, fcntl.LOCK_EX)
        _FOLDERS.add(self)
        for file in files:
            (self.path / file.name).symlink_to(file.absolute())


def remove_own() -> None:
    """Remove all folders of this process, which is about to end without being asked."""
    for folder in list(_FOLDERS):
        folder.close()


def remove_abandoned(*, min_age_s: float = _YOUNG_S) -> int:
    """Remove folders of this user whose process has ended, and return how many.

    Args:
        min_age_s: Age from which a folder without a lock is taken for abandoned.
    """
    removed = 0
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):  # somebody else's, in use, or gone meanwhile
            state = folder.lstat()
            if not folder.is_dir() or folder.is_symlink() or state.st_uid != os.getuid():
                continue
            owner = os.open(folder / _OWNER, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if time.time() - state.st_mtime >= min_age_s:
                    shutil.rmtree(folder)
                    removed += 1
            finally:
                os.close(owner)
    return removed


def _remove(folder: Path, owner: int) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    os.close(owner)
