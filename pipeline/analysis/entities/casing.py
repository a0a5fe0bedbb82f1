"""On-screen text in capitals, written as in a sentence, because recognisers know names by their case."""

import re
from collections.abc import Collection, Iterable

from pipeline.language import function_words

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_MIN_LETTERS = 4
_MAX_CAPITALS = 0.8
"""A line with a larger share of capitals is written in capitals."""


def is_capitals(line: str) -> bool:
    """Return whether a line is written in capitals, so that its case says nothing about names."""
    letters = [character for character in line if character.isalpha()]
    words = [word for word in _WORD.findall(line) if len(word) > 1]
    cased = sum(character.isupper() for character in letters)
    return len(letters) >= _MIN_LETTERS and bool(words) and cased > _MAX_CAPITALS * len(letters)


def recased(line: str, known: Collection[str]) -> str:
    """Return a line in capitals with a capital only at the start of each word; other lines as they are.

    Function words get none, and words of the video whose case is known are written as they are elsewhere. The length
    stays the same.

    Args:
        line: A line of on-screen text.
        known: Words as they are written in mixed case elsewhere in the video, from `mixed_case_words`.
    """
    if not is_capitals(line):
        return line
    spellings = {word.upper(): word for word in known}
    small = function_words("en")

    def one(match: re.Match[str]) -> str:
        word = match[0]
        if len(word) == 1 or any(character.isdigit() for character in line[match.end() : match.end() + 1]):
            return word
        if word in spellings and len(spellings[word]) == len(word):
            return spellings[word]
        lower = word.lower()
        if len(lower) != len(word) or (lower in small and match.start()):
            return lower if len(lower) == len(word) else word
        return word[0] + lower[1:]

    return _WORD.sub(one, line)


def mixed_case_words(texts: Iterable[str]) -> set[str]:
    """Return the words with a capital within texts that are not written in capitals, such as `Merkel` or `NATO`.

    Words at the start of a sentence are left out, because any word has a capital there.
    """
    found: set[str] = set()
    for text in texts:
        for line in text.splitlines():
            if is_capitals(line):
                continue
            for match in _WORD.finditer(line):
                before = line[: match.start()].rstrip()
                if any(map(str.isupper, match[0])) and before and before[-1] not in ".!?:;":
                    found.add(match[0])
    return found
