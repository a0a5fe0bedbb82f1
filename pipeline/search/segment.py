"""A segment: the moments of some videos with their word and vector indexes. A search asks every segment."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import duckdb
import pyarrow as pa

from pipeline.search.lexical import LexicalIndex, build_lexical
from pipeline.search.links import LinkFolder
from pipeline.search.rows import SPACES, Columns, Mask, Space, Vectors, load_rows, load_vectors
from pipeline.search.vectors import ExactIndex, VectorIndex
from schemas.search import Filter

_RESTRICT = """
CREATE OR REPLACE VIEW lake.current AS
SELECT video_id, shard FROM lake.states SEMI JOIN lake.wanted USING (video_id) WHERE is_current
"""

_RESTRICTING = threading.Lock()
"""Two transactions may not replace one view."""

_MODELS = "SELECT space, any_value(model) FROM lake.spaces WHERE table_name <> 'scenes' GROUP BY space"


@dataclass(frozen=True, eq=False)
class Content:
    """Rows and vectors of some videos, as read from the lake's tables."""

    commits: Mapping[str, str]
    """Shard of each video."""
    rows: pa.Table
    """Moments, in `ROW_SCHEMA`."""
    vectors: Mapping[Space, Vectors]
    models: Mapping[Space, str]
    """The model that made the vectors of each space."""


@dataclass(frozen=True, eq=False)
class Segment:
    """Moments of some videos. A segment never changes; videos that were analysed again are listed in `superseded`."""

    commits: Mapping[str, str]
    """Shard of each video in the segment."""
    rows: pa.Table
    """In `ROW_SCHEMA`."""
    words: int
    """Number of words in all moments together."""
    lexical: LexicalIndex
    vectors: Mapping[Space, VectorIndex]
    models: Mapping[Space, str]
    """The model that made the vectors of each space."""
    superseded: tuple[str, ...] = ()
    """Ids of videos that a newer commit replaces, or that the lake no longer holds; search skips them."""
    name: str = ""
    """Name in the search index; empty for a segment in memory."""
    links: LinkFolder | None = None
    """The temporary folder that an open segment of the index needs."""

    @cached_property
    def mask(self) -> Callable[[Filter], Mask | None]:
        """A function that returns which rows a filter admits, None for all; the last filters are cached."""
        columns = Columns(self.rows)
        return lru_cache(maxsize=8)(lambda admitted: columns.mask(admitted, self.superseded))

    def take(self, columns: Sequence[str], rows: Sequence[int]) -> pa.Table:
        """Return some columns of some rows.

        Args:
            columns: Names of columns.
            rows: Row numbers.
        """
        return self.rows.select(columns).take(pa.array(rows, pa.int64()))

    def vectors_in(self, space: Space, model: str | None, dimensions: int) -> VectorIndex | None:
        """Return the vectors of a space; None if another model than the query's made them."""
        index = self.vectors.get(space)
        if index is None or self.models.get(space) != model or index.dimensions != dimensions:
            return None
        return index


def space_models(connection: duckdb.DuckDBPyConnection) -> dict[Space, str]:
    """Return the model that made the vectors of each space in the lake."""
    models = {space: model for space, model in connection.execute(_MODELS).fetchall() if space in SPACES}
    # A scene vector joins a text vector and an image vector, which different models make.
    return models | {"scene": f"{models.get('text', '')} | {models.get('coordinated', '')}"}


def load_content(connection: duckdb.DuckDBPyConnection, commits: Mapping[str, str]) -> Content:
    """Read the rows and vectors of some videos.

    Args:
        connection: Connection to the lake.
        commits: The videos, each with its shard.
    """
    with _RESTRICTING:
        # The views show only these videos, for this connection, until everything is undone.
        connection.begin()
        try:
            connection.execute("CREATE TABLE lake.wanted AS SELECT unnest($videos) AS video_id", {"videos": [*commits]})
            connection.execute(_RESTRICT)
            rows = load_rows(connection)
            models = space_models(connection)
            found = {space: load_vectors(connection, rows, space, models) for space in SPACES}
        finally:
            connection.rollback()
    return Content(
        commits=dict(commits),
        rows=rows,
        vectors={space: vectors for space, vectors in found.items() if vectors is not None},
        models=models,
    )


def segment_in_memory(content: Content) -> Segment:
    """Make a segment in memory; its vectors are searched exactly."""
    lexical, words = build_lexical(content.rows)
    return Segment(
        commits=content.commits,
        rows=content.rows,
        words=words,
        lexical=lexical,
        vectors={space: ExactIndex(vectors) for space, vectors in content.vectors.items()},
        models=content.models,
    )
