"""Text and times as other programs take them: one line, no control characters, widths in columns, clocks."""

import re
import unicodedata
from functools import lru_cache

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_NO_WIDTH = frozenset({"Mn", "Me", "Cf"})


def one_line(text: str) -> str:
    """Return a text on one line; a character that controls a terminal or a file, and is no space, becomes U+FFFD."""
    return _CONTROL.sub("\ufffd", " ".join(text.split()))


@lru_cache(maxsize=65536)
def columns(text: str) -> int:
    """Return how wide a text is: a Latin letter 1, a Chinese character 2, a combining mark 0 (Unicode's annex 11)."""
    return sum(_columns_of(character) for character in text)


def _columns_of(character: str) -> int:
    if unicodedata.category(character) in _NO_WIDTH:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def milliseconds(seconds: float) -> int:
    """Round a time."""
    return round(seconds * 1000)


def stamp(ms: int, *, decimal: str = ".") -> str:
    """Write milliseconds as `01:02:03.004`."""
    seconds, rest = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{decimal}{rest:03}"
