"""Things: what the labels of images and of objects name, in words that a sentence can use."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

NAMES_OF_TEXT = frozenset({"website", "envelope", "menu", "book jacket", "dust jacket", "comic book", "crossword"})
"""Labels that the vision model gives to pages of text; the text itself says more."""
PERSON = "people"
"""Name of the thing that every person is."""
_OBJECT = "@"
_ATTIRE = "~"
_BEGINS_WITH_VOWEL = re.compile(r"(?!uni|eu|one)[aeiou]|hour", re.IGNORECASE)
"""By sound: a unicycle, a European polecat, an hourglass."""

Role = Literal["thing", "place", "attire", "kind"]


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that frames may show."""

    name: str
    """In the plural, as in `bicycles`; a place with its preposition, as in `in a kitchen`."""
    one: str
    """In the singular with its article, as in `a bicycle`; a place as in `name`."""
    role: Role
    """A `thing` can be counted; `attire` is worn or held by people; a `kind` comprises several things."""
    kind: str = ""
    """Name of the kind that it belongs to, as in `vehicles`; empty if there is none."""


def thing_of_label(label: str) -> Thing:
    """Return what a label of a whole image names; a label that is not listed is a thing of its own."""
    return _things().get(label) or _unlisted(label)


def thing_of_object(label: str) -> Thing:
    """Return what the label of a detected object names; a label that is not listed is a thing of its own."""
    return _things().get(_OBJECT + label) or _unlisted(label)


def family(label: str) -> str:
    """Return the name of what a label names, without a preposition, as in `dogs` or `a kitchen`."""
    thing = _things().get(label)
    if thing is None:
        return label
    return thing.name.partition(" ")[2] if thing.role == "place" else thing.name


def kind_of(thing: Thing) -> Thing | None:
    """Return the kind that a thing belongs to, itself a thing; None if there is none."""
    return _kinds()[thing.kind] if thing.kind else None


def with_article(name: str) -> str:
    """Return a noun with its indefinite article; a plural has none."""
    if name.endswith("s") and not name.endswith(("ss", "us", "is")):
        return name
    return f"{'an' if _BEGINS_WITH_VOWEL.match(name) else 'a'} {name}"


def plural(noun: str) -> str:
    """Return the plural of a regular English noun; one that already looks like a plural stays as it is."""
    if noun.endswith("s") and not noun.endswith(("ss", "us", "is")):
        return noun
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return f"{noun}es"
    return f"{noun[:-1]}ies" if re.search(r"[^aeiou]y$", noun) else f"{noun}s"


def _unlisted(label: str) -> Thing:
    return Thing(plural(label), with_article(label), "thing")


def _things() -> Mapping[str, Thing]:
    return _read()[0]


def _kinds() -> Mapping[str, Thing]:
    return _read()[1]


@cache
def _read() -> tuple[Mapping[str, Thing], Mapping[str, Thing]]:
    """Return the things by label, `@` before labels of objects, and the kinds by name."""
    text = files("pipeline.analysis.description").joinpath("things.txt").read_text(encoding="utf-8")
    things: dict[str, Thing] = {}
    kinds: dict[str, Thing] = {}
    kind = ""
    for line in text.splitlines():
        if line.startswith("["):
            kind, _, one = line.strip("[]").partition("/")
            if kind:
                kinds[kind] = Thing(kind, one, "kind")
        elif line and not line.startswith("#"):
            head, _, labels = line.partition(": ")
            name, slash, one = head.removeprefix(_ATTIRE).partition("/")
            role: Role = "attire" if head.startswith(_ATTIRE) else "thing" if slash else "place"
            things.update(dict.fromkeys(labels.split("; "), Thing(name, one or name, role, kind)))
    return things, kinds
