"""Which words of a text may be in a noun phrase, as far as its neighbours, its ending and its capitals tell.

This is no part-of-speech tagger. It knows some verbs for certain, and takes the other words for nouns. In German, nouns
have a capital.
"""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

Role = Literal["noun", "modifier", "other"]
"""`noun`: may end a phrase, or begin one in languages whose adjectives follow; `modifier`: only beside a noun."""

_ADJECTIVE = re.compile(r".+(e|en|er|es|em)|[0-9].*")
"""How adjectives end in German."""
_PLURAL_VERB = {"es": re.compile(r".+[ae]n"), "pt": re.compile(r".+[ae]m")}
"""How a verb ends after a subject in the plural, which ends with s; the adjectives of such a noun end with s, too. So a
word between a noun without s and one with it is a verb, too: "hija vende panes"."""


@dataclass(frozen=True, slots=True)
class _Rules:
    head_first: bool
    determiners: frozenset[str]
    subjects: frozenset[str]
    particles: frozenset[str]
    infinitives: re.Pattern[str] | None
    verbs: re.Pattern[str] | None


def head_first(language: str | None) -> bool | None:
    """Return whether nouns stand before their adjectives; None if there are no rules for a language."""
    rules = _rules().get(language or "en")
    return rules.head_first if rules else None


def word_roles(
    text: str, spans: Sequence[tuple[int, int]], language: str | None, nouns: frozenset[str] = frozenset()
) -> list[Role]:
    """Return the role of each word of a text.

    Args:
        text: A line of text.
        spans: The start and end of each of its words.
        language: ISO 639-1; None means English. Without rules for it, all words are nouns.
        nouns: In lower case, words that are nouns where a sentence begins, too; see `capitalised_within`.
    """
    rules = _rules().get(language or "en")
    if rules is None:
        return ["noun"] * len(spans)
    read = [text[start:end].replace("’", "'") for start, end in spans]
    roles: list[Role] = []
    for index, word in enumerate(read):
        before = read[index - 1].lower() if index and _adjacent(text, spans, index) else ""
        after = read[index + 1].lower() if index + 1 < len(read) and _adjacent(text, spans, index + 1) else ""
        if word[:1].islower() and _is_verb(word, before, after, rules):
            roles.append("other")
        elif language == "de":
            begins = not index or text[: spans[index][0]].rstrip()[-1:] in ".!?:"
            follows_noun = bool(before) and roles[-1] == "noun"
            roles.append(_german(word, follows_noun=follows_noun, begins=begins, nouns=nouns))
        elif before and roles[-1] == "noun" and (plural := _PLURAL_VERB.get(language or "")):
            disagrees = plural.fullmatch(word) if before.endswith("s") else after.endswith("s") and word[-1:] != "s"
            roles.append("other" if disagrees and word[:1].islower() else "noun")
        else:
            roles.append("noun")
    return roles


def capitalised_within(text: str, spans: Sequence[tuple[int, int]]) -> set[str]:
    """Return the words, in lower case, that have a capital although they do not begin a sentence."""
    return {
        text[start:end].lower()
        for start, end in spans
        if text[start].isupper() and text[:start].rstrip()[-1:] not in {"", *".!?:"}
    }


def _is_verb(word: str, before: str, after: str, rules: _Rules) -> bool:
    if before in rules.determiners:
        return False
    if before in rules.subjects or after in rules.determiners or after.startswith("l'"):
        return True
    if before in rules.particles and rules.infinitives and rules.infinitives.fullmatch(word):
        return True
    return rules.verbs is not None and rules.verbs.fullmatch(word) is not None


def _german(word: str, *, follows_noun: bool, begins: bool, nouns: frozenset[str]) -> Role:
    if word[:1].isupper():
        return "noun" if not begins or word.lower() in nouns or word[1:2].isupper() else "modifier"
    # After a noun, an adjective has an article or a preposition before it, so this is a verb.
    return "modifier" if _ADJECTIVE.fullmatch(word) and not follows_noun else "other"


def _adjacent(text: str, spans: Sequence[tuple[int, int]], index: int) -> bool:
    """Return whether there is only space between a word and the one before it."""
    return not text[spans[index - 1][1] : spans[index][0]].strip()


@cache
def _rules() -> dict[str, _Rules]:
    listed = tomllib.loads(
        resources.files("pipeline.language").joinpath("noun_phrases.toml").read_text(encoding="utf-8")
    )
    return {
        language: _Rules(
            rules["head"] == "first",
            frozenset(rules["determiners"].split()),
            frozenset(rules["subjects"].split()),
            frozenset(rules.get("particles", "").split()),
            *(re.compile(rf"\w{{2,}}({rules[kind]})") if kind in rules else None for kind in ("infinitives", "verbs")),
        )
        for language, rules in listed.items()
    }
