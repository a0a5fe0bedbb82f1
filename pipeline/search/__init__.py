"""Search a lake: by words, by meaning, by what pictures show; and videos that show the same."""

from pipeline.search.answers import hits_table
from pipeline.search.searcher import Searcher

__all__ = ["Searcher", "hits_table"]
