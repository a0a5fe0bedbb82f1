"""The storyboard: a few keyframes that show how the video looks."""

from collections.abc import Sequence

import numpy as np

from pipeline.analysis.description import screen_title
from schemas.records import Keyframe

_BLANK, _BLANK_SHARE = 15.0, 0.2
"""Frames less sharp than both this value and this share of the video's median are blank, black or blurred."""
_SAME = 0.04
"""Frames whose cosine distance is lower show the same."""


def storyboard(keyframes: Sequence[Keyframe], count: int) -> list[Keyframe]:
    """Choose clear frames that differ most from each other.

    Farthest point selection (Gonzalez 1985). Distances are weighted: a frame counts more if it is sharp compared to the
    rest of the video, or has a title. Frames that look like a chosen one are skipped, so there may be fewer than
    `count`.

    Args:
        keyframes: In order of time, with their vectors.
        count: Maximum number of frames.

    Returns:
        Frames in order of time.
    """
    if not keyframes or count <= 0:
        return []
    sharpness = np.array([frame.sharpness for frame in keyframes])
    median = float(np.median(sharpness))
    clear = [frame for frame in keyframes if frame.sharpness >= min(_BLANK, _BLANK_SHARE * median)] or list(keyframes)
    vectors = np.stack([frame.embedding for frame in clear])
    times_s = np.array([frame.time_s for frame in clear])
    spread_s = max(float(np.ptp(times_s)), 1e-9)
    titled = np.array([bool(screen_title(frame)) for frame in clear])
    worth = np.clip([frame.sharpness / max(median, 1e-9) for frame in clear], 0.5, 1.5) + 0.3 * titled
    chosen = [int(np.argmax(worth))]
    seen = np.full(len(clear), np.inf)
    apart = np.full(len(clear), np.inf)
    while len(chosen) < min(count, len(clear)):
        newest = chosen[-1]
        look = 1 - vectors @ vectors[newest]
        # Slides look similar but say different things.
        look = np.where(titled & _differently_titled(clear, newest), np.maximum(look, 2 * _SAME), look)
        seen = np.minimum(seen, look)
        apart = np.minimum(apart, look + 0.5 * np.abs(times_s - times_s[newest]) / spread_s)
        gains = np.where(seen > _SAME, apart * worth, -1.0)
        gains[chosen] = -1.0
        pick = int(np.argmax(gains))
        if gains[pick] < 0:
            break
        chosen.append(pick)
    return [clear[index] for index in sorted(chosen)]


def _differently_titled(frames: Sequence[Keyframe], index: int) -> np.ndarray:
    title = screen_title(frames[index])
    return np.array([screen_title(frame) != title for frame in frames])
