"""Original files for players, in ranges. Only files that the lake names, and only if they are media."""

import os
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import IO
from urllib.parse import unquote

import anyio
from anyio import to_thread
from starlette.responses import Response, StreamingResponse

from pipeline.analysis.media import open_bytes, probe
from pipeline.export import NoFile, first_usable, look_at_file
from pipeline.lake import VideoRecord, file_name
from pipeline.locations import local_path
from schemas.config import ArchiveConfig, LimitsConfig, MediaConfig
from schemas.errors import MediaError, VideolakeError

_CHUNK_BYTES = 256 * 1024

_PLAYABLE = {
    "3g2": "video/3gpp2", "3gp": "video/3gpp", "aac": "audio/aac", "f4v": "video/mp4", "flac": "audio/flac",
    "m4a": "audio/mp4", "m4b": "audio/mp4", "m4r": "audio/mp4", "m4v": "video/mp4", "mk3d": "video/x-matroska",
    "mka": "audio/x-matroska", "mkv": "video/x-matroska", "mov": "video/mp4", "mp2": "audio/mpeg", "mp3": "audio/mpeg",
    "mp4": "video/mp4", "mpa": "audio/mpeg", "mpga": "audio/mpeg", "oga": "audio/ogg", "ogg": "application/ogg",
    "ogm": "video/ogg", "ogv": "video/ogg", "ogx": "application/ogg", "opus": "audio/ogg", "qt": "video/mp4",
    "spx": "audio/ogg", "wav": "audio/wav", "weba": "audio/webm", "webm": "video/webm",
}  # fmt: skip
"""Content types by extension of the files that browsers may play. QuickTime files are sent as MP4, which shares their
structure: players refuse `video/quicktime` but can play the streams."""
_UNPLAYABLE = {ending: "application/octet-stream" for ending in ArchiveConfig().extensions if ending not in _PLAYABLE}
CONTENT_TYPES = _UNPLAYABLE | _PLAYABLE
"""Content types by the extension of media."""

_UNPLAYABLE_CODECS = frozenset(
    {"mpeg1video", "mpeg2video", "mpeg4", "msmpeg4v3", "prores", "dnxhd", "wmv1", "wmv2", "wmv3", "vc1", "flv1", "ffv1",
     "mjpeg", "cinepak", "dvvideo", "h263", "rv40", "theora"}
)  # fmt: skip
_GUESSED = frozenset({"aac", "mp3"})
"""Formats in which browsers guess positions from the bit rate, unless the file has a table."""
_SOME_PLAY = frozenset({"hevc", "ac3", "eac3"})

