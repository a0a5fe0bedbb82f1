"""Keep a terminal from obeying what is said, written or named in a video: only text and colours reach it.

A file's name or a transcript may hold sequences that rename the window, move the cursor, hide text or answer for the
user. The streams are guarded once, for everything that any command prints. Files and pipes get the text as it is.
"""

import codecs
import io
import re
import sys
from collections.abc import Iterable
from typing import Any, TextIO, cast

_COLOURS = re.compile(r"(?:(?:[0-4]|2[2-4]|3[0-79]|9[0-7]|38;5;\d+|38;2;\d+;\d+;\d+)?(?:;|$))+")
"""What we and rich write with: no hidden, blinking or reversed text."""
_SEQUENCE = re.compile(r"\x1b\[([0-9;]*)m|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202d\u202e\ud800-\udfff]")
"""A colour, or a character that controls; tabs and ends of lines are neither."""
_SHOWN_AS = "\ufffd"


def harmless(text: str) -> str:
    """Return a text without characters that control a terminal; each becomes U+FFFD."""
    return _SEQUENCE.sub(_SHOWN_AS, text)


def guard() -> None:
    """Guard standard output and error where they are terminals; doing it again changes nothing.

    No text stops a command because a stream cannot hold it: names that are no UTF-8 are written as the bytes they have,
    and what another encoding lacks as a question mark.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):
            utf8 = codecs.lookup(stream.encoding).name == "utf-8"
            stream.reconfigure(errors="surrogateescape" if utf8 else "replace")
        if stream is not None and not isinstance(stream, _Guarded) and stream.isatty():
            setattr(sys, name, cast("TextIO", _Guarded(stream)))


def unguarded(stream: Any) -> Any:  # noqa: ANN401 - a text stream, guarded or not
    """Return the terminal itself, for what moves the cursor and shows only `harmless` text, as progress bars do."""
    return stream.inner if isinstance(stream, _Guarded) else stream


class _Guarded:
    """A text stream that lets through only text and colours; else it is the stream that it guards."""

    def __init__(self, inner: TextIO) -> None:
        self.inner = inner
        self.buffer = _GuardedBytes(self)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the stream has
        return getattr(self.inner, name)

    def write(self, text: str) -> int:
        self.inner.write(_SEQUENCE.sub(_kept, text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)


class _GuardedBytes(io.RawIOBase):
    """The bytes of a guarded stream."""

    def __init__(self, text: _Guarded) -> None:
        self._text = text
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:  # noqa: ANN401 - whatever holds bytes
        content = bytes(data)
        self._text.write(self._decoder.decode(content))
        return len(content)

    def flush(self) -> None:
        self._text.inner.flush()

    def close(self) -> None:
        """Leave the terminal open: it is not ours."""


def _kept(found: re.Match[str]) -> str:
    codes = found[1]
    return found[0] if codes is not None and _COLOURS.fullmatch(codes) else _SHOWN_AS
