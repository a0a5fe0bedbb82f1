"""Summaries: sentences with their evidence, chapters, highlights, a storyboard, and an abstract by a model."""

from pipeline.analysis.summary.abstract import Abstract, AbstractWriter
from pipeline.analysis.summary.summary import Extract, build_summary, extract_summary

__all__ = ["Abstract", "AbstractWriter", "Extract", "build_summary", "extract_summary"]
