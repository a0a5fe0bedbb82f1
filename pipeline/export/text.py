"""Text and times for other programs: one line, no control characters, widths in columns, timestamps."""

import re

from wcwidth import wcswidth

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def one_line(text: str) -> str:
    """Return a text on one line, with U+FFFD in place of control characters that are not spaces."""
    return _CONTROL.sub("\ufffd", " ".join(text.split()))


def columns(text: str) -> int:
    """Return the width of a line of text: a Latin letter 1, a Chinese character or an emoji 2, a combining mark 0."""
    return wcswidth(text)


def milliseconds(seconds: float) -> int:
    """Return a time in whole milliseconds."""
    return round(seconds * 1000)


def stamp(ms: int, *, decimal: str = ".") -> str:
    """Write milliseconds as `01:02:03.004`."""
    seconds, rest = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{decimal}{rest:03}"
