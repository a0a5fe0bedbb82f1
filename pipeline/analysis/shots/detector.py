"""Split a video into shots while it is decoded: a cheap detector proposes, TransNetV2 decides, slides are added."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.shots.changes import REACH, Change, ChangeDetector, Tiny, tiny_frames
from pipeline.analysis.shots.judging import SIDE, Verdict, judge_abrupt
from pipeline.analysis.shots.network import CONTEXT, TransNet
from pipeline.analysis.shots.slides import DELAY_S, SlideChange, SlideDetector
from schemas.config import ShotsConfig
from schemas.media import FrameBatch
from schemas.records import Shot, Transition

_SURE_RATIO = 10.0
"""Changes this far above the motion around them were all cuts when compared with the network, so it is not asked."""
_LONGEST_FLASH_S = 1.0
"""If the frames around a change span more, what returns is another shot rather than the end of a flash."""
_LONGEST_RUN = 150
_SHORT_RUN = 0.86
"""Factor on the threshold for short runs: with less context, the network gives the same transitions lower scores."""
_SAME_FRAMES = 3
_SAME_S = 0.75
_STEP = 50


@dataclass(frozen=True, slots=True)
class _Found:
    time_s: float
    transition: Transition
    score: float


class ShotDetector:
    """Detects the shots of one video. The result does not depend on the batch size.

    Args:
        config: The `shots` section.
        network: The loaded TransNetV2; None only for the `content` detector.
    """

    def __init__(self, config: ShotsConfig, network: TransNet | None) -> None:
        if network is None and config.detector != "content":
            raise ValueError(f"The {config.detector} detector needs the network.")
        self._config = config
        self._network = network
        self._changes = ChangeDetector()
        self._slides = SlideDetector() if config.slides else None
        self._tiny: deque[NDArray[np.uint8]] = deque()
        self._times: deque[float] = deque()
        self._base = 0
        """Index of the oldest frame still in memory."""
        self._count = 0
        self._pending: list[Change] = []
        """Changes that still lack context, in order."""
        self._scored = 0
        """Frames scored so far, with the `transnetv2` detector."""
        self._noted: list[int] = []
        """Frames of the transitions found near frames that are still in memory."""
        self._found: list[_Found] = []
        """Transitions before which others may still be found."""
        self._open: _Found | None = None
        self._last_cut_s = -np.inf
        self._shots = 0
        self.decided_s = 0.0
        """All transitions before this time are known, and the shots that they end have been returned."""
        self.frames_scored = 0
        """Frames passed to the network, including context; for benchmarks."""

    def add(self, batch: FrameBatch) -> list[Shot]:
        """Add the next frames and return the shots that have certainly ended."""
        if not len(batch.times_s):
            return []
        if self._open is None:
            self._open = _Found(0.0, "start", 1.0)
        tiny = tiny_frames(batch.small)
        self._tiny.extend(tiny)
        self._times.extend(batch.times_s.tolist())
        self._count += len(tiny)
        if self._config.detector == "transnetv2":
            self._score_all(end=False)
        else:
            self._pend(self._changes.add(tiny))
            self._score_pending(self._count - 2 * REACH)
        if self._slides:
            self._note_slides(self._slides.add(batch.times_s, batch.small))
        self.decided_s = max(self.decided_s, self._horizon_s())
        shots = self._settle(self.decided_s)
        self._forget()
        return shots

    def finish(self, end_s: float) -> list[Shot]:
        """Return the remaining shots. The last one ends at `end_s`, the end of the video."""
        if self._open is None:
            return []
        if self._config.detector == "transnetv2":
            self._score_all(end=True)
        else:
            self._pend(self._changes.finish())
            self._score_pending(self._count + _LONGEST_RUN)
        if self._slides:
            self._note_slides(self._slides.finish())
        end_s = max(end_s, self._times[-1])
        self.decided_s = end_s
        shots = self._settle(end_s - self._config.min_shot_s)
        shots.append(self._shot(self._open, end_s))
        return shots

    # Scoring: which frames the network sees.

    def _pend(self, changes: Iterable[Change]) -> None:
        """Note clear cuts, and keep what may be a transition until there is enough context to decide."""
        for change in changes:
            verdict = self._verdict(change)
            if verdict == "transition" or (verdict == "doubtful" and change.ratio >= _SURE_RATIO):
                self._note_cut(change)
            elif verdict == "doubtful":
                self._pending.append(change)
        self._pending.sort(key=lambda change: change.frame)

    def _verdict(self, change: Change) -> Verdict:
        if change.kind == "gradual":
            return "doubtful"
        first, frame, end = max(change.frame - SIDE, 0), change.frame, min(change.frame + SIDE, self._count)
        kept = np.array([self._tiny[index - self._base] for index in range(first, end)])
        verdict = judge_abrupt(kept[: frame - first], kept[frame - first :])
        span_s = self._times[end - 1 - self._base] - self._times[first - self._base]
        return "doubtful" if verdict == "none" and span_s > _LONGEST_FLASH_S else verdict

    def _score_pending(self, known: int) -> None:
        """Decide the changes before frame `known`; no more changes will be found before it."""
        while self._pending and self._pending[0].frame < known:
            if self._network is None:
                # Without the network, a change that stands out well is a cut.
                first = self._pending.pop(0)
                if first.ratio >= _SURE_RATIO / 2:
                    self._note_cut(first)
            else:
                run = self._run(known)
                if run is None:
                    return
                self._pending = self._pending[len(run) :]
                self._score_run(run, self._network)

    def _run(self, known: int) -> list[Change] | None:
        """Return the next uncertain changes that are close together; None if more may follow or context is missing."""
        run: list[Change] = []
        for change in self._pending:
            if change.frame >= known:
                break
            if run and (change.frame - run[-1].frame > 2 * CONTEXT or change.frame - run[0].frame > _LONGEST_RUN):
                return run if known > run[-1].frame + CONTEXT else None
            run.append(change)
        return run if known > run[-1].frame + 2 * CONTEXT + REACH else None

    def _score_run(self, run: list[Change], network: TransNet) -> None:
        margins = {"abrupt": _SAME_FRAMES, "gradual": REACH}
        first, last = run[0].frame - margins[run[0].kind], run[-1].frame + margins[run[-1].kind]
        scores = self._score(network, first - CONTEXT, last + CONTEXT)[CONTEXT:-CONTEXT]
        self._note_peaks(scores, first, self._config.threshold * _SHORT_RUN, run)

    def _score_all(self, *, end: bool) -> None:
        """Score every frame, in the windows of `TransNet.predict`."""
        assert self._network is not None  # noqa: S101 - checked by the constructor
        while self._scored + _STEP + CONTEXT <= self._count or (end and self._scored < self._count):
            scores = self._score(self._network, self._scored - CONTEXT, self._scored + _STEP + CONTEXT)
            window = scores[CONTEXT : CONTEXT + _STEP][: self._count - self._scored]
            self._note_peaks(window, self._scored, self._config.threshold, None)
            self._scored += len(window)

    def _score(self, network: TransNet, first: int, end: int) -> NDArray[np.float32]:
        """Score frames by index, repeating the first and last frame beyond the ends of the video."""
        indexes = np.clip(np.arange(first, end), max(0, self._base), self._count - 1) - self._base
        frames: Tiny = np.stack([self._tiny[index] for index in indexes])
        self.frames_scored += len(frames)
        return network.score(frames)

    def _note_peaks(self, scores: NDArray[np.float32], first: int, threshold: float, run: list[Change] | None) -> None:
        """Record a transition at the peak of each run of frames above the threshold."""
        above = np.flatnonzero(scores > threshold)
        for group in np.split(above, np.flatnonzero(np.diff(above) > 1) + 1):
            if not len(group):
                continue
            peak = int(group[np.argmax(scores[group])])
            frame = first + peak + 1
            abrupt = len(group) <= 2 if run is None else _near_abrupt(frame, run)
            self._note(frame, "cut" if abrupt else "gradual", float(scores[peak]))

    # Assembly: transitions become shots.

    def _note_cut(self, change: Change) -> None:
        """Record a cut that the network did not score."""
        self._note(change.frame, "cut", change.ratio / (change.ratio + 1.0))

    def _note(self, frame: int, transition: Transition, score: float) -> None:
        known = any(abs(frame - other) <= _SAME_FRAMES for other in self._noted)
        if 0 < frame < self._count and not known:
            self._noted.append(frame)
            self._found.append(_Found(self._times[frame - self._base], transition, score))

    def _note_slides(self, changes: Sequence[SlideChange]) -> None:
        self._found.extend(_Found(change.time_s, "slide", change.score) for change in changes)

    def _horizon_s(self) -> float:
        """Return the time before which no further transition can be found."""
        if self._config.detector == "transnetv2":
            frame = self._scored
        else:
            frame = self._count - 3 * REACH
            if self._pending:
                frame = min(frame, self._pending[0].frame - REACH)
        frame = min(frame, self._count - 1)
        horizon_s = self._times[frame - self._base] if frame > self._base else 0.0
        if self._slides:
            horizon_s = min(horizon_s, self._times[-1] - DELAY_S)
        return horizon_s - max(_SAME_S, self._config.min_shot_s)

    def _settle(self, horizon_s: float) -> list[Shot]:
        """Turn the transitions before the horizon into shots, joining shots that are too short to the previous one."""
        self._found.sort(key=lambda found: found.time_s)
        shots: list[Shot] = []
        while self._found and self._found[0].time_s <= horizon_s:
            found = self._found.pop(0)
            if found.transition == "slide" and self._is_near_cut(found):
                continue
            if found.transition != "slide":
                self._last_cut_s = found.time_s
            assert self._open is not None  # noqa: S101 - set with the first frame
            if found.time_s - self._open.time_s >= self._config.min_shot_s:
                shots.append(self._shot(self._open, found.time_s))
                self._open = found
        return shots

    def _is_near_cut(self, slide: _Found) -> bool:
        """Return whether the network found the same change."""
        cuts = [found.time_s for found in self._found if found.transition != "slide"]
        return any(abs(slide.time_s - cut_s) <= _SAME_S for cut_s in (*cuts, self._last_cut_s))

    def _shot(self, opened: _Found, end_s: float) -> Shot:
        self._shots += 1
        return Shot(self._shots - 1, opened.time_s, end_s, opened.transition, min(1.0, opened.score))

    def _forget(self) -> None:
        """Drop the frames that are no longer needed."""
        if self._config.detector == "transnetv2":
            needed = self._scored - CONTEXT
        else:
            needed = self._count - 4 * REACH
            if self._pending:
                needed = min(needed, self._pending[0].frame)
            needed -= REACH + CONTEXT
        while self._base < needed:
            self._tiny.popleft()
            self._times.popleft()
            self._base += 1
        self._noted = [frame for frame in self._noted if frame >= self._base - _SAME_FRAMES]


def _near_abrupt(frame: int, run: Sequence[Change]) -> bool:
    return any(change.kind == "abrupt" and abs(change.frame - frame) <= _SAME_FRAMES for change in run)
