"""The storyboard: few keyframes that show what there is to see."""

from collections.abc import Sequence

import numpy as np

from pipeline.analysis.scenes import screen_title
from schemas.records import Keyframe

_BLANK, _BLANK_SHARE = 15.0, 0.2
"""Frames less sharp than this, and than such a share of the video's middle, are blank, black or a blur."""
_SAME = 0.04
"""Frames whose vectors are nearer than this show the same."""


def storyboard(keyframes: Sequence[Keyframe], count: int) -> list[Keyframe]:
    """Choose frames that are clear and differ most from each other, in order of time.

    Farthest point selection (Gonzalez 1985), with distances weighted by how much there is to see: a frame counts more
    that is sharp among its own video's, or has a title. What looks the same as a chosen frame is not chosen, so there
    may be fewer than asked for.

    Args:
        keyframes: In order of time, with their vectors.
        count: Frames at most.
    """
    if not keyframes or count <= 0:
        return []
    sharpness = np.array([frame.sharpness for frame in keyframes])
    middle = float(np.median(sharpness))
    clear = [frame for frame in keyframes if frame.sharpness >= min(_BLANK, _BLANK_SHARE * middle)] or list(keyframes)
    vectors = np.stack([frame.embedding for frame in clear])
    times_s = np.array([frame.time_s for frame in clear])
    spread_s = max(float(np.ptp(times_s)), 1e-9)
    titled = np.array([bool(screen_title(frame)) for frame in clear])
    worth = np.clip([frame.sharpness / max(middle, 1e-9) for frame in clear], 0.5, 1.5) + 0.3 * titled
    chosen = [int(np.argmax(worth))]
    seen = np.full(len(clear), np.inf)
    apart = np.full(len(clear), np.inf)
    while len(chosen) < min(count, len(clear)):
        newest = chosen[-1]
        look = 1 - vectors @ vectors[newest]
        # Two slides look alike, but say different things.
        look = np.where(titled & _differently_titled(clear, newest), np.maximum(look, 2 * _SAME), look)
        seen = np.minimum(seen, look)
        apart = np.minimum(apart, look + 0.5 * np.abs(times_s - times_s[newest]) / spread_s)
        gains = np.where(seen > _SAME, apart * worth, -1.0)
        gains[chosen] = -1.0
        pick = int(np.argmax(gains))
        if gains[pick] < 0:
            break
        chosen.append(pick)
    return [clear[place] for place in sorted(chosen)]


def _differently_titled(frames: Sequence[Keyframe], place: int) -> np.ndarray:
    title = screen_title(frames[place])
    return np.array([screen_title(frame) != title for frame in frames])
