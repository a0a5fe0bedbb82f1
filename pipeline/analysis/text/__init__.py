"""Text encoding: texts in, vectors out."""

from pipeline.analysis.text.encoder import TextEncoder
from pipeline.analysis.text.languages import known_languages

__all__ = ["TextEncoder", "known_languages"]
