"""Forms of a name: what belongs to it, what is equal for all its spellings, and titles of people."""

import re
import unicodedata

from schemas.entities import EntityKind

_OPENING = " \t\n\"'“”\u2018’«»„([{<*#&/|·•,.:;!?-–—_+=~"
_CLOSING = ' \t\n"“”\u2018«»„)]}>*#&/|·•,:;!?-–—_+=~'
_POSSESSIVE = re.compile(r"(['’`]s|(?<=s)['’])$", re.IGNORECASE)
_ARTICLE = re.compile(r"(the|a|an)\s+", re.IGNORECASE)
_TITLES = {
    "mr", "mister", "mrs", "ms", "miss", "madame", "madam", "mme", "dr", "doctor", "prof", "professor", "sir", "lady",
    "lord", "dame", "president", "senator", "captain", "colonel", "general", "chancellor", "judge", "saint", "herr",
    "frau", "monsieur",
}  # fmt: skip
FEMALE_TITLES = frozenset({"mrs", "ms", "miss", "madame", "madam", "mme", "lady", "dame", "frau"})
"""They also name the wife or daughter of somebody with this family name."""
MALE_TITLES = frozenset({"mr", "mister", "sir", "lord", "herr", "monsieur"})
_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "phd", "md"})


def trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the part of a span without an article, a possessive ending and marks around it.

    Args:
        text: The whole text.
        start: Start of the span, in characters.
        end: Its end, exclusive.

    Returns:
        Start and end; both are the same if nothing is left.
    """
    while True:
        before = start, end
        while start < end and text[start] in _OPENING:
            start += 1
        while start < end and text[end - 1] in _CLOSING:
            end -= 1
        if end > start and text[end - 1] == "." and not _is_initial(text[start:end]):
            end -= 1
        if end > start and text[end - 1] in "'’" and not text[start:end].lower().endswith(("s'", "s’")):
            end -= 1
        if match := _POSSESSIVE.search(text[start:end]):
            end = start + match.start()
        if match := _ARTICLE.match(text[start:end]):
            start += match.end()
        if (start, end) == before:
            return start, end


def without_title(name: str) -> tuple[str, str]:
    """Split a person's name into title and rest, as in `mr` and `Smith`; the title is empty without one."""
    words = name.split()
    title = ""
    while len(words) > 1 and (word := words[0].rstrip(".").casefold()) in _TITLES:
        title = word
        words = words[1:]
    return title, " ".join(words)


def normal_form(name: str, kind: EntityKind) -> str:
    """Return what is equal for the spellings of a name, of any kind but dates."""
    normal = _normalized(name, kind)
    # What one step uncovers may be a mark or an article again.
    while (again := _normalized(normal, kind)) != normal:
        normal = again
    return normal


def _normalized(name: str, kind: EntityKind) -> str:
    text = unicodedata.normalize("NFKC", name).replace("’", "'").replace("\u2018", "'")
    if kind == "person":
        text = without_title(text)[1]
    start, end = trimmed(text, 0, len(text))
    if end <= start:
        start, end = 0, len(text)
    # "U.N." and "UN", "J. K. Rowling" and "J K Rowling" are the same.
    text = re.sub(r"(?<=\b\w)\.\s?(?=\w\b)", "", text[start:end])
    return " ".join(text.replace(".", "").casefold().split()) or text.casefold()


def person_tokens(normal: str) -> tuple[str, ...]:
    """Return the words of a person's normal form, without what may follow a name."""
    return tuple(word for word in normal.split() if word not in _SUFFIXES)


def _is_initial(text: str) -> bool:
    """Return whether a text ends with an initial or an abbreviation, whose full stop belongs to it."""
    return re.search(r"(^|[\s.])[A-Za-z]\.$|\b(Jr|Sr|Inc|Ltd|Co|Corp|Bros|St)\.$", text) is not None
