"""Choose keyframes: the sharpest frame of each interval of a shot, without near-duplicates of recent keyframes.

Intervals are shorter where a video begins: a clip of ten seconds needs several keyframes, because what a model sees in
a single one is often wrong.

There is no sharpness threshold here; the storyboard has one (`pipeline/analysis/summary/storyboard.py`).
"""

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
"""A frame closer to a transition may be a blend of two shots; it is used only if the shot has no other."""
_OPENING_PARTS = 4
"""The first interval of a video is divided into this many."""
_RECENT = 24
"""Number of recent keyframes that a new one is compared with."""
_MAX_CANDIDATES = 48
"""Maximum number of full-size images in memory. Beyond it, the less sharp of each pair of neighbours is dropped."""


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    time_s: float
    sharpness: float
    image: NDArray[np.uint8]


class KeyframeSelector:
    """Selects the keyframes of one video in bounded memory: those of a long shot are chosen before it ends.

    Args:
        config: The `keyframes` section.
    """

    def __init__(self, config: KeyframesConfig) -> None:
        self._config = config
        self._candidates: deque[_Candidate] = deque()
        self._shot_index = 0
        self._start_s = 0.0
        """Start of the current shot."""
        self._interval_start_s = 0.0
        """Start of the part of the current shot that has no keyframe yet."""
        self._shot_keyframes = 0
        """Keyframes of the current shot so far."""
        self._recent: deque[int] = deque(maxlen=_RECENT)
        """Hashes of the most recent keyframes."""

    def add(self, frame: SampledFrame) -> None:
        """Add a candidate; candidates must come in time order."""
        self._candidates.append(_Candidate(frame.time_s, sharpness(frame.image), frame.image))
        if len(self._candidates) > _MAX_CANDIDATES:
            self._drop_half()

    def advance(self, shots: Sequence[Shot], decided_s: float) -> list[KeyframeImage]:
        """Choose the keyframes that can be decided now.

        Args:
            shots: Shots that have ended since the last call, in order.
            decided_s: There are no other transitions before this time.

        Returns:
            New keyframes in time order.
        """
        chosen: list[KeyframeImage] = []
        for shot in shots:
            self._end_shot(shot, chosen)
        # Complete intervals of the current shot.
        while decided_s - _MARGIN_S >= self._interval_end_s():
            self._end_interval(self._interval_end_s(), chosen)
        return chosen

    def finish(self, shots: Sequence[Shot]) -> list[KeyframeImage]:
        """Choose the remaining keyframes; `shots` are the last shots of the video."""
        chosen: list[KeyframeImage] = []
        for shot in shots:
            self._end_shot(shot, chosen)
        self._candidates.clear()
        return chosen

    def _end_shot(self, shot: Shot, chosen: list[KeyframeImage]) -> None:
        while self._interval_end_s() < shot.end_s - _MARGIN_S:
            self._end_interval(self._interval_end_s(), chosen)
        self._end_interval(shot.end_s, chosen)
        self._shot_index = shot.index + 1
        self._start_s = self._interval_start_s = shot.end_s
        self._shot_keyframes = 0

    def _interval_end_s(self) -> float:
        interval_s = self._config.interval_s
        opening = self._interval_start_s < interval_s
        return self._interval_start_s + (interval_s / _OPENING_PARTS if opening else interval_s)

    def _end_interval(self, end_s: float, chosen: list[KeyframeImage]) -> None:
        candidates: list[_Candidate] = []
        while self._candidates and self._candidates[0].time_s < end_s:
            candidates.append(self._candidates.popleft())
        self._interval_start_s = end_s
        if not candidates:
            return
        clear = [each for each in candidates if self._start_s + _MARGIN_S <= each.time_s <= end_s - _MARGIN_S]
        best = max(clear or candidates, key=lambda each: each.sharpness)
        image_hash = phash(best.image)
        duplicate = any(hamming(image_hash, other) <= self._config.duplicate_distance for other in self._recent)
        # Every shot keeps at least one keyframe, because later steps know the shot only by its keyframes.
        if duplicate and self._shot_keyframes:
            return
        self._recent.append(image_hash)
        self._shot_keyframes += 1
        chosen.append(KeyframeImage(best.time_s, self._shot_index, best.sharpness, image_hash, best.image))

    def _drop_half(self) -> None:
        """Drop every second candidate, the less sharp of each pair."""
        kept = list(self._candidates)
        self._candidates = deque(
            max(kept[index : index + 2], key=lambda each: each.sharpness) for index in range(0, len(kept), 2)
        )