_ONE_RANGE = re.compile(r"\s*bytes\s*=\s*(?:(\d{1,18})\s*-\s*(\d{1,18})?|-\s*(\d{1,18}))\s*", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Original:
    """A file that players can load."""

    uri: str
    size_bytes: int
    state: str
    """Changes when the file changes, as far as its store tells."""
    content_type: str

    @property
    def etag(self) -> str:
        """ETag of this state of the file."""
        return f'"{self.state}-{self.size_bytes:x}"'


def find_original(
    uris: Sequence[str], size_bytes: int, roots: Sequence[str] = (), missing_since: datetime | None = None
) -> Original | NoFile:
    """Return the first location of a video at which the file is unchanged.

    The file must have a media extension and the size known to the lake, be under one of `roots`, and have a video or
    audio stream. So a lake from elsewhere cannot make this machine serve other files.

    Args:
        uris: All locations of the video, from the lake.
        size_bytes: Size of the file, from the lake.
        roots: Folders or URI prefixes of allowed files; empty: any.
        missing_since: When a run found all of them gone; None if none has.
    """
    return first_usable(uris, missing_since, lambda uri: _look(uri, size_bytes, roots))


def obstacle(video: VideoRecord) -> str:
    """Return why browsers may not play a video, or not with the times of the lake; empty if they do."""
    return playable(ending_of(video.uri), video.row["video_codec"]) or _other_times(video)


def playable(ending: str, video_codec: str | None) -> str:
    """Return why browsers may not play a file; empty if they do."""
    advice = "Everything below still works, and other players can open the file."
    if ending in _UNPLAYABLE:
        return f"Browsers do not play .{ending} files. {advice}"
    if video_codec in _UNPLAYABLE_CODECS:
        return f"Browsers do not play {video_codec} video. {advice}"
    if video_codec in _SOME_PLAY:
        return f"Only some browsers play {video_codec}. If the video stays black, try another browser."
    return ""


def _other_times(video: VideoRecord) -> str:
    row, advice = video.row, "To play a moment, cut it out with videolake clip."
    if video.clock_jumps:
        return f"The clock of this file jumps, so the player shows other times than this page. {advice}"
    if row["container"] in _GUESSED and row.get("clock_jumps") == 0 and row["stated_duration_s"] is None:
        return f"This file does not state its length, so browsers seek in it only roughly. {advice}"
    return ""


def ending_of(uri: str) -> str:
    """Return the file extension in lower case, without the dot."""
    _, dot, ending = file_name(uri).rpartition(".")
    return ending.lower() if dot else ""


def serve_original(original: Original, range_header: str | None, if_range: str | None, *, head: bool) -> Response:
    """Respond with the file or a range of it (RFC 9110, section 14).

    Requests for several ranges get the whole file, as the standard allows. So do requests whose `If-Range` names
    another state of the file.

    Args:
        original: The file.
        range_header: The `Range` header, if any.
        if_range: The `If-Range` header, if any.
        head: Only send headers.
    """
    headers = {
        "accept-ranges": "bytes",
        "etag": original.etag,
        "cache-control": "private, max-age=0",
        "content-type": original.content_type,
    }
    span = None
    if range_header is not None and (if_range is None or if_range.strip() == original.etag):
        span = parse_range(range_header, original.size_bytes)
        if span == (0, 0):
            return Response(status_code=416, headers=headers | {"content-range": f"bytes */{original.size_bytes}"})
    start, end = span or (0, original.size_bytes)
    headers["content-length"] = str(end - start)
    if span:
        headers["content-range"] = f"bytes {start}-{end - 1}/{original.size_bytes}"
    status = 206 if span else 200
    if head:
        return Response(status_code=status, headers=headers)
    return StreamingResponse(_pieces(original.uri, start, end), status_code=status, headers=headers)


def parse_range(header: str, size_bytes: int) -> tuple[int, int] | None:
    """Return the first byte of a range, and the byte after its last.

    Returns:
        None to ignore the header (malformed, another unit, several ranges); (0, 0) if the range has no byte of the
        file.
    """
    found = _ONE_RANGE.fullmatch(header)
    if not found:
        return None
    first, last, suffix = found.groups()
    if suffix is not None:
        start, end = max(0, size_bytes - int(suffix)), size_bytes
    else:
        start, end = int(first), min(size_bytes, int(last) + 1) if last else size_bytes
        if last and int(last) < start:
            return None
    return (start, end) if start < end else (0, 0)


async def _pieces(uri: str, start: int, end: int) -> AsyncIterator[bytes]:
    """Read the file on threads, so that a waiting player does not hold one."""
    opened = open_bytes(uri)
    file: IO[bytes] = await to_thread.run_sync(opened.__enter__)
    try:
        await to_thread.run_sync(file.seek, start)
        while start < end:
            piece = await to_thread.run_sync(file.read, min(_CHUNK_BYTES, end - start))
            if not piece:
                raise FileShrunkError(f"{uri} became shorter while it was sent.")
            start += len(piece)
            yield piece
    finally:
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(opened.__exit__, None, None, None)


class FileShrunkError(VideolakeError):
    """The file became shorter while it was sent. The connection is closed, so that it does not look complete."""


def _look(uri: str, size_bytes: int, roots: Sequence[str]) -> Original | NoFile:
    content_type = CONTENT_TYPES.get(ending_of(uri))
    if content_type is None:
        return NoFile(f"{file_name(uri)} has no media extension, so it is not played.")
    outside = NoFile(f"{uri} is outside the allowed folders (--media-root).")
    if not _allowed(uri, roots):
        return outside
    found = look_at_file(uri, size_bytes)
    if isinstance(found, NoFile):
        return found
    if not _allowed(found.location, roots):
        return outside  # a link has changed meanwhile
    try:
        reason = _no_media(found.location, found.size_bytes, found.state)
    except MediaError as error:
        reason = str(error)
    return NoFile(reason) if reason else Original(found.location, found.size_bytes, found.state, content_type)


def _allowed(uri: str, roots: Sequence[str]) -> bool:
    path = local_path(uri)
    if path is None:
        return not roots or any(_below(uri, root) for root in roots)
    return not roots or any(_inside(os.path.realpath(path), root) for root in roots)


def _inside(path: str, root: str) -> bool:
    folder = local_path(root)
    return folder is not None and Path(path).is_relative_to(os.path.realpath(folder))


def _below(uri: str, root: str) -> bool:
    # Servers read `%2e%2e` as `..`.
    return uri.startswith(root.rstrip("/") + "/") and ".." not in unquote(uri)


@lru_cache(maxsize=4096)
def _no_media(uri: str, size_bytes: int, state: str) -> str:
    """Return why a file in this state is not media; empty if it is.

    Raises:
        MediaError: The file cannot be read now. This is not cached.
    """
    del size_bytes, state
    try:
        probe(uri, MediaConfig(), LimitsConfig())
    except MediaError as error:
        if not error.kind.permanent:
            raise
        return str(error)
    return ""
