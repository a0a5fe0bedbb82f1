"""Names in English that their wording gives away: people with a usual first name, and works with their author."""

import re
from collections.abc import Iterator
from functools import cache
from importlib import resources

from pipeline.language import function_words, is_ordinary

_WORD = r"[A-ZÀ-Þ][\w’'-]*[a-zà-ÿ]"
_PERSON = re.compile(
    rf"\b(?P<first>[A-ZÀ-Þ][a-zà-ÿ]+)(?:\s(?:[A-Z]\.|{_WORD}))?\s(?:(?:von|van|de|der|da|di|del|la|le|al|bin)\s)*"
    rf"(?P<last>{_WORD})(?:\s(?:Jr|Sr)\.)?"
)
_TITLED = re.compile(
    rf"\b(?:Dr|Prof|Professor|Mr|Mrs|Ms)\.?\s(?P<name>(?:{_WORD}|[A-Z]\.)"
    rf"(?:[ ](?:(?:von|van|de|der|da|di|del|la|le|al|bin|ter)[ ])*(?:{_WORD}|[A-Z]\.)){{1,3}})"
)
_BY = re.compile(r"^(?P<work>\S.*\S)\s+by\s+(?P<author>.+)$")
_MIN_LAST = 2


def people(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each usual first name with the family name after it, and of each full name after a title.

    Examples are `Rosalind Franklin` and `Dr Oyelaran Adeyemi`, of which the title is a part.
    """
    titled = [(match.start(), match.start("name"), match.end()) for match in _TITLED.finditer(text)]
    for start, name_start, end in titled:
        if not all(is_ordinary(word) for word in text[name_start:end].split()):
            yield start, end - len(_possessive(text[name_start:end]))
    at = 0
    while match := _PERSON.search(text, at):
        at = match.end("first")
        if any(start <= match.start() < end for start, _, end in titled):
            continue
        name = match[0].removesuffix(_possessive(match[0]))
        words = [word for word in name.split()[1:] if word[0].isupper() and not word.endswith(".")]
        if match["first"] in given_names() and words and not any(map(is_ordinary, words)):
            yield match.start(), match.start() + len(name)
            at = match.start() + len(name)


def _possessive(name: str) -> str:
    match = re.search(r"['’]s$", name)
    return match[0] if match else ""


def works(line: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of the work in a line such as `War and Peace by Leo Tolstoy`.

    "Presented by Leo Tolstoy" and "A film by Leo Tolstoy" name none: all its words must have capitals, unless they are
    function words, and one ordinary word is no title.
    """
    match = _BY.match(line.strip())
    if match is None or next(people(match["author"]), (1, 0))[0] != 0:
        return
    small = function_words("en")
    words = [word for word in re.findall(r"\w+", match["work"]) if word.lower() not in small]
    titled = bool(words) and all(word[0].isupper() or word.isdigit() for word in words)
    if titled and not (len(words) == 1 and is_ordinary(words[0])):
        start = line.index(match["work"])
        yield start, start + len(match["work"])


@cache
def given_names() -> frozenset[str]:
    """Return usual first names of several languages, without those that are also places, months or ordinary words."""
    text = resources.files("pipeline.analysis.entities").joinpath("given_names.txt").read_text(encoding="utf-8")
    return frozenset(text.split())
