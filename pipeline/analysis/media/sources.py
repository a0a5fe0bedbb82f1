"""Open media files so that FFmpeg reads exactly one file and cannot open any other."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import av
from av.container import InputContainer

from pipeline.analysis.media.encryption import encryption_error, states_encryption
from pipeline.analysis.media.stills import advice, is_animated_webp, still_image
from pipeline.locations import local_path, location_of
from pipeline.remote import UnreachableError, open_remote, reason, refusal
from schemas.errors import ErrorKind, MediaError

_BUFFER_BYTES = 256 * 1024
_HEAD_BYTES = 4096

_DEMUXERS = (
    "3g2", "3gp", "aa", "aac", "ac3", "aiff", "amr", "ape", "apng", "asf", "au", "avi", "caf", "dhav", "dsf", "dts",
    "dtshd", "dv", "eac3", "flac", "flv", "gif", "gxf", "h263", "h264", "hevc", "ivf", "m4a", "m4v", "matroska", "mj2",
    "mjpeg", "mov", "mp3", "mp4", "mpc", "mpc8", "mpeg", "mpegts", "mpegvideo", "mxf", "nsv", "nut", "nuv", "obu",
    "ogg", "oma", "pva", "rm", "swf", "tta", "ty", "vc1", "voc", "w64", "wav", "webm", "wtv", "wv", "y4m",
    "yuv4mpegpipe", "bmp_pipe", "j2k_pipe", "jpeg_pipe", "png_pipe", "tiff_pipe", "webp_pipe",
)  # fmt: skip
"""Formats that contain their own media. Formats that point to other files, such as playlists, are left out."""

_REFUSED_HEADS = {
    b"#EXTM3U": "an HLS playlist",
    b"ffconcat": "a concat script",
    b"<?xml": "an XML playlist",
    b"<MPD": "a DASH manifest",
    b"v=0": "an SDP session",
    b"[playlist]": "a playlist",
}
_MEDIA_HEADS = (
    (4, b"ftyp"),
    (4, b"moov"),
    (4, b"mdat"),
    (0, b"\x1aE\xdf\xa3"),
    (0, b"RIFF"),
    (0, b"OggS"),
    (0, b"fLaC"),
    (0, b"ID3"),
    (0, b"FLV"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),  # ASF: .wma, .wmv
    (0, b"\x06\x0e\x2b\x34"),  # MXF
    (0, b"\x00\x00\x01\xba"),  # MPEG program streams: .mpg, .vob
)


@contextmanager
def open_bytes(uri: str, *, read_ahead: bool = True) -> Iterator[IO[bytes]]:
    """Open a file for reading, local or on an object store or web server. Never blocks on a pipe or device.

    Args:
        uri: Local path or fsspec URI.
        read_ahead: Whether to read more from a store than is asked for.

    Raises:
        MediaError: The file vanished, cannot be read, is not a regular file, or may not be opened on this machine.
    """
    try:
        path = local_path(uri)
        file = _open_regular(uri, path) if path is not None else open_remote(uri, read_ahead=read_ahead)
    except MediaError:
        raise
    except Exception as error:
        # fsspec backends raise their own error types.
        raise _not_read(uri, error) from error
    with file:
        try:
            yield file
        except UnreachableError as error:
            raise _not_read(uri, error) from error


def _not_read(uri: str, error: Exception) -> MediaError:
    refused = refusal(error)
    if refused is not None:
        return MediaError(ErrorKind.REFUSED, f"{uri} was refused: {refused}", stage="probe")
    if isinstance(error, FileNotFoundError):
        message = f"{uri} no longer exists. Run again to list the archive as it is now."
        return MediaError(ErrorKind.VANISHED, _link_to_nothing(uri) or message, stage="probe")
    message = f"{uri} cannot be read: {reason(error)}. Check permissions, disk and network."
    if isinstance(error, OSError) and error.errno == errno.ELOOP:
        message = f"{uri} is a link that leads back to itself. Remove it."
    return MediaError(ErrorKind.UNREADABLE, message, stage="probe")


@contextmanager
def open_media(uri: str, start_byte: int = 0) -> Iterator[InputContainer]:
    """Open a media file with FFmpeg.

    FFmpeg reads through our file object. Formats that point to other files are disabled, and any attempt to open
    another file is refused.

    Args:
        uri: Local path or fsspec URI.
        start_byte: Where the media starts in the file.

    Raises:
        MediaError: The file is empty, not media, too damaged to open, of a refused kind, or cannot be read. Also at the
            end of the block, if a part of the file could not be read.
    """
    with open_bytes(uri) as file:
        head = file.read(_HEAD_BYTES)
        file.seek(0)
        if not head:
            raise MediaError(ErrorKind.EMPTY_FILE, f"{uri} is empty (0 bytes). Copy it again.", stage="probe")
        if is_animated_webp(head):
            raise MediaError(ErrorKind.UNSUPPORTED, f"{uri} {advice('an animated WebP image')}", stage="probe")
        reader = Reader(file, start_byte)
        try:
            container = av.open(
                reader,
                mode="r",
                buffer_size=_BUFFER_BYTES,
                io_open=_refuse,
                metadata_errors="replace",
                options={"format_whitelist": ",".join(_DEMUXERS), "protocol_whitelist": "none"},
            )
        except (av.error.FFmpegError, OSError, ValueError) as error:
            if reader.error:
                raise _not_read(uri, reader.error) from error
            with open_bytes(uri) as another:
                locked = states_encryption(another, head)
            raise encryption_error(uri, stage="probe") if locked else _not_opened(uri, head, error) from error
        with container:
            try:
                yield container
            except (av.error.FFmpegError, OSError) as error:
                if reader.error:
                    raise _not_read(uri, reader.error) from error
                raise
        if reader.error:
            # FFmpeg takes a file that cannot be read any further for one that ends here.
            raise _not_read(uri, reader.error) from reader.error


def read_packets(container: InputContainer, streams: Any) -> Iterator[Any]:  # noqa: ANN401 - PyAV streams
    """Read the packets of some streams, even if others appear in the middle of the file."""
    while True:
        try:
            yield from container.demux(streams)
        except IndexError:
            continue  # PyAV fails at a packet of a stream that has just appeared; a new iterator knows the stream
        return


def _link_to_nothing(uri: str) -> str:
    path = local_path(uri)
    if path is None or not path.is_symlink():
        return ""
    target = location_of(os.path.realpath(path))
    return f"{uri} is a link to {target}, which does not exist. Fetch it (git-annex: `git annex get`) and run again."


class Reader:
    """A file as FFmpeg reads it.

    A damaged file can make FFmpeg seek before its start. That must fail for FFmpeg, which knows how to go on. An
    exception would be raised by PyAV much later, even while it reads another file.
    """

    def __init__(self, file: IO[bytes], start: int = 0) -> None:
        self._file = file
        self._start = start
        self.error: Exception | None = None
        """Why a part of the file could not be read."""
        file.seek(start)

    def read(self, size: int) -> bytes:
        """Read up to `size` bytes."""
        try:
            return self._file.read(size)
        except Exception as error:
            self.error = error
            raise

    def tell(self) -> int:
        """Return the position."""
        return self._file.tell() - self._start

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Seek, and return the new position or a negative error number."""
        start = self._start if whence == os.SEEK_SET and offset >= 0 else 0
        try:
            return self._file.seek(start + offset, whence) - self._start
        except ValueError:
            return -errno.EINVAL
        except OSError as error:
            if error.errno != errno.EINVAL:
                self.error = error
                raise
            return -errno.EINVAL


