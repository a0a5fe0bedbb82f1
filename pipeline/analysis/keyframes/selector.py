"""Chooses keyframes: of each stretch of a shot the sharpest frame, none that looks like one kept just before."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.keyframes.images import hamming, phash, sharpness
from schemas.config import KeyframesConfig
from schemas.media import SampledFrame
from schemas.records import KeyframeImage, Shot

_MARGIN_S = 0.1
"""Nearer to a transition a frame may be a blend of two shots; taken only where a shot has no other."""
_REMEMBERED = 24
"""Keyframes that new ones are compared with."""
_MAX_WAITING = 48
"""Full pictures in memory at most; beyond it the least sharp of neighbours goes."""


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    time_s: float
    sharpness: float
    image: NDArray[np.uint8]


class KeyframeSelector:
    """One video, in bounded memory: keyframes of a long shot are chosen while it still goes on.

    Args:
        config: The `keyframes` section.
    """

    def __init__(self, config: KeyframesConfig) -> None:
        self._config = config
        self._waiting: deque[_Candidate] = deque()
        self._shot_index = 0
        self._start_s = 0.0
        """Start of the open shot."""
        self._stretch_s = 0.0
        """Start of the stretch of it that has no keyframe yet."""
        self._kept_of_shot = 0
        self._recent: deque[int] = deque(maxlen=_REMEMBERED)
        """Hashes of the keyframes last kept."""

    def add(self, frame: SampledFrame) -> None:
        """Take a candidate; candidates come in order of time."""
        self._waiting.append(_Candidate(frame.time_s, sharpness(frame.image), frame.image))
        if len(self._waiting) > _MAX_WAITING:
            self._thin()

    def advance(self, shots: Sequence[Shot], decided_s: float) -> list[KeyframeImage]:
        """Choose what can be chosen.

        Args:
            shots: Shots that have ended since the last call, in order.
            decided_s: Before this time there are no other transitions.

        Returns:
            New keyframes in order of time.
        """
        chosen: list[KeyframeImage] = []
        for shot in shots:
            self._end_shot(shot, chosen)
        # Whole stretches of the shot that still goes on.
        while decided_s - _MARGIN_S >= self._stretch_s + self._config.interval_s:
            self._end_stretch(self._stretch_s + self._config.interval_s, chosen)
        return chosen

    def finish(self, shots: Sequence[Shot]) -> list[KeyframeImage]:
        """Choose the rest; `shots` are those that the end of the video has ended."""
        chosen: list[KeyframeImage] = []
        for shot in shots:
            self._end_shot(shot, chosen)
        self._waiting.clear()
        return chosen

    def _end_shot(self, shot: Shot, chosen: list[KeyframeImage]) -> None:
        while self._stretch_s + self._config.interval_s < shot.end_s - _MARGIN_S:
            self._end_stretch(self._stretch_s + self._config.interval_s, chosen)
        self._end_stretch(shot.end_s, chosen)
        self._shot_index = shot.index + 1
        self._start_s = self._stretch_s = shot.end_s
        self._kept_of_shot = 0

    def _end_stretch(self, end_s: float, chosen: list[KeyframeImage]) -> None:
        candidates: list[_Candidate] = []
        while self._waiting and self._waiting[0].time_s < end_s:
            candidates.append(self._waiting.popleft())
        self._stretch_s = end_s
        if not candidates:
            return
        clear = [each for each in candidates if self._start_s + _MARGIN_S <= each.time_s <= end_s - _MARGIN_S]
        best = max(clear or candidates, key=lambda each: each.sharpness)
        hashed = phash(best.image)
        alike = any(hamming(hashed, other) <= self._config.duplicate_distance for other in self._recent)
        # Every shot keeps one: it stands for the shot in all that follows.
        if alike and self._kept_of_shot:
            return
        self._recent.append(hashed)
        self._kept_of_shot += 1
        chosen.append(KeyframeImage(best.time_s, self._shot_index, best.sharpness, hashed, best.image))

    def _thin(self) -> None:
        """Drop every second candidate, the less sharp of each pair."""
        pairs = list(self._waiting)
        self._waiting = deque(
            max(pairs[place : place + 2], key=lambda each: each.sharpness) for place in range(0, len(pairs), 2)
        )
