"""Phrases: counts and lists in English."""

from collections.abc import Sequence

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def number(count: int) -> str:
    """Write a small number as a word, and a larger one in digits."""
    return _NUMBERS[count] if 0 <= count < len(_NUMBERS) else str(count)


def counted(count: int, one: str, many: str) -> str:
    """Write a count with its noun, as in `one shot` or `3 shots`."""
    return f"one {one}" if count == 1 else f"{count} {many}"


def listed(parts: Sequence[str]) -> str:
    """Join parts as in `cars, bicycles and a person`."""
    return " and ".join(part for part in (", ".join(parts[:-1]), parts[-1]) if part) if parts else ""


def capitalised(text: str) -> str:
    """Return a text with a capital first letter; the others stay as they are."""
    return text[:1].upper() + text[1:]