class _RefusedFileError(PermissionError):
    """A media file tries to open another file."""


def _open_regular(uri: str, path: Path) -> IO[bytes]:
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        message = f"{uri} is a folder, pipe or device, not a file."
        raise MediaError(ErrorKind.REFUSED, message, stage="probe")
    return os.fdopen(descriptor, "rb")


def _refuse(url: str, flags: int, options: dict[str, Any]) -> IO[bytes]:
    del flags, options
    raise _RefusedFileError(f"the file tries to open {url!r}; a video may not open other files.")


def _not_opened(uri: str, head: bytes, error: Exception) -> MediaError:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for mark, name in _REFUSED_HEADS.items():
        if start.startswith(mark):
            message = f"{uri} is {name}, which only points to other files. Add those files to the archive instead."
            return MediaError(ErrorKind.REFUSED, message, stage="probe")
    if isinstance(error, _RefusedFileError):
        return MediaError(ErrorKind.REFUSED, f"{uri}: {error}", stage="probe")
    still = still_image(start if start.startswith(b"<svg") else head)
    if still is not None:
        return MediaError(ErrorKind.UNSUPPORTED, f"{uri} {advice(still)}", stage="probe")
    if any(head[at : at + len(mark)] == mark for at, mark in _MEDIA_HEADS):
        message = f"{uri} starts like a media file but cannot be opened ({reason(error)}); it is damaged or cut off."
        return MediaError(
            ErrorKind.CORRUPT, f"{message} Copy it again, or try to repair it with ffmpeg.", stage="probe"
        )
    message = f"{uri} is not a video or audio file that FFmpeg can read, whatever its name."
    return MediaError(ErrorKind.NOT_MEDIA, message, stage="probe")
