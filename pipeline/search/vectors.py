"""Search by vectors, exactly: the cosine of a query with every vector."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.search.rows import Mask, Row, Vectors

Scored = tuple[Row, NDArray[np.float32]]
"""Rows and their cosines, the best first."""


class VectorIndex(Protocol):
    """Vectors of moments in one space, that can be searched by any number of threads."""

    @property
    def dimensions(self) -> int:
        """Length of a vector."""

    def __len__(self) -> int:
        """Return the number of vectors."""

    def search(self, query: NDArray[np.float32], mask: Mask | None, limit: int) -> Scored:
        """Return the rows nearest to a query.

        Args:
            query: (d,) of unit length.
            mask: Which rows of the segment may be found; none: all.
            limit: Rows at most.
        """


class ExactIndex:
    """All vectors in memory, each compared.

    Args:
        vectors: Of the rows that have any.
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
        places = np.flatnonzero(mask[self._rows])
        if len(places) * 4 < len(self._rows):
            return best(self._rows[places], self._matrix[places] @ query, limit)
        return best(self._rows[places], (self._matrix @ query)[places], limit)


def best(rows: Row, scores: NDArray[np.float32], limit: int) -> Scored:
    """Return the best rows in order: by score, then by place."""
    if len(rows) > limit:
        worst = np.partition(scores, len(rows) - limit)[len(rows) - limit]
        kept = scores >= worst
        rows, scores = rows[kept], scores[kept]
    order = np.lexsort((rows, -scores))[:limit]
    return rows[order], scores[order]
