"""Search by vectors, approximately: an inverted file (IVF) in faiss, of which a query looks into the nearest lists."""

import math
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from pipeline.search.rows import Mask, Vectors
from pipeline.search.vectors import Scored

EXACT_BELOW = 20_000
"""Vectors of a segment up to which comparing all is as fast as looking for the nearest lists."""
_PROBED = 48.0
"""Over the square root of how many vectors there are, the share of the lists that a query looks into: of real sentences
that finds 0.97 of the true nearest ten (benchmarks/recall.py)."""
_TRAINED_ON = 64
"""Vectors a list, on which the lists' centres are trained."""
_ITERATIONS = 8
_BATCH = 65_536


class IvfIndex:
    """Vectors as 16-bit floats, sorted into lists by the nearest centre (Sivic and Zisserman 2003; Jégou et al. 2011).

    Args:
        index: As `build_ivf` makes it; ids are rows.
    """

    def __init__(self, index: faiss.IndexIVF) -> None:
        self._index = index

    @classmethod
    def open(cls, path: Path) -> "IvfIndex":
        """Map an index file into memory; what is searched is read from disk when it is needed.

        Raises:
            ValueError: It is no index of this kind.
            RuntimeError: It cannot be read.
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

        The fewer rows a mask admits, the more lists are looked into, so that filters do not cost recall.
        """
        lists = self._index.nlist
        parameters = faiss.SearchParametersIVF()
        parameters.nprobe = math.ceil(lists * min(1.0, _PROBED / math.sqrt(max(1, len(self)))))
        if mask is not None:
            admitted = max(1, int(np.count_nonzero(mask)))
            parameters.nprobe = min(lists, math.ceil(parameters.nprobe * len(mask) / admitted))
            # Kept in a variable: faiss does not own it.
            selector = faiss.IDSelectorBitmap(np.packbits(mask, bitorder="little"))  # type: ignore[call-arg, arg-type]
            parameters.sel = selector
        scores, rows = self._index.search(query[None], min(limit, len(self)), params=parameters)
        found = rows[0] >= 0
        return rows[0][found], scores[0][found]


def build_ivf(vectors: Vectors, path: Path) -> None:
    """Sort vectors into lists and write them as a file that `IvfIndex.open` maps. The same vectors give the same file.

    Args:
        vectors: At least a few hundred.
        path: File to make.
    """
    count, dimensions = vectors.matrix.shape
    lists = 2 ** round(math.log2(2 * math.sqrt(count)))
    index = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(dimensions), dimensions, lists, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    )
    index.cp.niter, index.cp.max_points_per_centroid, index.cp.min_points_per_centroid = _ITERATIONS, _TRAINED_ON, 1
    chosen = np.random.default_rng(0).choice(count, min(count, lists * _TRAINED_ON), replace=False)
    index.train(np.ascontiguousarray(vectors.matrix[np.sort(chosen)]))
    for start in range(0, count, _BATCH):
        part = slice(start, start + _BATCH)
        index.add_with_ids(np.ascontiguousarray(vectors.matrix[part]), vectors.rows[part])
    faiss.write_index(index, str(path))
