"""Search a lake by words, by meaning and by image, and find near-duplicate videos."""

from pipeline.search.filters import check_query, make_filter
from pipeline.search.hits import hits_table, weak_note
from pipeline.search.index import Indexed, index_if_large, remove_from_index, update_index
from pipeline.search.links import remove_abandoned, remove_own
from pipeline.search.query_encoder import QueryEncoder, QueryVectors, joint_queries
from pipeline.search.searcher import Searcher
from pipeline.search.terms import parse_query, terms_of

__all__ = [
    "Indexed",
    "QueryEncoder",
    "QueryVectors",
    "Searcher",
    "check_query",
    "hits_table",
    "index_if_large",
    "joint_queries",
    "make_filter",
    "parse_query",
    "remove_abandoned",
    "remove_from_index",
    "remove_own",
    "terms_of",
    "update_index",
    "weak_note",
]
