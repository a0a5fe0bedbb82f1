"""Abstracts: summaries in a model's own words, of which only supported sentences are kept."""

from pipeline.analysis.summary.abstract.support import Verdict, check_support
from pipeline.analysis.summary.abstract.writer import Abstract, AbstractWriter

__all__ = ["Abstract", "AbstractWriter", "Verdict", "check_support"]
