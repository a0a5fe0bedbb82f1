"""Text encoding: texts in, vectors out."""

from pipeline.analysis.text.encoder import TextEncoder

__all__ = ["TextEncoder"]
