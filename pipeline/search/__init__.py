"""Search a lake: by words, by meaning, by what pictures show; and videos that show the same."""

from pipeline.search.answers import hits_table
from pipeline.search.index import Indexed, update_index
from pipeline.search.searcher import Searcher

__all__ = ["Indexed", "Searcher", "hits_table", "update_index"]
