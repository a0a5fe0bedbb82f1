"""Marks: what ends a sentence or a clause, and what only looks like it."""

# ruff: noqa: RUF001
import re

_CLOSING = r"[\"'”’»）)\]」』]*"
SENTENCE_END = re.compile(r"[.!?。！？…।؟۔։።။]+" + _CLOSING + "$")
CLAUSE_END = re.compile(r"[,;:，、；：،–—]+" + _CLOSING + "$")
ABBREVIATION = re.compile(
    r"^[\"'“‘(]*(?:[a-z]|mr|mrs|ms|dr|prof|st|sr|jr|vs|no|e\.g|i\.e|mme|mlle|gen|col|capt|lt|sgt|rev|hon|gov|sen|rep)\.$",
    re.IGNORECASE,
)
"""A word whose full stop ends no sentence; single letters are initials."""
TITLE = re.compile(r"\b(?:Mr|Mrs|Ms|Mme|Dr|Prof|St|Sr|Sra|Hr|Fr|Capt|Col|Gen|Lt|Sgt|Rev|Gov|Sen|vs|Fig)\.$")
"""What a name or a number always follows."""
