"""Dynamic time warping, which `whisper.timing` compiles with numba in each process: three seconds of CPU.

Sakoe and Chiba, "Dynamic programming algorithm optimization for spoken word recognition", 1978.
"""

import numpy as np
from numpy.typing import NDArray


def cheapest_path(costs: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the cheapest way through a matrix from its first cell to its last, forward in either direction or both.

    Where several steps are equally cheap, it is the one that `whisper.timing.dtw` takes.

    Args:
        costs: (n, m) float64, not empty: cost of each cell.

    Returns:
        (steps, 2) int64: the row and column of each cell on the way.
    """
    rows, columns = costs.shape
    width = columns + 1
    padded = np.pad(costs, ((1, 0), (1, 0))).ravel()
    totals = np.full(len(padded), np.inf)
    totals[0] = 0.0
    steps = np.zeros(len(padded), np.int8)
    steps[::width], steps[:width] = 1, 2  # along the edges to the first cell, where costs are not numbers
    for diagonal in range(2, rows + columns + 1):  # its cells do not depend on each other
        first, last = max(1, diagonal - columns), min(rows, diagonal - 1)
        start, stop = diagonal + first * columns, diagonal + last * columns + 1
        both, row, column = (totals[start - back : stop - back : columns] for back in (width + 1, width, 1))
        step = np.where((both < row) & (both < column), 0, np.where((row < both) & (row < column), 1, 2))
        steps[start:stop:columns] = step
        totals[start:stop:columns] = padded[start:stop:columns] + np.choose(step, (both, row, column))
    path = []
    at_row, at_column = rows, columns
    while at_row > 0 or at_column > 0:
        path.append((max(at_row - 1, 0), max(at_column - 1, 0)))
        step = steps[at_row * width + at_column]
        at_row -= step != 2
        at_column -= step != 1
    return np.array(path[::-1], np.int64)
