"""Kinds of named entities. Nothing else, so that the command line can name them at no cost."""

from typing import Literal

EntityKind = Literal["person", "place", "organisation", "date", "work"]
ENTITY_KINDS: tuple[EntityKind, ...] = ("person", "place", "organisation", "date", "work")
