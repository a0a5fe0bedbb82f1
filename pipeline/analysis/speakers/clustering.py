"""Clustering vectors by voice, without knowing the number of voices."""

import numpy as np
from numpy.typing import NDArray

MAX_CLUSTERED = 5000
"""Vectors clustered at once. Their n^2 / 2 distances and SciPy's copy of them take 8 n^2 bytes: 200 MB. A longer track,
of about 80 minutes of speech or more, is clustered in pieces, and then the clusters of all pieces."""
MIN_VOICE_S = 2.0
"""A cluster with less speech is taken for an outlier of another voice, unless it is the only one."""


def find_voices(
    vectors: NDArray[np.float32], seconds: NDArray[np.float64], *, threshold: float, max_voices: int
) -> NDArray[np.float32]:
    """Return the voices in a set of vectors.

    Average linkage on cosine similarity: the two clusters with the greatest mean similarity are joined until it falls
    below `threshold` (Sneath and Sokal 1973; common in diarization, e.g. Garcia-Romero et al., 2017).

    Args:
        vectors: (n, d) float32 of unit length, at least one, in time order.
        seconds: (n,) seconds of speech in each vector's window.
        threshold: Mean cosine similarity at which two clusters are one voice.
        max_voices: Most voices to return, those with the most speech.

    Returns:
        (k, d) float32 of unit length: one mean vector per voice, most speech first; at least one.
    """
    labels = _labels(vectors, seconds, threshold)
    totals_s = np.bincount(labels, seconds)
    order = np.argsort(-totals_s, kind="stable")
    kept = [label for label in order if totals_s[label] >= MIN_VOICE_S][:max_voices] or [order[0]]
    sums = _sums(vectors * seconds[:, None], labels)[kept]
    return np.asarray(sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9), np.float32)


def agglomerate(means: NDArray[np.float32], threshold: float) -> NDArray[np.intp]:
    """Join vectors, or clusters of them, by average linkage on cosine similarity.

    Args:
        means: (n, d) float32: vectors of unit length, or means of clusters of such vectors.
        threshold: Clusters are joined down to this mean similarity.

    Returns:
        (n,) index of each vector's cluster, from 0 in order of appearance.
    """
    # The mean similarity of two sets of unit vectors is the product of their means.
    square = 1 - means @ means.T
    if len(means) == 1 or square.max() <= 1 - threshold:
        return np.zeros(len(means), np.intp)  # one voice, as in most short videos, needs no SciPy

    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    # Rounding can make the distance of equal vectors negative.
    distances = np.maximum(squareform(square, checks=False), 0.0)
    del square
    numbers = fcluster(linkage(distances, "average"), 1 - threshold, "distance")
    _, first, labels = np.unique(numbers, return_index=True, return_inverse=True)
    return np.asarray(first.argsort().argsort()[labels], np.intp)


def _labels(vectors: NDArray[np.float32], seconds: NDArray[np.float64], threshold: float) -> NDArray[np.intp]:
    """Return the cluster of each vector. Some cluster numbers may be unused."""
    pieces = np.array_split(vectors, -(-len(vectors) // MAX_CLUSTERED))
    found = [agglomerate(piece, threshold) for piece in pieces]
    if len(found) == 1:
        return found[0]
    starts = np.cumsum([0, *(labels.max() + 1 for labels in found)])
    labels = np.concatenate([labels + start for labels, start in zip(found, starts, strict=False)])
    means = (_sums(vectors, labels) / np.bincount(labels)[:, None]).astype(np.float32)
    # If there are too many clusters, those with the most speech are the likely voices; the rest are mostly outliers.
    largest = np.sort(np.argsort(-np.bincount(labels, seconds), kind="stable")[:MAX_CLUSTERED])
    joined = len(means) + np.arange(len(means))
    joined[largest] = agglomerate(means[largest], threshold)
    return np.asarray(joined[labels], np.intp)


def _sums(values: NDArray[np.floating], labels: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the sum of the rows of each cluster, (k, d)."""
    sums = np.zeros((int(labels.max()) + 1, values.shape[1]))
    np.add.at(sums, labels, values)
    return sums
