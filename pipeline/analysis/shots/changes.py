"""A cheap detector over every frame: proposes the places where there may be a transition.

It is tuned for recall, because TransNetV2 only scores what it proposes. The measure is the mean absolute difference of
tiny frames, as in PySceneDetect's content detector, relative to the motion around it. That way one threshold works for
a shaking camera and for a dark scene.
"""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.shots.network import HEIGHT, WIDTH

Tiny = NDArray[np.uint8]
"""(n, 27, 48, 3) RGB."""

REACH = 12
"""Frames of context needed after a frame before it is decided; also the span over which gradual change is measured."""

_AROUND = 6
_ALONE = 3
_MIN_ABRUPT = 8.0
_MIN_RATIO = 2.5
_MIN_GRADUAL = 14.0
_MIN_RECOLORED = 0.3
_STEPS = 0.6


@dataclass(frozen=True, slots=True)
class Change:
    """A possible transition."""

    frame: int
    """Index of the first frame after an abrupt change, or of the middle of a gradual one."""
    kind: Literal["abrupt", "gradual"]
    ratio: float
    """For an abrupt change, its size divided by the motion around it; 0.0 for a gradual one."""


def tiny_frames(small: NDArray[np.uint8]) -> Tiny:
    """Shrink small frames (n, 81, 144, 3) to (n, 27, 48, 3) by averaging 3 x 3 pixels."""
    return np.stack([cv2.resize(each, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA) for each in small])


class ChangeDetector:
    """Finds changes in one video, frame by frame. The result does not depend on the batch size."""

    def __init__(self) -> None:
        self._steps = np.full(REACH, np.nan)
        """Difference of each recent frame from the previous one."""
        self._spans = np.full(REACH, np.nan)
        """Difference of each recent frame from the one `REACH` frames earlier."""
        self._recolored = np.full(REACH, np.nan)
        """Share of the histogram that differs from `REACH` frames earlier; a moving camera changes it little."""
        self._tail: Tiny | None = None
        self._decided = 0

    def add(self, tiny: Tiny) -> list[Change]:
        """Add the next frames and return the changes that are now decided, in order."""
        before = self._tail if self._tail is not None else np.repeat(tiny[:1], REACH, axis=0)
        joined = np.concatenate([before, tiny])
        self._tail = joined[len(joined) - REACH :]
        colors = _histograms(joined)
        pixels = joined.astype(np.int16)
        return self._decide(
            np.abs(pixels[REACH:] - pixels[REACH - 1 : -1]).mean(axis=(1, 2, 3)),
            np.abs(pixels[REACH:] - pixels[: len(tiny)]).mean(axis=(1, 2, 3)),
            np.abs(colors[REACH:] - colors[: len(tiny)]).sum(axis=1) / 2,
        )

    def finish(self) -> list[Change]:
        """Decide on the last frames."""
        unknown = np.full(REACH, np.nan)
        return self._decide(unknown, unknown, unknown)

    def _decide(
        self, steps: NDArray[np.float64], spans: NDArray[np.float64], recolored: NDArray[np.float64]
    ) -> list[Change]:
        first = self._decided
        self._steps = np.concatenate([self._steps, steps])
        self._spans = np.concatenate([self._spans, spans])
        self._recolored = np.concatenate([self._recolored, recolored])
        count = len(self._steps) - 2 * REACH
        if count <= 0:
            return []
        # Row r describes the kept frame at index r + REACH.
        windows = np.lib.stride_tricks.sliding_window_view(self._steps, 2 * REACH + 1)
        spans_around = np.lib.stride_tricks.sliding_window_view(self._spans, 2 * REACH + 1)
        changes = [
            Change(first + int(row), "abrupt", float(ratio)) for row, ratio in zip(*_abrupt(windows), strict=True)
        ]
        changes += [
            Change(max(0, first + int(row) - REACH // 2), "gradual", 0.0)
            for row in _gradual(windows, spans_around)
            if self._recolored[row + REACH] >= _MIN_RECOLORED
        ]
        self._steps, self._spans = self._steps[count:], self._spans[count:]
        self._recolored = self._recolored[count:]
        self._decided += count
        return sorted(changes, key=lambda change: change.frame)


def _histograms(tiny: Tiny) -> NDArray[np.float64]:
    """Return the share of the pixels in each of 512 colours, (n, 512)."""
    levels = (tiny >> 5).astype(np.int32)
    bins = (levels[..., 0] << 6) + (levels[..., 1] << 3) + levels[..., 2]
    bins += (np.arange(len(tiny), dtype=np.int32) * 512)[:, None, None]
    return np.bincount(bins.reshape(-1), minlength=len(tiny) * 512).reshape(len(tiny), 512) / (HEIGHT * WIDTH)


def _abrupt(windows: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the rows whose middle frame stands out, and the ratio by which it does."""
    middle = windows[:, REACH]
    near = windows[:, REACH - _AROUND : REACH + _AROUND + 1].copy()
    near[:, _AROUND] = np.nan
    with np.errstate(all="ignore"):
        ratio = middle / (_nanmedian(near) + 1.0)
    alone = middle >= np.nan_to_num(windows[:, REACH - _ALONE : REACH + _ALONE + 1]).max(axis=1)
    rows = np.flatnonzero((middle >= _MIN_ABRUPT) & (ratio >= _MIN_RATIO) & alone)
    return rows, ratio[rows]


def _gradual(windows: NDArray[np.float64], spans: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the rows where the image changed completely over `REACH` frames, in many small steps."""
    span = spans[:, REACH]
    largest = span >= np.nan_to_num(spans).max(axis=1)
    steepest = np.nan_to_num(windows[:, 1 : REACH + 1]).max(axis=1)
    return np.flatnonzero((span >= _MIN_GRADUAL) & largest & (steepest < _STEPS * span))


def _nanmedian(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the median of each row, ignoring NaN; 0.0 for a row of NaN only."""
    ordered = np.sort(values, axis=1)  # NaNs sort last
    known = (~np.isnan(values)).sum(axis=1)
    rows = np.arange(len(values))
    low, high = ordered[rows, np.maximum(known - 1, 0) // 2], ordered[rows, known // 2 % values.shape[1]]
    return np.where(known > 0, np.where(known % 2 == 1, low, (low + high) / 2), 0.0)
