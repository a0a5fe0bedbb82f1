"""Context: the multilingual vector of a sentence leans towards what is said around it.

A sentence alone seldom says what it is about ("It lasts about ten years there"), and across languages no word of the
question helps. English sentences keep the English encoder's vectors as they are: that encoder finds fewer of them if
their neighbours take part. docs/quality.md has the measurements.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.analysis.fusion import parts_of

CONTEXT = ("video_id", "kind", "start_s", "end_s")
"""The columns of moments that tell which of them are neighbours."""
NEAR_S = 60.0
"""Sentences whose middles are at most this far apart are neighbours."""
_WEIGHT = 0.3
"""Of all neighbours together; the sentence itself has the rest. Tuned, like `NEAR_S`, on one half of the cross-lingual
questions of benchmarks/quality.py."""
_SPOKEN = pa.array(["speech", "subtitle"])
_LEAST = 1e-6
"""A shorter sum of vectors has no direction: they cancel out."""


def with_context(vectors: NDArray[np.float32], moments: pa.Table, space: str) -> NDArray[np.float32]:
    """Return text vectors (n, d) whose multilingual part knows the neighbours; without such a part, the same vectors.

    The length of each part stays. On-screen text keeps its vectors: what else is on a slide is already in them.

    Args:
        vectors: (n, d) of texts.
        moments: Their rows, with the columns `CONTEXT`.
        space: Id of the space of the vectors.
    """
    parts = parts_of(space, vectors.shape[1])
    spoken = np.flatnonzero(pc.is_in(moments["kind"].cast(pa.string()), value_set=_SPOKEN).to_numpy())
    if len(parts) == 1 or not len(spoken):
        return vectors
    found = vectors.copy()
    moments = moments.take(spoken)
    middles_s = (moments["start_s"].to_numpy() + moments["end_s"].to_numpy()) / 2
    groups = _groups(moments)
    order = np.lexsort((middles_s, groups))
    for group in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1):
        rows = spoken[group]
        found[rows, parts[-1]] = _leaning(vectors[rows, parts[-1]], middles_s[group])
    return found


def _groups(moments: pa.Table) -> NDArray[np.int64]:
    """Number the videos and, within them, speech and subtitles: (n,)."""
    names = pc.binary_join_element_wise(
        moments["video_id"].cast(pa.string()), moments["kind"].cast(pa.string()), " "
    ).combine_chunks()
    numbers: NDArray[np.int64] = names.dictionary_encode().indices.to_numpy().astype(np.int64)
    return numbers


def _leaning(vectors: NDArray[np.float32], times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return vectors (n, d), each turned towards the mean of its neighbours, in order of time; zeros stay zeros."""
    # A vector that is not finite would be in the sums of all that follow.
    own = np.nan_to_num(vectors.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    lengths = np.linalg.norm(own, axis=1, keepdims=True)
    own /= np.maximum(lengths, _LEAST)
    sums = np.zeros((len(own) + 1, own.shape[1]))
    np.cumsum(own, axis=0, out=sums[1:])
    first = np.searchsorted(times_s, times_s - NEAR_S, "left")
    last = np.searchsorted(times_s, times_s + NEAR_S, "right")
    around = sums[last] - sums[first] - own
    known = np.linalg.norm(around, axis=1, keepdims=True)
    own += around * np.where(known > _LEAST, _WEIGHT / (1 - _WEIGHT) / np.maximum(known, _LEAST), 0.0)
    turned: NDArray[np.float64] = own * (lengths / np.maximum(np.linalg.norm(own, axis=1, keepdims=True), _LEAST))
    return turned
