"""Punctuation that ends sentences and clauses, and abbreviations that only look like it."""

# ruff: noqa: RUF001
import re

_CLOSING = r"[\"'”’»）)\]」』]*"
SENTENCE_END = re.compile(r"[.!?。！？…।؟۔։።။]+" + _CLOSING + "$")
CLAUSE_END = re.compile(r"[,;:，、；：،–—]+" + _CLOSING + "$")
ABBREVIATION = re.compile(
    r"^[\"'“‘(]*(?:[a-z]|mr|mrs|ms|dr|prof|st|sr|jr|vs|no|e\.g|i\.e|mme|mlle|gen|col|capt|lt|sgt|rev|hon|gov|sen|rep)\.$",
    re.IGNORECASE,
)
"""A word whose full stop does not end a sentence. Single letters are initials."""
TITLE = re.compile(r"\b(?:Mr|Mrs|Ms|Mme|Dr|Prof|St|Sr|Sra|Hr|Fr|Capt|Col|Gen|Lt|Sgt|Rev|Gov|Sen|vs|Fig)\.$")
"""An abbreviation that a name or number always follows."""
