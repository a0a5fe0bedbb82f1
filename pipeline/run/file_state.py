"""Whether a file is still the one that was read before: by its location, size, modification time and ETag."""

import re

from schemas.records import ArchiveItem

_WEAK = "W/"
_S3_ETAG = re.compile(r"[0-9a-f]{32}(-\d+)?")
_S3 = ("s3://", "s3a://")
_NANOSECONDS = 1_000_000_000


def file_of(item: ArchiveItem) -> str:
    """Return the location of the file itself, wherever the links to it are."""
    return item.target or item.uri


def locations(item: ArchiveItem) -> tuple[str, ...]:
    """Return the locations of a file: the one by which it was found, and the target of its links."""
    return (item.uri, item.target) if item.target else (item.uri,)


def same_state(before: ArchiveItem, now: ArchiveItem) -> bool:
    """Return whether the file at one location is unchanged.

    A strong ETag decides by itself. Without one, size and modification time must be the same. If a store provides
    neither, there is no way to tell.
    """
    if before.size_bytes != now.size_bytes:
        return False
    if before.etag is None or now.etag is None:
        return before.mtime_ns == now.mtime_ns != 0
    if before.etag.startswith(_WEAK) or now.etag.startswith(_WEAK):
        return before.etag == now.etag and before.mtime_ns == now.mtime_ns != 0
    return before.etag == now.etag


def surely_same(one: ArchiveItem, other: ArchiveItem) -> bool:
    """Return whether two large files with the same samples are certainly the same content, without reading all of it.

    They are if their times are the same to the nanosecond, which copying with times and moving preserve and changing
    the file does not, or if S3 has made the same ETag of both.
    """
    if one.size_bytes != other.size_bytes:
        return False
    if one.etag and one.etag == other.etag and names_content(one.uri, one.etag) and names_content(other.uri, one.etag):
        return True
    precise = one.mtime_ns % _NANOSECONDS != 0
    return one.mtime_ns == other.mtime_ns != 0 and (precise or file_of(one) == file_of(other))


def names_content(uri: str, etag: str) -> bool:
    """Return whether an ETag is made of the content, as S3 does: the same ETag and size are the same content.

    It does not hold the other way round, because the parts of a multipart upload are part of its ETag. ETags of web
    servers only tell versions of one URL apart.
    """
    return uri.startswith(_S3) and _S3_ETAG.fullmatch(etag) is not None
