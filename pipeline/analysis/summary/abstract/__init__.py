"""Summaries in a model's own words, of which only those sentences are kept that the video supports."""

from pipeline.analysis.summary.abstract.support import Verdict, check_support
from pipeline.analysis.summary.abstract.writer import AbstractWriter

__all__ = ["AbstractWriter", "Verdict", "check_support"]
