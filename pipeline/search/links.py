"""Temporary folders of links to the word index: tantivy writes a lock file where it reads, and the lake stays as it is.

A folder is removed when it is closed or garbage-collected, or when the process exits. Folders of killed processes are
removed by the next process that looks. The owner holds a file lock, which the system releases when the process ends.
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
_MIN_AGE_S = 60.0
"""Younger folders are left alone: they may not be locked yet."""

_FOLDERS: "weakref.WeakSet[LinkFolder]" = weakref.WeakSet()
"""The open folders of this process."""


class LinkFolder:
    """A temporary folder of links.

    Args:
        files: Files to link to; each link has the name of its file.
    """

    def __init__(self, files: Iterable[Path]) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX))
        owner = os.open(self.path / _OWNER, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        self.close = weakref.finalize(self, _remove, self.path, owner)
        """Removes the folder; may be called more than once."""
        fcntl.flock(owner, fcntl.LOCK_EX)
        _FOLDERS.add(self)
        for file in files:
            (self.path / file.name).symlink_to(file.absolute())


def remove_own() -> None:
    """Remove all folders of this process, before it is ended by a signal."""
    for folder in list(_FOLDERS):
        folder.close()


def remove_abandoned(*, min_age_s: float = _MIN_AGE_S) -> int:
    """Remove this user's folders whose process has ended, and return how many.

    Args:
        min_age_s: An unlocked folder at least this old counts as abandoned.
    """
    removed = 0
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):  # another user's, in use, or just removed
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
