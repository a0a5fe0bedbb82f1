"""Group neighbouring vectors into segments that are alike inside: dynamic programming over where segments end."""

from collections.abc import Sequence

import numpy as np

_BLOCK = 256
_WINDOW = 400
"""Units a segment at most, so that the cost of a video grows with its length and not with its square."""


def segment(
    vectors: np.ndarray,
    lengths_s: Sequence[float],
    *,
    penalties: Sequence[float],
    min_s: float,
    max_s: float,
) -> list[int]:
    """Find the segmentation with the least scatter around segment means, plus a penalty for each boundary.

    Kernel change-point detection with the linear kernel (Harchaoui and Cappé 2007): a segment costs
    `sum w |x|^2 - |sum w x|^2 / sum w`, with the square root of a unit's seconds as its weight w, so that long units
    count more, but do not drown the others. Segments outside of the wanted lengths are allowed where nothing else is
    possible, at a price.

    Args:
        vectors: (n, d), of about unit length, zeros where nothing is known.
        lengths_s: Seconds of each unit, (n,).
        penalties: Price of a boundary before each unit, (n,); the first is not used.
        min_s: Shorter segments are avoided.
        max_s: Longer ones too.

    Returns:
        Numbers of the units that begin a segment, from 0.
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
            # |sum of a stretch|^2 by products of prefix sums, many at once: a matrix product is quick.
            first, last = max(0, end - _WINDOW), min(end + _BLOCK, count + 1)
            near = sums[first:last] - sums[first]
            squares = (near**2).sum(axis=1)
            products = near[end - first :] @ near.T  # (ends of this block, all of them)
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
