"""Partition: cut a sequence into a few homogeneous parts, and choose their number from the content."""

from collections.abc import Sequence

import numpy as np

_MAX_BLOCKS = 720
"""Maximum pieces to compute with. The cost grows with their square, so more pieces are joined first."""


def partition(
    vectors: np.ndarray, lengths_s: Sequence[float], *, min_s: float, min_count: int, max_count: int
) -> list[int]:
    """Find the parts with the least scatter around their means, and choose how many there are.

    For each number of parts k, dynamic programming finds the exact optimum (the cost is that of `segment`). The chosen
    number is the elbow (Thorndike 1953), where the gain of one more part drops most, within the limits.

    Args:
        vectors: (n, d), of about unit length; zeros for a piece without content.
        lengths_s: (n,) seconds of each piece.
        min_s: No part is shorter, unless the whole sequence is.
        min_count: Minimum number of parts, if `min_s` allows it.
        max_count: Maximum number of parts.

    Returns:
        Indices of the pieces that begin a part, starting with 0; empty if there are no pieces.
    """
    if not len(vectors):
        return []
    blocks = _blocks(lengths_s, sum(lengths_s) / _MAX_BLOCKS)
    weights = np.sqrt(np.maximum(np.asarray(lengths_s, dtype=np.float64), 1e-3))
    mass = np.add.reduceat(weights, blocks)
    middles = np.add.reduceat(vectors * weights[:, None], blocks, axis=0) / mass[:, None]
    seconds = np.add.reduceat(np.asarray(lengths_s, dtype=np.float64), blocks)
    costs = _costs(middles, mass, seconds, min_s)
    totals, came_from = _optima(costs, max_count)
    possible = np.flatnonzero(np.isfinite(totals)) + 1
    if not len(possible):
        return [0]
    count = _elbow(totals, int(np.clip(min_count, 1, possible[-1])), int(possible[-1]))
    starts: list[int] = []
    end = len(blocks)
    for parts in range(count - 1, -1, -1):
        end = int(came_from[parts][end])
        starts.append(blocks[end])
    return starts[::-1]


def _blocks(lengths_s: Sequence[float], min_s: float) -> list[int]:
    """Join neighbours into blocks of at least `min_s`; return the indices where blocks begin."""
    if len(lengths_s) <= _MAX_BLOCKS:
        return list(range(len(lengths_s)))
    starts, filled_s = [0], 0.0
    for index, length_s in enumerate(lengths_s[:-1]):
        filled_s += length_s
        if filled_s >= min_s:
            starts.append(index + 1)
            filled_s = 0.0
    return starts


def _costs(middles: np.ndarray, mass: np.ndarray, seconds: np.ndarray, min_s: float) -> np.ndarray:
    """Return the scatter of each range [begin, end), (n + 1, n + 1); infinite if it is empty or too short."""
    count = len(middles)
    sums = np.concatenate([np.zeros((1, middles.shape[1])), np.cumsum(middles * mass[:, None], axis=0)])
    squares = sums @ sums.T  # of prefix sums: |sum of a range|^2 follows from three entries
    diagonal = np.diag(squares)
    within = diagonal[None, :] - 2 * squares + diagonal[:, None]
    masses = np.concatenate([[0.0], np.cumsum(mass)])
    energies = np.concatenate([[0.0], np.cumsum(mass * (middles**2).sum(axis=1))])
    times_s = np.concatenate([[0.0], np.cumsum(seconds)])
    begin, end = np.meshgrid(np.arange(count + 1), np.arange(count + 1), indexing="ij")
    filled = np.where(end > begin, masses[end] - masses[begin], 1.0)
    scatter = np.maximum(energies[end] - energies[begin] - within / filled, 0.0)
    allowed = (end > begin) & ((times_s[end] - times_s[begin] >= min_s) | ((begin == 0) & (end == count)))
    return np.where(allowed, scatter, np.inf)


def _optima(costs: np.ndarray, max_count: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return the minimum cost of 1, 2, … parts, and for each number where the last part of each prefix begins."""
    reached = costs[0].copy()
    totals, came_from = [reached[-1]], [np.zeros(len(costs), dtype=np.int64)]
    for _ in range(1, min(max_count, len(costs) - 1)):
        through = reached[:, None] + costs
        begin = np.argmin(through, axis=0)
        reached = through[begin, np.arange(len(costs))]
        totals.append(reached[-1])
        came_from.append(begin)
    return np.array(totals), came_from


def _elbow(totals: np.ndarray, min_count: int, max_count: int) -> int:
    """Return the number of parts after which one more gains least, relative to the gain of the last one."""
    if min_count >= max_count:
        return max_count
    gains = np.concatenate([[totals[0]], -np.diff(totals[:max_count]), [0.0]])  # gains[k - 1] is that of the k-th part
    floor = 0.02 * max(float(totals[0]), 1e-9)
    counts = np.arange(min_count, max_count + 1)
    drops = (gains[counts - 1] + floor) / (np.maximum(gains[counts], 0.0) + floor)
    return int(counts[int(np.argmax(drops))])
