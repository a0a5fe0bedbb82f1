"""Which vectors belong to one voice: agglomerative clustering, without knowing how many voices there are."""

import numpy as np
from numpy.typing import NDArray

MAX_CLUSTERED = 800
"""Vectors that are clustered at most, spread evenly over the track; the others go to the nearest voice."""
MIN_VOICE_S = 2.0
"""A voice that says less in all is taken for an odd moment of another, unless there is no other."""


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
    if len(vectors) > MAX_CLUSTERED:
        chosen = np.linspace(0, len(vectors) - 1, MAX_CLUSTERED).round().astype(np.intp)
        seconds = seconds[chosen] * (seconds.sum() / seconds[chosen].sum())
        vectors = vectors[chosen]
    labels = agglomerate(vectors, threshold)
    spoken_s = np.bincount(labels, weights=seconds)
    order = np.argsort(-spoken_s, kind="stable")
    kept = [label for label in order if spoken_s[label] >= MIN_VOICE_S][:max_voices] or [order[0]]
    means = np.stack([(vectors[labels == label] * seconds[labels == label, None]).sum(axis=0) for label in kept])
    return np.asarray(means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9), np.float32)


def agglomerate(vectors: NDArray[np.float32], threshold: float) -> NDArray[np.intp]:
    """Join vectors to clusters by average linkage on cosine similarity.

    Args:
        vectors: (n, d) float32 of unit length.
        threshold: Mean similarity at which clusters are still joined.

    Returns:
        (n,) number of each vector's cluster, counted from 0 in order of appearance.
    """
    likeness = np.asarray(vectors @ vectors.T, np.float64)
    np.fill_diagonal(likeness, -np.inf)
    sizes = np.ones(len(vectors))
    labels = np.arange(len(vectors))
    for _ in range(len(vectors) - 1):
        one, other = sorted(divmod(int(likeness.argmax()), len(vectors)))
        if likeness[one, other] < threshold:
            break
        # Of unit vectors, the mean similarity to a union is the mean of those to its parts, by size.
        joint = (sizes[one] * likeness[one] + sizes[other] * likeness[other]) / (sizes[one] + sizes[other])
        likeness[one], likeness[:, one] = joint, joint
        likeness[other], likeness[:, other] = -np.inf, -np.inf
        likeness[one, one] = -np.inf
        sizes[one] += sizes[other]
        labels[labels == other] = one
    return np.unique(labels, return_inverse=True)[1].astype(np.intp)
