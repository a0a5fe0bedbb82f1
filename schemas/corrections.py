"""Corrections: what people changed in the results of a video. Each is an event that is never removed."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

CorrectedField = Literal["text", "speaker", "headline", "chapter_title", "topics"]
CORRECTED_FIELDS: tuple[CorrectedField, ...] = get_args(CorrectedField)

MAX_TEXT_LENGTH = 5_000
"""Characters of a corrected utterance."""
MAX_NAME_LENGTH = 200
"""Characters of a corrected headline, chapter title, topic or name of a speaker."""
MAX_SPANS = 32
"""Spans that are kept of a speaker."""


@dataclass(frozen=True, slots=True)
class Span:
    """A time range, in seconds from the start of the video."""

    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        """Its length."""
        return self.end_s - self.start_s

    def shared_s(self, other: "Span") -> float:
        """Return how long both last together; 0 if they do not meet."""
        return max(0.0, min(self.end_s, other.end_s) - max(self.start_s, other.start_s))


@dataclass(frozen=True, slots=True)
class Correction:
    """One change that somebody made; a row of `corrections`."""

    correction_id: str
    video_id: str
    field: CorrectedField
    place: Span | None
    """Of the utterance or chapter. None for headlines and topics, and for a speaker throughout the video."""
    spans: tuple[Span, ...]
    """Where the speaker spoke when the correction was made, longest first; empty for everything else."""
    from_value: str | None
    """The automatic value at that time: of a text, a headline or a title, the automatic name of a speaker, or a topic
    that does not apply. None for a topic that was missing, or a speaker that had no name."""
    to_value: str | None
    """The right value. None for a topic that does not apply; an empty text for words that nobody said."""
    author: str
    made_at: datetime
    undoes: str | None = None
    """Id of the correction that this one takes back."""


def standing(events: Sequence[Correction]) -> list[Correction]:
    """Return the corrections of a video that hold: without those that were undone, and without the undoing ones.

    An undo can be undone, too.

    Args:
        events: All events of a video.

    Returns:
        In the order in which they were made.
    """
    ordered = sorted(events, key=lambda each: (each.made_at, each.correction_id))
    undone: set[str] = set()
    for event in reversed(ordered):
        if event.undoes is not None and event.correction_id not in undone:
            undone.add(event.undoes)
    return [event for event in ordered if event.undoes is None and event.correction_id not in undone]


def corrections_digest(events: Sequence[Correction]) -> str | None:
    """Return a digest of the corrections of a video that hold; None if there are none."""
    ids = [each.correction_id for each in standing(events)]
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()[:16] if ids else None
