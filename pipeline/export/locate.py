"""Find the file of a video: the first of its locations where it is, unchanged. All that opens originals asks here."""

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from pipeline.lake import VideoRecord, file_name
from pipeline.locations import local_path, location_of
from pipeline.remote import file_system
from schemas.errors import ExportError

_STATE_OF_REMOTE = ("ETag", "etag", "md5Hash", "Content-MD5", "LastModified", "last_modified", "mtime", "created")
"""Fields in which fsspec's stores tell the version of a file."""
_WHAT_TO_DO = "Put the file back, or run videolake on the folder it is in now."


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file as it is now."""

    location: str
    size_bytes: int
    state: str
    """Changes when the file changes, as far as its store tells."""


@dataclass(frozen=True, slots=True)
class NoFile:
    """Why a video has no file that can be used."""

    reason: str


Found = TypeVar("Found")


def first_usable(
    uris: Sequence[str], missing_since: datetime | None, look: Callable[[str], Found | NoFile]
) -> Found | NoFile:
    """Return what is found at the first location that can be used, or why none can.

    Args:
        uris: The locations of a video, as the lake knows them.
        missing_since: When a run found all of them empty; None if none has.
        look: Looks at one location.
    """
    reasons = []
    for uri in uris:
        found = look(uri)
        if not isinstance(found, NoFile):
            return found
        reasons.append(found.reason)
    if uris and missing_since:
        date = missing_since.astimezone(UTC).date()
        return NoFile(f"{file_name(uris[0])} vanished from {uris[0]} on {date}. {_WHAT_TO_DO}")
    return NoFile(reasons[0] if reasons else "The lake has no location of the file.")


def look_at_file(uri: str, size_bytes: int) -> FoundFile | NoFile:
    """Look at a location without opening the file.

    Args:
        uri: The location.
        size_bytes: Size of the file, from the lake.
    """
    try:
        found = _local(uri) if local_path(uri) is not None else _remote(uri)
    except Exception as error:  # noqa: BLE001 - fsspec's packages raise errors of their own kinds
        return NoFile(_gone(uri, error))
    if found.size_bytes != size_bytes:
        reason = "has changed since it was analysed. Run again to analyse its new content."
        return NoFile(f"{file_name(uri)} {reason}")
    return found


def with_file(video: VideoRecord) -> VideoRecord:
    """Return a video with the first location at which its file is, unchanged, as its `uri`.

    Raises:
        ExportError: There is none; the message says what to do.
    """
    found = _file_of(video)
    if isinstance(found, NoFile):
        raise ExportError(found.reason)
    return _at(video, found)


def with_file_if_any(video: VideoRecord) -> VideoRecord:
    """Return a video with the first location at which its file is as its `uri`, or unchanged if there is none."""
    if len(video.uris) < 2:
        return video
    found = _file_of(video)
    return video if isinstance(found, NoFile) else _at(video, found)


def _at(video: VideoRecord, uri: str) -> VideoRecord:
    return replace(video, row={**video.row, "uri": uri})


def _file_of(video: VideoRecord) -> str | NoFile:
    def look(uri: str) -> str | NoFile:
        found = look_at_file(uri, video.row["size_bytes"])
        return found if isinstance(found, NoFile) else uri

    return first_usable(video.uris, video.missing_since, look)


def _gone(uri: str, error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"{file_name(uri)} is no longer at {uri}. {_WHAT_TO_DO}"
    return f"{file_name(uri)} cannot be reached: {getattr(error, 'strerror', None) or error or type(error).__name__}."


def _local(uri: str) -> FoundFile:
    path = os.path.realpath(local_path(uri) or "")
    state = os.stat(path)  # noqa: PTH116 - names may have bytes that are not text
    return FoundFile(location_of(path), state.st_size, f"{state.st_mtime_ns:x}")


def _remote(uri: str) -> FoundFile:
    filesystem, path = file_system(uri)
    about: dict[str, Any] = filesystem.info(path)
    stated = repr([about.get(name) for name in _STATE_OF_REMOTE])
    return FoundFile(uri, int(about.get("size") or 0), hashlib.sha256(stated.encode()).hexdigest()[:16])
