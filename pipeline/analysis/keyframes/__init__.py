"""Keyframes: the frames that represent a shot, and how images are compared."""

from pipeline.analysis.keyframes.images import thumbnail
from pipeline.analysis.keyframes.selector import KeyframeSelector

__all__ = ["KeyframeSelector", "thumbnail"]
