"""A part of the lake's moments with what finds them; a search asks all segments."""

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

_ONLY_WANTED = """
CREATE OR REPLACE VIEW lake.current AS
SELECT video_id, shard FROM lake.states SEMI JOIN lake.wanted USING (video_id) WHERE is_current
"""


_MODELS = "SELECT space, any_value(model) FROM lake.spaces WHERE table_name <> 'scenes' GROUP BY space"


@dataclass(frozen=True, eq=False)
class Content:
    """What the lake's tables hold of some videos."""

    commits: Mapping[str, str]
    """Shard of each video."""
    rows: pa.Table
    """Moments, in `ROW_SCHEMA`."""
    vectors: Mapping[Space, Vectors]
    models: Mapping[Space, str]
    """Which model made the vectors of each space."""


@dataclass(frozen=True, eq=False)
class Segment:
    """Moments of some videos. Never changes; a video that is analysed anew is left out by `without`."""

    commits: Mapping[str, str]
    """Shard of each video that it holds."""
    rows: pa.Table
    """In `ROW_SCHEMA`."""
    words: int
    """Words of all moments together."""
    lexical: LexicalIndex
    vectors: Mapping[Space, VectorIndex]
    models: Mapping[Space, str]
    """Which model made the vectors of each space."""
    without: tuple[str, ...] = ()
    """Videos of which the lake has newer rows, or none any more."""
    name: str = ""
    """In the stored index; empty for one in memory."""
    links: LinkFolder | None = None
    """What an open segment of the stored index needs on disk."""

    @cached_property
    def mask(self) -> Callable[[Filter], Mask | None]:
        """Says which rows a filter admits; None: all. It remembers the last filters."""
        columns = Columns(self.rows)
        return lru_cache(maxsize=8)(lambda admitted: columns.mask(admitted, self.without))

    def take(self, columns: Sequence[str], places: Sequence[int]) -> pa.Table:
        """Return some columns of some rows."""
        return self.rows.select(columns).take(pa.array(places, pa.int64()))

    def vectors_in(self, space: Space, model: str | None, dimensions: int) -> VectorIndex | None:
        """Return the vectors of a space, if they are of the model that made the query."""
        index = self.vectors.get(space)
        if index is None or self.models.get(space) != model or index.dimensions != dimensions:
            return None
        return index


def space_models(connection: duckdb.DuckDBPyConnection) -> dict[Space, str]:
    """Return which model made the vectors of each space that a lake shows."""
    models = {space: model for space, model in connection.execute(_MODELS).fetchall() if space in SPACES}
    # Scenes join the text of one model with pictures in the space of others.
    return models | {"scene": f"{models.get('text', '')} | {models.get('coordinated', '')}"}


def load_content(connection: duckdb.DuckDBPyConnection, commits: Mapping[str, str]) -> Content:
    """Read videos.

    Args:
        connection: Of the lake; afterwards its views show nothing but these videos.
        commits: Which videos, and the shard of each.
    """
    connection.execute(
        "CREATE OR REPLACE TABLE lake.wanted AS SELECT unnest($videos) AS video_id", {"videos": [*commits]}
    )
    connection.execute(_ONLY_WANTED)
    rows = load_rows(connection)
    found = {space: load_vectors(connection, rows, space) for space in SPACES}
    return Content(
        commits=dict(commits),
        rows=rows,
        vectors={space: vectors for space, vectors in found.items() if vectors is not None},
        models=space_models(connection),
    )


def segment_in_memory(content: Content) -> Segment:
    """Make a segment that is searched exactly."""
    lexical, words = build_lexical(content.rows)
    return Segment(
        commits=content.commits,
        rows=content.rows,
        words=words,
        lexical=lexical,
        vectors={space: ExactIndex(vectors) for space, vectors in content.vectors.items()},
        models=content.models,
    )
