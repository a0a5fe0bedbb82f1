"""How alike two spellings sound and look, for names that were heard and names that are written."""

import re
import unicodedata

_DOUBLE = re.compile(r"([a-z])\1+")
_RULES = (
    ("tch", "x"), ("sch", "x"), ("ch", "k"), ("ck", "k"), ("ph", "f"), ("gh", "g"), ("wh", "w"), ("qu", "kw"),
    ("sh", "x"), ("th", "t"), ("kn", "n"), ("wr", "r"), ("ce", "se"), ("ci", "si"), ("cy", "sy"),
)  # fmt: skip
_LETTERS = str.maketrans({"c": "k", "q": "k", "x": "ks", "z": "s", "v": "w", "j": "g"})
_VOWELS = re.compile(r"[aeiouyh]")
_LOOK_ALIKE = str.maketrans({"l": "i", "1": "i", "|": "i", "0": "o", "5": "s", "8": "b"})


def letters_of(text: str) -> str:
    """Return the letters and digits of a text, without case and accents."""
    folded = unicodedata.normalize("NFKD", text).casefold()
    return "".join(character for character in folded if character.isalnum())


def skeleton(letters: str) -> str:
    """Return the consonants of a word as they sound in English, and its digits; `ln` for `laion`, `leon` and `lion`.

    Args:
        letters: The result of `letters_of`.
    """
    for written, spoken in _RULES:
        letters = letters.replace(written, spoken)
    sounds = letters.translate(_LETTERS)
    first = "a" if sounds and sounds[0] in "aeiouy" else ""
    return first + _DOUBLE.sub(r"\1", _VOWELS.sub("", sounds))


def similarity(one: str, other: str) -> float:
    """Return how many characters two texts share: 1 minus the edit distance over the length of the longer one."""
    return 1 - edit_distance(one, other) / max(1, len(one), len(other))


def edit_distance(one: str, other: str) -> int:
    """Return the number of characters to add, remove or replace (Levenshtein 1966)."""
    row = list(range(len(other) + 1))
    for number, first in enumerate(one, 1):
        before, row[0] = row[0], number
        for column, second in enumerate(other, 1):
            before, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, before + (first != second))
    return row[-1]


def look_alike(one: str, other: str) -> bool:
    """Return whether two texts differ only in characters that OCR confuses, such as `l` and `I`."""
    return one.translate(_LOOK_ALIKE) == other.translate(_LOOK_ALIKE)
