"""What a filled gap may add: nothing that the words beside it already say.

Whisper's word times are rough. Speech that seems to have no words may be that of the words beside it, which are then
heard twice, perhaps in another spelling: `0-1-8-03` and `018-03`.
"""

import re
from collections.abc import Sequence
from itertools import accumulate

from pipeline.analysis.speech.words import SpokenWord

MAX_WORDS, NEAR_S = 40, 5.0
"""Words beside a gap are compared if they are this near to what was found in it. People do repeat themselves."""
MIN_RUN = 3
"""If so many tokens in a row repeat the end of the words before, what is found before them is a repetition as well."""
_TOKEN = re.compile(r"\d|[^\W\d_]+")
_DIGITS = {
    "zero": "0", "oh": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7",
    "eight": "8", "nine": "9",
    "null": "0", "eins": "1", "zwei": "2", "drei": "3", "vier": "4", "fünf": "5", "sechs": "6", "sieben": "7",
    "acht": "8", "neun": "9",
    "cero": "0", "uno": "1", "dos": "2", "tres": "3", "cuatro": "4", "cinco": "5", "seis": "6", "siete": "7",
    "ocho": "8", "nueve": "9",
    "zéro": "0", "un": "1", "deux": "2", "trois": "3", "quatre": "4", "cinq": "5", "sept": "7", "huit": "8",
    "neuf": "9",
}  # fmt: skip
_DIGITS |= {
    name: str(value)
    for value, name in enumerate(
        ("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
        10,
    )
}
_TENS = {
    "twenty": "2", "thirty": "3", "forty": "4", "fifty": "5", "sixty": "6", "seventy": "7", "eighty": "8",
    "ninety": "9",
}  # fmt: skip
"""Digits that are spoken one by one, in a few languages."""


def without_repeats(
    before: Sequence[SpokenWord], found: Sequence[SpokenWord], after: Sequence[SpokenWord]
) -> list[SpokenWord]:
    """Return the words found in a gap without those that the words beside it already say.

    Args:
        before: The words before the gap, in order.
        found: The words found in it, in order.
        after: The words after it, in order.
    """
    if not found:
        return []
    left = _tokens([word for word in before[-MAX_WORDS:] if found[0].start_s - word.end_s <= NEAR_S])
    right = _tokens([word for word in after[:MAX_WORDS] if word.start_s - found[-1].end_s <= NEAR_S])
    kept = _new(left, [(word, spoken_tokens(word.text)) for word in found])
    kept = _new(right[::-1], [(word, spoken_tokens(word.text)[::-1]) for word in reversed(kept)])[::-1]
    return [] if _bridges(left, _tokens(kept), right) else kept


def _bridges(left: Sequence[str], found: Sequence[str], right: Sequence[str]) -> bool:
    """Return whether what was found is the end of what was said before and the start of what was said after."""
    joined = [*left[-len(found) :], *right[: len(found)]]
    return any(joined[n : n + len(found)] == found for n in range(len(joined) - len(found) + 1))


def spoken_tokens(text: str) -> list[str]:
    """Return the words of a text in lower case, and each digit by itself, in digits or spelled out."""
    tokens = []
    found = [_DIGITS.get(token, token) for token in _TOKEN.findall(text.casefold())]
    for token, following in zip(found, [*found[1:], ""], strict=True):
        tens = _TENS.get(token)
        # `twenty` `five` is 25, `twenty` alone is 20.
        tokens += [token] if tens is None else [tens] if following.isdigit() else [tens, "0"]
    return [digit for token in tokens for digit in (token if token.isdigit() else [token])]


def _tokens(words: Sequence[SpokenWord]) -> list[str]:
    return [token for word in words for token in spoken_tokens(word.text)]


def _new(said: Sequence[str], found: Sequence[tuple[SpokenWord, Sequence[str]]]) -> list[SpokenWord]:
    """Return the words after those that only repeat the end of what was said."""
    while repeated := _repeated(said, [tokens for _, tokens in found]):
        found = found[repeated:]
    return [word for word, _ in found]


def _repeated(said: Sequence[str], found: Sequence[Sequence[str]]) -> int:
    """Return how many of the first words found, each as its tokens, only repeat the end of what was said."""
    flat = [token for tokens in found for token in tokens]
    ends = [0, *accumulate(map(len, found))]
    for count in range(len(found), 0, -1):
        end = ends[count]
        for start in range(end):
            run = end - start
            if (start == 0 or run >= MIN_RUN) and run <= len(said) and flat[start:end] == list(said[-run:]):
                return count
    return 0
