"""Text becomes vectors."""

from pipeline.text.encoder import TextEncoder

__all__ = ["TextEncoder"]
