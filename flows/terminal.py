"""Protect the terminal from control sequences in the data: only text and colours reach it.

A file name or a transcript may contain sequences that rename the window, move the cursor, hide text or type for the
user. The streams are guarded once, for the output of all commands. Files and pipes get the text unchanged.
"""

import codecs
import io
import re
import sys
from collections.abc import Iterable
from typing import Any, TextIO, cast

_COLOURS = re.compile(r"(?:(?:[0-4]|2[2-4]|3[0-79]|9[0-7]|38;5;\d+|38;2;\d+;\d+;\d+)?(?:;|$))+")
"""The styles that we and rich use. Hidden, blinking and reversed text is not among them."""
_SEQUENCE = re.compile(r"\x1b\[([0-9;]*)m|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202d\u202e\ud800-\udfff]")
"""A style sequence or a control character, except tab and newline."""
_REPLACEMENT = "\ufffd"


def harmless(text: str) -> str:
    """Replace every character that could control a terminal with U+FFFD."""
    return _SEQUENCE.sub(_REPLACEMENT, text)


def guard() -> None:
    """Guard standard output and standard error if they are terminals. Calling it again changes nothing.

    Also makes sure that no text fails to encode: names that are not valid UTF-8 are written as their original bytes,
    and characters that another encoding lacks as question marks.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):
            utf8 = codecs.lookup(stream.encoding).name == "utf-8"
            stream.reconfigure(errors="surrogateescape" if utf8 else "replace")
        if stream is not None and not isinstance(stream, _Guarded) and stream.isatty():
            setattr(sys, name, cast("TextIO", _Guarded(stream)))


def unguarded(stream: Any) -> Any:  # noqa: ANN401 - a text stream, guarded or not
    """Return the terminal itself, for output that moves the cursor and contains only `harmless` text: progress bars."""
    return stream.inner if isinstance(stream, _Guarded) else stream


class _Guarded:
    """A text stream that passes only text and colours, and otherwise behaves like the stream that it guards."""

    def __init__(self, inner: TextIO) -> None:
        self.inner = inner
        self.buffer = _GuardedBytes(self)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the stream has
        return getattr(self.inner, name)

    def write(self, text: str) -> int:
        self.inner.write(_SEQUENCE.sub(_replaced, text))
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
        """Leave the terminal open, because we did not open it."""


def _replaced(found: re.Match[str]) -> str:
    codes = found[1]
    return found[0] if codes is not None and _COLOURS.fullmatch(codes) else _REPLACEMENT
