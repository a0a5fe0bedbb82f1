"""Requests to stores across a network: which failures are worth another attempt, and how many.

Stores throttle, answer 500 and drop connections, and that passes. The clients (s3fs, Arrow and others) try a request a
few times for a few seconds; this goes on for as long as a busy store needs. Every request must be safe to repeat.
"""

import errno
import io
import logging
import os
import random
import time
from collections.abc import Callable
from typing import IO, TypeVar

from schemas.errors import VideolakeError

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

PATIENCE_S = 60.0
"""No attempt starts later than this after the first one, unless the caller is more patient."""
_FIRST_DELAY_S = 0.25
_LONGEST_DELAY_S = 8.0

_FINAL = (
    FileNotFoundError, FileExistsError, PermissionError, NotADirectoryError, IsADirectoryError,
    NotImplementedError, ImportError, AttributeError, TypeError, ValueError, VideolakeError,
)  # fmt: skip
_FINAL_NUMBERS = frozenset({errno.EINVAL, errno.ENAMETOOLONG, errno.ENOSPC, errno.EROFS})
_FINAL_NAMES = frozenset({"FileExpired", "NoCredentialsError", "PartialCredentialsError", "ProfileNotFound"})
"""Errors of s3fs and botocore: the file has changed since it was opened, or there are no credentials."""


def is_transient(error: Exception) -> bool:
    """Return whether a request that failed like this may succeed if it is repeated."""
    if isinstance(error, _FINAL) or type(error).__name__ in _FINAL_NAMES:
        return False
    return not (isinstance(error, OSError) and error.errno in _FINAL_NUMBERS)


def retried(request: Callable[[], Answer], patience_s: Callable[[], float | None] = lambda: None) -> Answer:
    """Do a request, and repeat it if it fails for a reason that may pass.

    The delays grow and are random, so that many workers do not come back at the same moment.

    Args:
        request: Does the request. It must be safe to repeat, because a request may be done and its response lost.
        patience_s: Returns how long after the first attempt another one may start; None: `PATIENCE_S`. Asked each
            time, since a run may have been stopped meanwhile.

    Raises:
        Exception: The error of the last attempt.
    """
    started = time.monotonic()
    longest = _FIRST_DELAY_S
    while True:
        try:
            return request()
        except Exception as error:
            delay = random.uniform(longest / 2, longest)  # noqa: S311 - not for secrets
            limit_s = patience_s() or PATIENCE_S
            if not is_transient(error) or time.monotonic() - started + delay > limit_s:
                raise
            logger.warning("A store cannot be reached now. Trying again in %.1f s: %s", delay, reason(error))
        time.sleep(delay)
        longest = min(2 * longest, _LONGEST_DELAY_S)


def reason(error: Exception) -> str:
    """Return what an error of any store's client says."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


class UnreachableError(ConnectionError):
    """A part of an open file on a store cannot be read, even if it is asked for again and again."""


class RemoteFile(io.RawIOBase):
    """A file on a store, open for reading, whose reads are repeated if they fail.

    A read returns fewer bytes than asked only at the end of the file: a dropped connection never makes a file look
    shorter than it is.

    Args:
        opening: Opens the file. It is called again if that fails.
    """

    def __init__(self, opening: Callable[[], IO[bytes]]) -> None:
        super().__init__()
        self._file = retried(opening)
        self._position = 0
        self._size = self._file.seek(0, os.SEEK_END)

    def read(self, size: int | None = -1) -> bytes:
        """Return `size` bytes, or all to the end if it is negative or None.

        Raises:
            FileNotFoundError: The file is gone.
            UnreachableError: They cannot be read.
        """
        left = max(0, self._size - self._position)
        wanted = left if size is None or size < 0 else min(size, left)
        try:
            content = retried(lambda: self._read(wanted)) if wanted else b""
        except FileNotFoundError:
            raise
        except Exception as error:
            # Clients raise errors of their own kinds.
            raise UnreachableError(reason(error)) from error
        self._position += len(content)
        return content

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill a buffer, and return the number of bytes."""
        content = self.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Set the position and return it."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        self._position = start + offset
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            self._file.close()
        super().close()

    def _read(self, size: int) -> bytes:
        self._file.seek(self._position)
        content = self._file.read(size)
        if len(content) != size:
            raise ConnectionError(f"{len(content)} of {size} bytes arrived")
        return content
