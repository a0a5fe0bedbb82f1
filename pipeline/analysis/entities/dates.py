"""Dates in English: find those that are written out, and write them as in ISO 8601."""

import re
from collections.abc import Iterator
from datetime import date

_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY = r"(?P<day>3[01]|[12][0-9]|0?[1-9])(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>1[0-9]{3}|20[0-9]{2})"
_DAY_MONTH = rf"(?:the\s+)?{_DAY}\s+(?:of\s+)?{_MONTH}(?:,?\s+(?:in\s+)?{_YEAR})?"
_MONTH_DAY = rf"{_MONTH}\s+(?:the\s+)?{_DAY}(?:,?\s+{_YEAR})?"
_MONTH_YEAR = rf"{_MONTH}(?:,?\s+|\s+of\s+){_YEAR}"
_ISO = r"(?P<year>[12][0-9]{3})-(?P<month_number>0[1-9]|1[0-2])-(?P<day>[0-3][0-9])"
_DOTTED = r"(?P<day>[0-3]?[0-9])\.\s?(?P<month_number>[01]?[0-9])\.\s?(?P<year>[12][0-9]{3})"
_DECADE = r"(?:the\s+)?(?P<decade>1[0-9]{2}|20[0-9])0['’]?s"
_EXPLICIT = tuple(
    re.compile(rf"(?<![\w/.-]){pattern}(?![\w/-]|\.\d)", re.IGNORECASE)
    for pattern in (_DAY_MONTH, _MONTH_DAY, _MONTH_YEAR, _ISO, _DOTTED, _DECADE)
)
_PREFIX = r"(?:(?:in|on|since|until|by|from|of|early|late|mid|about|around|the)[\s-]+)*"
_FORMS = tuple(
    re.compile(_PREFIX + pattern, re.IGNORECASE)
    for pattern in (
        _DAY_MONTH,
        _MONTH_DAY,
        _MONTH_YEAR,
        _ISO,
        _DOTTED,
        rf"(?:the\s+year\s+)?{_YEAR}",
        _MONTH,
        _DECADE,
        r"(?P<century>1?[0-9]|2[01])(?:st|nd|rd|th)[\s-]century",
    )
)
_INTERVAL = re.compile(rf"(?:from|between)?\s*{_YEAR}\s*(?:-|–|—|to|and|until)\s*(?P<last>1[0-9]{{3}}|20[0-9]{{2}})")
_ANCHOR = re.compile(
    r"\b(?:1[0-9]{3}|20[0-9]{2})(?:s\b|\b)"
    r"|\b(?:january|february|march|april|june|july|august|september|october|november|december"
    r"|jan|feb|apr|aug|sept?|oct|nov|dec)\b"
    r"|\b(?:1?[0-9]|2[01])(?:st|nd|rd|th)[\s-]century",
    re.IGNORECASE,
)
_MAY = re.compile(r"\bMay\b")


def explicit_dates(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of dates that can be nothing else: a day with its month, a month with its year, a decade."""
    taken = 0
    found = sorted((match.start(), -match.end()) for form in _EXPLICIT for match in form.finditer(text))
    for start, negative_end in found:
        span = text[start:-negative_end]
        # "may 12 people come" and "we march 20 miles" are no dates.
        unsure = re.match(r"(may|march)\b", span, re.IGNORECASE) and not span[0].isupper()
        if start >= taken and not unsure and (iso := iso_date(span)) is not None and iso != span.casefold():
            yield start, -negative_end
            taken = -negative_end


def is_calendar_date(text: str) -> bool:
    """Return whether a date has a place in the calendar, unlike "yesterday", "on Monday" or "for three years"."""
    if re.search(r"\b(years?|months?|weeks?|days?|hours?|minutes?)\b(?!\s+(?:of\s+)?\d{4})", text, re.IGNORECASE):
        return re.search(r"\b(?:the\s+)?year\s+(?:of\s+)?\d{4}\b", text, re.IGNORECASE) is not None
    return _ANCHOR.search(text) is not None or _MAY.search(text) is not None


def iso_date(text: str) -> str | None:
    """Return a date in ISO 8601; None if it has no such form.

    `2021-05-03`, `2021-05` and `2021`; without a year `--05-03` and `--05`. As in ISO 8601-2, a decade is `196X`, a
    century is `18XX`, and from one year to another is `1914/1918`.

    Args:
        text: A date in English.
    """
    text = " ".join(text.split()).strip(" .,;:")
    if match := _INTERVAL.fullmatch(text):
        first, last = match["year"], match["last"]
        return f"{first}/{last}" if first < last else None
    for form in _FORMS:
        if match := form.fullmatch(text):
            return _iso(match.groupdict())
    return None


def _iso(found: dict[str, str | None]) -> str | None:
    if decade := found.get("decade"):
        return f"{decade}X"
    if century := found.get("century"):
        return f"{int(century) - 1:02d}XX" if int(century) else None
    year = found.get("year")
    name, number = found.get("month"), found.get("month_number")
    month = int(number) if number else _month(name) if name else None
    day = int(found.get("day") or 0)
    if month is None:
        return year
    if not 1 <= month <= 12:
        return None
    if day:
        try:
            # A leap year, because the year may be unknown.
            date(int(year or 2000), month, day)
        except ValueError:
            return None
    start = year or "-"
    return f"{start}-{month:02d}-{day:02d}" if day else f"{start}-{month:02d}"


def _month(name: str) -> int:
    return next(index for index, month in enumerate(_MONTHS, 1) if month.startswith(name.lower()[:3]))
