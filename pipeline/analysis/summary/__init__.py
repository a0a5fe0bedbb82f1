"""Summaries: sentences with their evidence, chapters, highlights, a storyboard, and an abstract by a model."""

from pipeline.analysis.summary.abstract import AbstractWriter
from pipeline.analysis.summary.summary import summarize

__all__ = ["AbstractWriter", "summarize"]
