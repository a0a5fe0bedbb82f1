"""File names of exports and clips: safe on every file system, and unique."""

import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, mkstemp

from pipeline.export.text import one_line
from pipeline.lake import file_name
from schemas.errors import ExportError
from schemas.export import STDOUT

_UNSAFE = re.compile(r'[\\/:*?"<>|\ufffd\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+')
"""Characters that some file systems refuse, or that are invisible."""
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)")
_LONGEST_BYTES = 120
_TEXT_ENDINGS = frozenset({".txt", ".csv", ".json", ".jsonl", ".html"})


def safe_stem(uri: str) -> str:
    """Return a file's name without folder and extension, safe on any file system."""
    name = one_line(file_name(uri))
    stem = name.rpartition(".")[0] or name
    stem = _UNSAFE.sub("_", stem).strip(" .-")
    stem = stem.encode()[:_LONGEST_BYTES].decode(errors="ignore").strip(" .")
    return f"_{stem}" if _RESERVED.match(stem) else stem or "video"


def unique(stem: str, video_id: str, taken: set[str]) -> str:
    """Return a name that is not in `taken`, and add it. Some file systems ignore case."""
    name = stem if stem.casefold() not in taken else f"{stem}.{video_id[:8]}"
    if name.casefold() in taken:
        name = f"{stem}.{video_id}"
    taken.add(name.casefold())
    return name


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary file next to `path`, which replaces `path` if the block ends without an exception.

    A device or pipe, like /dev/stdout, is yielded itself. If `path` is a link, its target is replaced. See
    `printed_file` for `STDOUT`.

    Raises:
        ExportError: The file cannot be written, or standard output is a terminal and the file is not text.
    """
    if path == STDOUT:
        with printed_file(".txt") as temporary:
            yield temporary
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise ExportError(f"{path} is a folder; name a file.")
        if path.exists() and not path.is_file():
            yield path
            return
        path = path.resolve()
        descriptor, name = mkstemp(prefix=".videolake-", suffix=path.suffix, dir=path.parent)
        os.close(descriptor)
        temporary = Path(name)
        try:
            yield temporary
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(path)
        finally:
            with suppress(FileNotFoundError):
                temporary.unlink()
    except OSError as error:
        raise ExportError(f"{path} cannot be written: {error.strerror or error}.") from error


@contextmanager
def printed_file(ending: str) -> Iterator[Path]:
    """Yield a temporary file, which is written to standard output if the block ends without an exception.

    So formats that need to seek can go to a pipe, too.

    Raises:
        ExportError: Standard output is a terminal, and the ending is not that of a text file.
    """
    check_terminal(ending)
    with TemporaryDirectory(prefix="videolake-") as folder:
        path = Path(folder) / f"output{ending}"
        yield path
        sys.stdout.flush()
        with path.open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.buffer.flush()


def check_terminal(ending: str) -> None:
    """Raise `ExportError` if standard output is a terminal, and the ending is not that of a text file."""
    if ending not in _TEXT_ENDINGS and sys.stdout.isatty():
        raise ExportError(f"A {ending} file is not text. Redirect standard output, or name a file with -o.")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
