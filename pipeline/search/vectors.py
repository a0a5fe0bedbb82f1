"""Exact vector search: the cosine of a query with every vector."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.search.rows import Mask, Row, Vectors

Scored = tuple[Row, NDArray[np.float32]]
"""Row numbers and their cosines, best first."""
ScoredVectors = tuple[Row, NDArray[np.float32], NDArray[np.float32]]
"""The same, and the vectors."""


class VectorIndex(Protocol):
    """Vectors of moments in one space. Any number of threads may search."""

    @property
    def dimensions(self) -> int:
        """Length of a vector."""

    def __len__(self) -> int:
        """Return the number of vectors."""

    def search(self, query: NDArray[np.float32], mask: Mask | None, limit: int) -> Scored:
        """Return the rows nearest to a query.

        Args:
            query: (d,) of unit length.
            mask: Which rows of the segment may be found; None for all.
            limit: Maximum number of rows.
        """

    def search_vectors(self, query: NDArray[np.float32], mask: Mask | None, limit: int) -> ScoredVectors:
        """Return the same with the vectors of the rows, (n, d)."""


class ExactIndex:
    """All vectors in memory; a query is compared with each.

    Args:
        vectors: Vectors of the rows that have one.
    """

    def __init__(self, vectors: Vectors) -> None:
        self._rows, self._matrix = vectors.rows, vectors.matrix

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return int(self._matrix.shape[1])

    def __len__(self) -> int:
        """Return the number of vectors."""
        return len(self._rows)

    def search(self, query: NDArray[np.float32], mask: Mask | None, limit: int) -> Scored:
        """Return the rows nearest to a query; see `VectorIndex`."""
        if mask is None:
            return best(self._rows, self._matrix @ query, limit)
        indices = np.flatnonzero(mask[self._rows])
        if len(indices) * 4 < len(self._rows):
            return best(self._rows[indices], self._matrix[indices] @ query, limit)
        return best(self._rows[indices], (self._matrix @ query)[indices], limit)

    def search_vectors(self, query: NDArray[np.float32], mask: Mask | None, limit: int) -> ScoredVectors:
        """Return the rows nearest to a query with their vectors; see `VectorIndex`."""
        rows, scores = self.search(query, mask, limit)
        return rows, scores, self._matrix[np.searchsorted(self._rows, rows)]


def best(rows: Row, scores: NDArray[np.float32], limit: int) -> Scored:
    """Return the best rows, by score, then by row number."""
    if len(rows) > limit:
        worst = np.partition(scores, len(rows) - limit)[len(rows) - limit]
        kept = scores >= worst
        rows, scores = rows[kept], scores[kept]
    order = np.lexsort((rows, -scores))[:limit]
    return rows[order], scores[order]
