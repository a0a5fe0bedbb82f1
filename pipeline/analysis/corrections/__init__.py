"""Corrections that people made, applied to the results of an analysis. It knows nothing of where they are kept."""

from pipeline.analysis.corrections.applying import (
    Corrected,
    apply_corrections,
    automatic,
    correct_understanding,
    same_chapter,
)
from pipeline.analysis.corrections.speakers import named_alone, spans_of
from pipeline.analysis.corrections.tokens import key_of, tokens_of

__all__ = [
    "Corrected",
    "apply_corrections",
    "automatic",
    "correct_understanding",
    "key_of",
    "named_alone",
    "same_chapter",
    "spans_of",
    "tokens_of",
]
