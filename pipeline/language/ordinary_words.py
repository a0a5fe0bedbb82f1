"""English words that are usually written in lower case, so that a capital at the start of a sentence makes no name.

GPT-2's vocabulary, which comes with openai-whisper, ranks words by their frequency on the web, and distinguishes case:
` quarter` comes before ` Quarter`, but ` Paris` before ` paris`.
"""

import base64
import importlib.util
import re
from functools import cache
from pathlib import Path

_FILE = ("assets", "gpt2.tiktoken")
_WORD = re.compile(rb" ([A-Za-z]{2,})")
_NEVER = 1 << 30
_ENDINGS = (
    ("'s", ""), ("ies", "y"), ("es", ""), ("es", "e"), ("s", ""), ("ied", "y"), ("ed", ""), ("ed", "e"), ("ing", ""),
    ("ing", "e"), ("ily", "y"), ("ly", ""), ("er", ""), ("er", "e"), ("est", ""), ("est", "e"), ("ness", ""),
)  # fmt: skip
_MIN_STEM = 3


def is_ordinary(word: str) -> bool:
    """Return whether a word is an ordinary English one, also in a form such as the plural.

    Args:
        word: In any case.
    """
    word = word.casefold().replace("’", "'")
    ranks = _ranks()
    if _is_lower(word, ranks):
        return True
    if word.capitalize() in ranks:
        return False
    stems = (word.removesuffix(ending) + new for ending, new in _ENDINGS if word.endswith(ending))
    return any(
        len(stem) >= _MIN_STEM and (_is_lower(stem, ranks) or (stem[-1] == stem[-2] and _is_lower(stem[:-1], ranks)))
        for stem in stems
    )


def _is_lower(word: str, ranks: dict[str, int]) -> bool:
    return word in ranks and ranks[word] < ranks.get(word.capitalize(), _NEVER)


@cache
def _ranks() -> dict[str, int]:
    """Return the rank of each word, the most frequent first; words of one letter are left out."""
    spec = importlib.util.find_spec("whisper")
    if spec is None or spec.origin is None:  # a base dependency
        raise ModuleNotFoundError("openai-whisper is not installed", name="whisper")
    ranks: dict[str, int] = {}
    for line in Path(spec.origin).parent.joinpath(*_FILE).read_bytes().splitlines():
        token, _, rank = line.partition(b" ")
        if match := _WORD.fullmatch(base64.b64decode(token)):
            ranks[match[1].decode()] = int(rank)
    return ranks
