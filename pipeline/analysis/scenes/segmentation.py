"""Segmentation: group neighbouring vectors into homogeneous segments, by dynamic programming."""

from collections.abc import Sequence

import numpy as np

_BLOCK = 256
_WINDOW = 400
"""Maximum units in a segment, so that the cost grows linearly with the length of the video."""


def segment(
    vectors: np.ndarray,
    lengths_s: Sequence[float],
    *,
    penalties: Sequence[float],
    min_s: float,
    max_s: float,
) -> list[int]:
    """Find the segmentation with the least scatter around segment means plus boundary penalties.

    Kernel change-point detection with the linear kernel (Harchaoui and Cappé 2007): a segment costs
    `sum w |x|^2 - |sum w x|^2 / sum w`. The weight w of a unit is the square root of its seconds, so that long units
    count more without dominating. Segments shorter than `min_s` or longer than `max_s` cost extra, but are allowed.

    Args:
        vectors: (n, d), of about unit length; zeros for a unit without content.
        lengths_s: (n,) seconds of each unit.
        penalties: (n,) price of a boundary before each unit; the first is not used.
        min_s: Shorter segments are avoided.
        max_s: Longer segments are avoided.

    Returns:
        Indices of the units that begin a segment, starting with 0.
    """
    count = len(vectors)
    weights = np.sqrt(np.maximum(np.asarray(lengths_s, dtype=np.float64), 1e-3))
    rows = vectors.astype(np.float64)
    sums = np.concatenate([np.zeros((1, rows.shape[1])), np.cumsum(rows * weights[:, None], axis=0)])
    masses = np.concatenate([[0.0], np.cumsum(weights)])
    energies = np.concatenate([[0.0], np.cumsum(weights * (rows**2).sum(axis=1))])
    seconds = np.concatenate([[0.0], np.cumsum(lengths_s)])
    best = np.zeros(count + 1)
    came_from = np.zeros(count + 1, dtype=np.int64)
    prices = np.asarray(penalties, dtype=np.float64)
    for end in range(1, count + 1):
        begins = np.arange(max(0, end - _WINDOW), end)
        if (end - 1) % _BLOCK == 0:
            # |sum of a segment|^2 from products of prefix sums: one matrix product for a whole block is fast.
            first, last = max(0, end - _WINDOW), min(end + _BLOCK, count + 1)
            near = sums[first:last] - sums[first]
            squares = (near**2).sum(axis=1)
            products = near[end - first :] @ near.T  # (ends in this block, all ends)
        within = squares[end - first] - 2 * products[(end - 1) % _BLOCK, begins - first] + squares[begins - first]
        mass = masses[end] - masses[begins]
        scatter = energies[end] - energies[begins] - within / mass
        length = seconds[end] - seconds[begins]
        outside = 2.0 * np.maximum(0.0, 1 - length / max(min_s, 1e-9)) + np.where(
            (length > max_s) & (end - begins > 1), 10.0 + length / max_s, 0.0
        )
        price = np.where(begins > 0, prices[begins], 0.0)
        costs = best[begins] + np.maximum(scatter, 0.0) + price + outside
        choice = int(np.argmin(costs))
        best[end], came_from[end] = costs[choice], begins[choice]
    starts = []
    end = count
    while end > 0:
        end = int(came_from[end])
        starts.append(end)
    return starts[::-1]
