"""How the location of a file is written: a path if that is text, and otherwise a URI. Every location is valid UTF-8.

A name on disk is bytes, and some are not valid UTF-8, such as those of old archives in Latin-1. Python holds them as
lone surrogates, which neither Parquet nor JSON can hold. The location of such a file is a `file://` URI that escapes
these bytes: `file:///archive/caf%E9.mp4`.
"""

import os
import re
from pathlib import Path
from urllib.parse import unquote_to_bytes

_FILE = "file://"
_ESCAPED = re.compile(r"[\x00-\x20%?#\x7f\ud800-\udfff]")
"""Bytes that are not UTF-8, and characters that mean something else in a URI. Other letters stay readable."""


def location_of(path: str | os.PathLike[str]) -> str:
    """Return a path or URI as text that UTF-8 can hold: unchanged if it can, and otherwise as an absolute URI."""
    text = os.fspath(path)
    return text if _is_utf8(text) else _FILE + escaped(own_path(text))


def own_path(path: str | os.PathLike[str]) -> str:
    """Return the absolute path by which a file is known: `.` and `..` are resolved, and links stay."""
    parts = Path(path).absolute().parts
    if ".." not in parts or "\0" in os.fspath(path):
        return str(Path(*parts))
    rest = len(parts) - parts[::-1].index("..")
    # The parent of a link to a folder is that of the folder, so this part needs the real path.
    return os.path.join(os.path.realpath(Path(*parts[:rest])), *parts[rest:])  # noqa: PTH118 - as above, a string


def local_path(location: str) -> Path | None:
    """Return the local path of a location; None for other stores."""
    if "://" not in location:
        return Path(location)
    scheme, _, rest = location.partition("://")
    if scheme.lower() != "file":
        return None
    rest = re.split(r"[?#]", rest, maxsplit=1)[0]
    return Path(os.fsdecode(unquote_to_bytes(rest[max(0, rest.find("/")) :])))


def escaped(name: str) -> str:
    """Return a path, or a part of it, as it appears in a URI of a location."""
    return _ESCAPED.sub(_percent, name)


def shown(name: str) -> str:
    """Return a name as its location shows it: escaped only if UTF-8 cannot hold it."""
    return name if _is_utf8(name) else escaped(name)


def readable(name: str) -> str:
    """Return a part of a URI as people read it: without escapes, if it then is text."""
    plain = os.fsdecode(unquote_to_bytes(name))
    return plain if _is_utf8(plain) else name


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _percent(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "surrogateescape"))
