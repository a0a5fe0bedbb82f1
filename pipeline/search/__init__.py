"""Search a lake: by words, by meaning, by what pictures show; and videos that show the same."""

from pipeline.search.answers import hits_table
from pipeline.search.filters import check_query, make_filter
from pipeline.search.index import Indexed, index_if_large, update_index
from pipeline.search.searcher import Searcher

__all__ = ["Indexed", "Searcher", "check_query", "hits_table", "index_if_large", "make_filter", "update_index"]
