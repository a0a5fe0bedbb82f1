"""Which vectors belong to one voice: agglomerative clustering, without knowing how many voices there are."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MAX_CLUSTERED = 800
"""What is clustered at once, since the time for it grows with the cube: longer tracks are clustered piece by piece, and
then the clusters of all pieces."""
MIN_VOICE_S = 2.0
"""A voice that says less in all is taken for an odd moment of another, unless there is no other."""


class _Clusters(NamedTuple):
    means: NDArray[np.float32]
    """(k, d) of the members, not of unit length."""
    sizes: NDArray[np.float64]
    """(k,) members."""
    weighted: NDArray[np.float64]
    """(k, d) sums of the members, each by its seconds."""
    seconds: NDArray[np.float64]
    """(k,)"""

    def at(self, places: NDArray[np.intp]) -> "_Clusters":
        return _Clusters(self.means[places], self.sizes[places], self.weighted[places], self.seconds[places])


def find_voices(
    vectors: NDArray[np.float32], seconds: NDArray[np.float64], *, threshold: float, max_voices: int
) -> NDArray[np.float32]:
    """Return the voices that vectors stem from.

    Average linkage on cosine similarity: the two clusters whose members are most alike on average are joined, until
    none are alike by `threshold` (Sneath and Sokal 1973; common in diarization, e.g. Garcia-Romero et al., 2017).

    Args:
        vectors: (n, d) float32 of unit length, at least one, in order of time.
        seconds: (n,) speech that each was made from.
        threshold: Mean cosine similarity at which two clusters are one voice.
        max_voices: Voices at most, the most talkative ones.

    Returns:
        (k, d) float32 of unit length, one mean vector a voice, the most talkative first; at least one.
    """
    each = _Clusters(vectors, np.ones(len(vectors)), vectors * seconds[:, None], seconds)
    pieces = np.array_split(np.arange(len(vectors)), -(-len(vectors) // MAX_CLUSTERED))
    found = [_joined(each.at(piece), threshold) for piece in pieces]
    voices = found[0]
    if len(found) > 1:
        together = _Clusters(
            np.concatenate([piece.means for piece in found]),
            np.concatenate([piece.sizes for piece in found]),
            np.concatenate([piece.weighted for piece in found]),
            np.concatenate([piece.seconds for piece in found]),
        )
        # Where pieces are full of odd moments, those of the most speech are voices, if any are.
        largest = np.sort(np.argsort(-together.seconds, kind="stable")[:MAX_CLUSTERED])
        voices = _joined(together.at(largest), threshold)
    order = np.argsort(-voices.seconds, kind="stable")
    kept = [label for label in order if voices.seconds[label] >= MIN_VOICE_S][:max_voices] or [order[0]]
    means = voices.weighted[kept]
    return np.asarray(means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9), np.float32)


def agglomerate(
    means: NDArray[np.float32], threshold: float, sizes: NDArray[np.float64] | None = None
) -> NDArray[np.intp]:
    """Join vectors, or clusters of them, by average linkage on cosine similarity.

    Args:
        means: (n, d) float32: vectors of unit length, or the means of clusters of such.
        threshold: Mean similarity at which clusters are still joined.
        sizes: (n,) members of each cluster; None: 1.

    Returns:
        (n,) number of each one's cluster, counted from 0 in order of appearance.
    """
    # The mean similarity of two sets of unit vectors is the product of their means.
    likeness = np.asarray(means @ means.T, np.float64)
    np.fill_diagonal(likeness, -np.inf)
    sizes = np.ones(len(means)) if sizes is None else sizes.copy()
    labels = np.arange(len(means))
    for _ in range(len(means) - 1):
        one, other = sorted(divmod(int(likeness.argmax()), len(means)))
        if likeness[one, other] < threshold:
            break
        joint = (sizes[one] * likeness[one] + sizes[other] * likeness[other]) / (sizes[one] + sizes[other])
        likeness[one], likeness[:, one] = joint, joint
        likeness[other], likeness[:, other] = -np.inf, -np.inf
        likeness[one, one] = -np.inf
        sizes[one] += sizes[other]
        labels[labels == other] = one
    return np.unique(labels, return_inverse=True)[1].astype(np.intp)


def _joined(clusters: _Clusters, threshold: float) -> _Clusters:
    """Join what is alike, and add up what is joined."""
    labels = agglomerate(clusters.means, threshold, clusters.sizes)
    members = np.zeros((int(labels.max()) + 1, len(labels)))
    members[labels, np.arange(len(labels))] = 1.0
    sizes = members @ clusters.sizes
    means = members @ (clusters.means * clusters.sizes[:, None]) / sizes[:, None]
    return _Clusters(means.astype(np.float32), sizes, members @ clusters.weighted, members @ clusters.seconds)
