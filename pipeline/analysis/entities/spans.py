"""A name found in a text, and what recognisers do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from schemas.entities import EntityKind


@dataclass(frozen=True, slots=True)
class NameSpan:
    """A name in a text, from character `start` up to `end`."""

    start: int
    end: int
    kind: EntityKind


class Recognizer(Protocol):
    """A model that finds names in texts."""

    @property
    def runs_on(self) -> str:
        """Device and precision, for the log."""

    def recognize(self, texts: Sequence[str], languages: Sequence[str]) -> list[list[NameSpan]]:
        """Return the names in each text, in order, without overlaps.

        Args:
            texts: Any texts.
            languages: The language of each, ISO 639-1.
        """


def disjoint(spans: Sequence[NameSpan]) -> list[NameSpan]:
    """Return spans in order of their start, without those that overlap one that was given before them."""
    chosen: list[NameSpan] = []
    for span in spans:
        if span.start < span.end and all(span.end <= each.start or each.end <= span.start for each in chosen):
            chosen.append(span)
    return sorted(chosen, key=lambda span: span.start)
