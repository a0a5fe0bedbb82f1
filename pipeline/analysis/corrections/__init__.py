"""Corrections that people made, applied to the results of an analysis. It knows nothing of where they are kept."""

from pipeline.analysis.corrections.applying import (
    Corrected,
    apply_corrections,
    automatic,
    correct_understanding,
    same_chapter,
)
from pipeline.analysis.corrections.editing import Edit, edited, new_tokens
from pipeline.analysis.corrections.speakers import named_alone, spans_of
from pipeline.analysis.corrections.tokens import TextClock, Token, key_of, tokens_of, word_spans_in

__all__ = [
    "Corrected",
    "Edit",
    "TextClock",
    "Token",
    "apply_corrections",
    "automatic",
    "correct_understanding",
    "edited",
    "key_of",
    "named_alone",
    "new_tokens",
    "same_chapter",
    "spans_of",
    "tokens_of",
    "word_spans_in",
]
