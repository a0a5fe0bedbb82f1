"""Subtitle files beside a video: `film.srt`, `film.en.srt`, `film.de.forced.vtt`."""

import io
import logging
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import av
from charset_normalizer import from_bytes

from pipeline.analysis.media.sources import open_bytes
from pipeline.analysis.media.subtitles import SubtitleTrack
from pipeline.language import clean, language_code
from pipeline.locations import local_path, location_of
from pipeline.remote import file_system
from schemas.errors import MediaError
from schemas.records import SubtitleFile

logger = logging.getLogger(__name__)

_FORMATS = {"srt": "srt", "vtt": "webvtt"}
SIDECAR_EXTENSIONS = frozenset(_FORMATS)
"""Extensions of files that belong to a video, in lower case without a dot."""
_MARKS = frozenset({"cc", "commentary", "default", "forced", "foreign", "full", "hi", "sdh", "signs", "songs"})
"""What a name may say beside a language. Anything else belongs to another video, as `film.2.srt` to `film.2.mp4`."""
_MAX_FILES = 64
_MAX_BYTES = 20_000_000
_HTTP = frozenset({"http", "https"})
_BOMS = {b"\xff\xfe\0\0": "utf-32", b"\0\0\xfe\xff": "utf-32", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_CODE_PAGES = {
    **dict.fromkeys(("ru", "uk", "be", "bg", "mk", "sr"), "cp1251"),
    **dict.fromkeys(("pl", "cs", "sk", "hu", "sl", "hr", "bs", "ro", "sq"), "cp1250"),
    **dict.fromkeys(("lt", "lv", "et"), "cp1257"),
    **dict.fromkeys(("ar", "fa", "ur"), "cp1256"),
    "el": "cp1253", "tr": "cp1254", "he": "cp1255", "vi": "cp1258", "th": "cp874",
    "ja": "cp932", "ko": "cp949", "zh": "gb18030",
}  # fmt: skip
"""Encodings of subtitle files before Unicode, by language."""
_LATIN_SHARE = 0.3
"""In a text of Latin letters, fewer of them have accents."""
_MIN_ACCENTED = 8


_Listing = dict[str, list[SubtitleFile]]
"""Subtitle files of a folder, by the names that their video may have: `film.en.srt` by `film.en` and `film`."""


def find_sidecars(uri: str, listing: Callable[[Path], _Listing] | None = None) -> list[SubtitleFile]:
    """Return the subtitle files beside a video, by name. An error of the store means that there are none.

    Args:
        uri: Location of the video: a local path or an fsspec URI. Web servers cannot be listed.
        listing: Lists a local folder: `list_subtitle_files`, or a cache of it for many videos.
    """
    try:
        path = local_path(uri)
        if path is None:
            listed, name = _list_remote(uri), uri.rpartition("/")[2]
        else:
            listed, name = (listing or list_subtitle_files)(path.parent), path.name
    except Exception as error:  # noqa: BLE001 - fsspec backends raise their own error types
        logger.info("No subtitle files were looked for beside %s: %s", uri, error)
        return []
    found = []
    for start in dict.fromkeys((name, name.rpartition(".")[0] or name)):
        for file in listed.get(start, ()):
            marks = [mark for mark in file.name.rpartition(".")[0][len(start) :].split(".") if mark]
            languages = [language_code(mark) for mark in marks if mark.lower() not in _MARKS]
            if None not in languages:
                found.append(replace(file, language=next(iter(languages), None)))
    return sorted(found, key=lambda file: file.name)[:_MAX_FILES]


def list_subtitle_files(folder: Path) -> _Listing:
    """Return the subtitle files of a local folder, for `find_sidecars`.

    Raises:
        OSError: The folder cannot be listed.
    """
    real = os.path.realpath(folder)
    with os.scandir(folder) as entries:
        named = [entry for entry in entries if entry.name.rpartition(".")[2].lower() in _FORMATS]
    files = []
    for entry in named:
        with suppress(OSError):  # a link to itself, or a file that has just gone
            # A link must not lead to a file elsewhere.
            if entry.is_file() and os.path.commonpath([real, os.path.realpath(entry.path)]) == real:
                state = entry.stat()
                files.append(SubtitleFile(location_of(entry.path), entry.name, None, state.st_size, state.st_mtime_ns))
    return _by_start(files)


def _list_remote(uri: str) -> _Listing:
    filesystem, base = file_system(uri)
    protocols = {filesystem.protocol} if isinstance(filesystem.protocol, str) else set(filesystem.protocol)
    if protocols & _HTTP:
        return {}
    files = []
    for details in filesystem.ls(base.rpartition("/")[0], detail=True):
        name = str(details["name"]).rpartition("/")[2]
        if details["type"] == "file" and name.rpartition(".")[2].lower() in _FORMATS:
            location = str(filesystem.unstrip_protocol(details["name"]))
            files.append(SubtitleFile(location, name, None, int(details["size"] or 0), 0))
    return _by_start(files)


def _by_start(files: Iterable[SubtitleFile]) -> _Listing:
    listing: _Listing = defaultdict(list)
    for file in files:
        parts = file.name.split(".")
        for count in range(1, len(parts)):
            listing[".".join(parts[:count])].append(file)
    return listing


def read_sidecars(files: Sequence[SubtitleFile], warn: Callable[[str], None]) -> list[SubtitleTrack]:
    """Read subtitle files. A file that cannot be read costs a warning.

    Args:
        files: The result of `find_sidecars`.
        warn: Called with a message for each problem.
    """
    tracks = []
    for file in files:
        name = clean(file.name)
        if file.size_bytes > _MAX_BYTES:
            warn(f"The subtitles {name} were not read: the file is larger than {_MAX_BYTES // 10**6} MB.")
            continue
        try:
            track = _read(file, warn)
        except (MediaError, av.error.FFmpegError, OSError, UnicodeError, ValueError) as error:
            warn(f"The subtitles {name} could not be read: {clean(str(error))}")
            continue
        if not track.lines:
            warn(f"The subtitles {name} have no lines that can be read.")
        tracks.append(track)
    return tracks


def _read(sidecar: SubtitleFile, warn: Callable[[str], None]) -> SubtitleTrack:
    with open_bytes(sidecar.uri) as file:
        data = file.read(_MAX_BYTES + 1)
    text, encoding = decoded(data[:_MAX_BYTES], sidecar.language)
    name = clean(sidecar.name)
    if encoding:
        warn(f"The subtitles {name} are not in UTF-8; they were read as {encoding}.")
    form = _FORMATS[sidecar.name.rpartition(".")[2].lower()]
    options = {"protocol_whitelist": "none"}
    with av.open(io.BytesIO(text.encode()), "r", format=form, options=options) as container:
        stream = container.streams.subtitles[0]
        track = SubtitleTrack(stream, name, sidecar.language, None)
        for packet in container.demux(stream):
            track.add(packet, 0.0)
    return track


def decoded(data: bytes, language: str | None) -> tuple[str, str]:
    """Decode a subtitle file.

    Args:
        data: Its bytes.
        language: ISO 639-1, if the file name says it.

    Returns:
        The text, and the name of the encoding if it is not Unicode and had to be guessed.
    """
    for mark, unicode in _BOMS.items():
        if data.startswith(mark):
            return data.decode(unicode, "replace"), ""
    zeros = (data[0::2].count(0), data[1::2].count(0))
    if max(zeros) > len(data) // 8:
        return data.decode("utf-16-le" if zeros[1] > zeros[0] else "utf-16-be", "replace"), ""
    try:
        return data.decode("utf-8-sig"), ""
    except UnicodeDecodeError:
        encoding = _guessed(data, language)
        return data.decode(encoding, "replace"), encoding


def _guessed(data: bytes, language: str | None) -> str:
    if language in _CODE_PAGES:
        return _CODE_PAGES[language]
    accented, plain = len(re.findall(rb"[\x80-\xff]", data)), len(re.findall(rb"[A-Za-z]", data))
    # Latin letters with an accent stand between plain letters; those of other scripts follow each other.
    alone = len(re.findall(rb"(?<![\x80-\xff])[\xc0-\xff](?![\x80-\xff])", data))
    if language or accented < _LATIN_SHARE * plain or alone > accented / 2:
        return "cp1252"
    best = from_bytes(data[:100_000]).best()
    if best is None or (accented < _MIN_ACCENTED and len(data.decode(best.encoding, "replace")) == len(data)):
        return "cp1252"  # so few bytes do not tell one code page from another
    return best.encoding
