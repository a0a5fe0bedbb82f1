"""Text encoding: texts in, vectors out."""

from pipeline.analysis.text.batches import length_batches
from pipeline.analysis.text.encoder import TextEncoder

__all__ = ["TextEncoder", "length_batches"]
