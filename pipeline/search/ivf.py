"""Approximate vector search: a faiss inverted file (IVF), of which a query scans only the nearest lists."""

import math
import threading
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from pipeline.search.rows import Mask, Vectors
from pipeline.search.vectors import Scored, ScoredVectors

_PROBE_FACTOR = 48.0
"""A query scans this number / sqrt(number of vectors) of the lists. On real sentences that finds 0.97 of the true
nearest ten (benchmarks/recall.py)."""
_TRAINING_PER_LIST = 64
"""Vectors per list on which the lists' centroids are trained."""
_ITERATIONS = 8
_BATCH = 65_536
_HASHTABLE = 2
"""`faiss.DirectMap.Hashtable`, which its type stubs lack."""


class IvfIndex:
    """Vectors as 16-bit floats, in lists by nearest centroid (Sivic and Zisserman 2003; Jégou et al. 2011).

    Args:
        index: An index made by `build_ivf`; its ids are row numbers.
    """

    def __init__(self, index: faiss.IndexIVF) -> None:
        self._index = index
        self._mapping = threading.Lock()
        self._mapped = False

    @classmethod
    def open(cls, path: Path) -> "IvfIndex":
        """Memory-map an index file; a search reads only the lists it scans.

        Raises:
            ValueError: The file holds another kind of index.
            RuntimeError: The file cannot be read.
        """
        index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY)
        if not isinstance(index, faiss.IndexIVF):
            raise ValueError(f"{path.name} is a {type(index).__name__}, not an inverted file")  # noqa: TRY004
        return cls(index)

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return int(self._index.d)

    def __len__(self) -> int:
        """Return the number of vectors."""
        return int(self._index.ntotal)

    def search(self, query: NDArray[np.float32], mask: Mask | None, limit: int) -> Scored:
        """Return the rows nearest to a query; see `VectorIndex`.

        The fewer rows the mask admits, the more lists are scanned, so filters do not cost recall.
        """
        limit = min(limit, len(self))
        scores, rows = self._index.search(query[None], limit, params=self._parameters(mask))
        found = rows[0] >= 0
        return rows[0][found], scores[0][found]

    def search_vectors(self, query: NDArray[np.float32], mask: Mask | None, limit: int) -> ScoredVectors:
        """Return the rows nearest to a query with their vectors, as rounded in the index; see `VectorIndex`."""
        if mask is None:
            scores, rows, vectors = self._index.search_and_reconstruct(
                query[None], min(limit, len(self)), params=self._parameters(None)
            )
            found = rows[0] >= 0
            return rows[0][found], scores[0][found], vectors[0][found]
        # faiss cannot apply a selector and return vectors at once. To look them up by row, it needs a map.
        with self._mapping:
            if not self._mapped:
                self._index.set_direct_map_type(_HASHTABLE)
                self._mapped = True
        kept, similarities = self.search(query, mask, limit)
        return kept, similarities, self._index.reconstruct_batch(kept)

    def _parameters(self, mask: Mask | None) -> faiss.SearchParametersIVF:
        # As arguments, not attributes: then the parameters keep the selector, which faiss does not own.
        lists = self._index.nlist
        probed = math.ceil(lists * min(1.0, _PROBE_FACTOR / math.sqrt(max(1, len(self)))))
        if mask is None:
            return faiss.SearchParametersIVF(nprobe=probed)  # type: ignore[call-arg]
        admitted = max(1, int(np.count_nonzero(mask)))
        selector = faiss.IDSelectorBitmap(np.packbits(mask, bitorder="little"))  # type: ignore[call-arg, arg-type]
        probed = min(lists, math.ceil(probed * len(mask) / admitted))
        return faiss.SearchParametersIVF(nprobe=probed, sel=selector)  # type: ignore[call-arg]


def build_ivf(vectors: Vectors, path: Path) -> None:
    """Write vectors as a file for `IvfIndex.open`. The same vectors always give the same file.

    Args:
        vectors: At least a few hundred.
        path: File to write.
    """
    count, dimensions = vectors.matrix.shape
    lists = 2 ** round(math.log2(2 * math.sqrt(count)))
    index = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(dimensions), dimensions, lists, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    )
    index.cp.niter, index.cp.max_points_per_centroid, index.cp.min_points_per_centroid = (
        _ITERATIONS,
        _TRAINING_PER_LIST,
        1,
    )
    chosen = np.random.default_rng(0).choice(count, min(count, lists * _TRAINING_PER_LIST), replace=False)
    index.train(np.ascontiguousarray(vectors.matrix[np.sort(chosen)]))
    for start in range(0, count, _BATCH):
        part = slice(start, start + _BATCH)
        index.add_with_ids(np.ascontiguousarray(vectors.matrix[part]), vectors.rows[part])
    faiss.write_index(index, str(path))
