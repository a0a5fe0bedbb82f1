"""Numbers in a text, in digits or in words."""

import re

_DIGITS = r"(?<!\d)\d{1,3}(?:[.,\u00a0\u202f']\d{3})+(?:[.,]\d+)?(?!\d)|\d+(?:[.,]\d+)?"
_PIECE = re.compile(rf"{_DIGITS}|[^\W\d_]+")
_GROUPED = re.compile(r"(\d{1,3}(?:[.,\u00a0\u202f']\d{3})+)(?:[.,](\d+))?")
_UNITS = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
    "seventeen": 17, "eighteen": 18, "nineteen": 19, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60,
    "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip
_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12}


def numbers_in(text: str) -> frozenset[float]:
    """Return the numbers in a text: in digits in any language, or in words in English.

    `1,200`, `1.2 thousand` and `twelve hundred` are the same number. The word `one` alone is not a number, because it
    is often a pronoun, and ordinals are not numbers either.
    """
    found: set[float] = set()
    run: list[str] = []
    for piece in [*_PIECE.findall(text.lower()), ""]:
        if piece in _UNITS or piece in _SCALES or piece[:1].isdecimal():
            run.append(piece)
        elif piece != "and" or not run:
            found |= _numbers(run)
            run = []
    return frozenset(found)


def _numbers(run: list[str]) -> set[float]:
    """Return the numbers in a run of number words: `two hundred seven` is one number, `two three` are two."""
    found: list[float] = []
    total, group = 0.0, -1.0
    for piece in run:
        if piece in _SCALES:
            scale = _SCALES[piece]
            group = (group if group > 0 else 1.0) * scale
            if scale >= 1000:
                total, group = total + group, 0.0
            continue
        value = _UNITS[piece] if piece in _UNITS else _value(piece)
        if group < 0 or _continues(group, piece):
            group = max(group, 0.0) + value
        else:
            found.append(total + group)
            total, group = 0.0, value
    if run and run != ["one"]:
        found.append(total + max(group, 0.0))
    return {round(number, 6) for number in found}


def _continues(group: float, piece: str) -> bool:
    """Tell whether a word continues a number: `twenty` `three`, or `two hundred` `seven`, but not `two` `three`."""
    unit = _UNITS.get(piece, -1)
    tens = group % 100 >= 20 and group % 10 == 0 and 0 < unit < 10
    return unit >= 0 and (tens or group % 100 == 0)


def _value(digits: str) -> float:
    grouped = _GROUPED.fullmatch(digits)
    if grouped:
        return float(re.sub(r"\D", "", grouped[1]) + "." + (grouped[2] or "0"))
    return float(digits.replace(",", "."))
