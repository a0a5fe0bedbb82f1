"""Text for people: cut at a word, free of control characters."""

import unicodedata

from pipeline.language import word_spans


def clean(text: str) -> str:
    """Return the text on one line, without control characters."""
    spaced = "".join(" " if unicodedata.category(character) in {"Cc", "Zl", "Zp"} else character for character in text)
    return " ".join(spaced.split())


def shortened(text: str, length: int) -> str:
    """Return the text in at most so many characters, cut at a word and with an ellipsis where it is longer."""
    text = clean(text)
    if len(text) <= length:
        return text
    cut = text[: length - 1]
    at_word = cut.rsplit(" ", 1)[0] if " " in cut[length // 2 :] else _cut_between_words(text, len(cut))
    return at_word.rstrip(" ,;:.-–—、，") + "…"


def _cut_between_words(text: str, length: int) -> str:
    """Cut a text that has no spaces to cut at, such as Chinese, after a whole word where there is one."""
    ends = [end for _, end in word_spans(text[: 2 * length]) if length // 2 < end <= length]
    return text[: max(ends, default=length)]


def duration(seconds: float) -> str:
    """Write a length as people say it: `10 s`, `3:32 min`, `1:02:03 h`."""
    total = round(seconds)
    if total < 60:
        return f"{total} s"
    minutes, rest = divmod(total, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02} h" if hours else f"{minutes}:{rest:02} min"
