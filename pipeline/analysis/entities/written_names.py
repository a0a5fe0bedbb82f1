"""Names on screen whose spelling can be trusted more than that of a transcript."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pipeline.analysis.entities.casing import is_capitals
from pipeline.analysis.entities.forms import trimmed
from pipeline.analysis.entities.recognizer import ENGLISH, EntityRecognizer
from pipeline.analysis.entities.sounding import letters_of
from pipeline.analysis.scenes import shown_spans
from pipeline.language import is_ordinary
from schemas.records import Analysis

_MIN_SCORE = 0.85
"""Lines that OCR read with less confidence correct nothing."""
_MIN_LETTERS = 3
_CODE = re.compile(r"(?<![\w@./-])[A-Z][\w]*(?:-\w+)*(?![\w@/-])")
_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
_MISREAD = re.compile(r"[A-Za-z][01][A-Za-z]|[a-z][|!]")
"""Digits between letters are letters that OCR misread."""


@dataclass(frozen=True, slots=True)
class ScreenName:
    """A name on screen."""

    text: str
    is_code: bool
    """Written like no other word, as `LAION-400M`, `DALL-E`, `ImageNet` and `COCO` are."""
    spans_s: tuple[tuple[float, float], ...]
    """When it is shown."""

    letters: str = field(init=False)
    """Its letters and digits, without case."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "letters", letters_of(self.text))


def screen_names(found: Analysis, recognizer: EntityRecognizer | None) -> list[ScreenName]:
    """Return the names on screen that may correct a transcript.

    Args:
        found: With its keyframes.
        recognizer: Finds names of people, places, organisations and works. Without it, only names that are written like
            no other word are found.
    """
    lines: dict[str, list[tuple[float, float]]] = {}
    shown_s = shown_spans(found.keyframes, found.duration_s, found.shots)
    for span_s, frame in zip(shown_s, found.keyframes, strict=True):
        for read in frame.text_lines:
            if read.score >= _MIN_SCORE:
                lines.setdefault(read.text, []).append(span_s)
    spans: dict[tuple[str, bool], list[tuple[float, float]]] = {}
    for line, name, is_code in _names(list(lines), recognizer, found.transcript.language or ENGLISH):
        spans.setdefault((name, is_code), []).extend(lines[line])
    return [ScreenName(name, is_code, tuple(shown)) for (name, is_code), shown in spans.items()]


def coded_names(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of names with digits, or a single letter after a hyphen, as `LAION-400M` and `DALL-E`."""
    for match in _CODE.finditer(text):
        if re.search(r"\d|-[A-Z]$", match[0]) and _is_code(match[0], capitals=True):
            yield match.span()


def _names(lines: Sequence[str], recognizer: EntityRecognizer | None, language: str) -> Iterator[tuple[str, str, bool]]:
    """Yield the line, the name, and whether it is written like no other word."""
    recognized = recognizer.recognize(lines, [language] * len(lines)) if recognizer else [[] for _ in lines]
    for line, spans in zip(lines, recognized, strict=True):
        capitals = is_capitals(line)
        codes = [match[0] for match in _CODE.finditer(line) if _is_code(match[0], capitals=capitals)]
        yield from ((line, code, True) for code in codes)
        if capitals:
            continue
        for span in spans:
            start, end = trimmed(line, span.start, span.end)
            name = line[start:end]
            if span.kind != "date" and name not in codes and _is_certain(name):
                yield line, name, False


def _is_code(token: str, *, capitals: bool) -> bool:
    """Return whether a token is a name by its spelling alone.

    In a line of capitals, any word has them, so only digits and single letters after a hyphen count there. `X-ray` and
    `E-MAIL` are ordinary words.
    """
    letters = sum(map(str.isalpha, token))
    parts = [part for part in _PARTS.findall(token) if part.isalpha() and len(part) > 1]
    if letters < _MIN_LETTERS or _MISREAD.search(token):
        return False
    if re.search(r"[a-z][A-Z]", token):
        return not re.match(r"(Mc|Mac|De|Di|La|Le|Van|O)[A-Z]", token)
    if not token.replace("-", "").isupper() or not parts or any(map(is_ordinary, parts)):
        return False
    joined = re.search(r"\d", token) is not None or re.search(r"-[A-Z](?!\w)", token) is not None
    return joined or (not capitals and "-" not in token)


def _is_certain(name: str) -> bool:
    """Return whether a recognised name is clearly one: words with capitals, not all of them ordinary."""
    words = [word for word in re.split(r"[\s-]+", name) if word]
    if sum(map(str.isalpha, name)) < _MIN_LETTERS + 1 or _MISREAD.search(name) or "\n" in name:
        return False
    capital = all(word[0].isupper() or word in {"of", "the", "de", "von", "van", "da", "and", "&"} for word in words)
    return capital and not all(is_ordinary(word) for word in words)
