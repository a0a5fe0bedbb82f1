"""Cuts a video into shots as its frames come: a cheap look points, TransNetV2 judges, slides are found beside them."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.shots.changes import REACH, Change, ChangeFinder, Tiny, tiny_pictures
from pipeline.analysis.shots.network import CONTEXT, TransNet
from pipeline.analysis.shots.slides import DELAY_S, SlideChange, SlideFinder
from schemas.config import ShotsConfig
from schemas.media import FrameBatch
from schemas.records import Shot, Transition

_SURE_RATIO = 10.0
"""Changes so far above the motion around them were cuts without exception where they were compared with the network."""
_LONGEST_RUN = 150
_SHORT_RUN = 0.86
"""With less context the network is less sure of the same transitions: its threshold is lowered by so much."""
_SAME_FRAMES = 3
_SAME_S = 0.75
_STEP = 50
_FLASH = 0.4


@dataclass(frozen=True, slots=True)
class _Found:
    time_s: float
    transition: Transition
    score: float


class ShotDetector:
    """One video. The result does not depend on how its frames are cut into batches.

    Args:
        config: The `shots` section.
        network: The loaded TransNetV2; None only for the detector `content`.
    """

    def __init__(self, config: ShotsConfig, network: TransNet | None) -> None:
        if network is None and config.detector != "content":
            raise ValueError(f"The detector {config.detector} needs the network.")
        self._config = config
        self._network = network
        self._finder = ChangeFinder()
        self._slides = SlideFinder() if config.slides else None
        self._tiny: deque[NDArray[np.uint8]] = deque()
        self._times: deque[float] = deque()
        self._base = 0
        """Number of the oldest frame that is kept."""
        self._count = 0
        self._pending: list[Change] = []
        """Changes that wait for their surroundings, in order."""
        self._judged = 0
        """Frames judged, where the network sees every one."""
        self._noted: deque[int] = deque(maxlen=4)
        self._found: list[_Found] = []
        """Transitions that may still get a neighbour before them."""
        self._open: _Found | None = None
        self._last_cut_s = -np.inf
        self._shots = 0
        self.decided_s = 0.0
        """Before this time all transitions are known, and the shots they end were returned."""
        self.frames_judged = 0
        """Frames that the network looked at, context included; for measuring."""

    def add(self, batch: FrameBatch) -> list[Shot]:
        """Take the next frames and return the shots that have ended for certain."""
        if not len(batch.times_s):
            return []
        if self._open is None:
            self._open = _Found(0.0, "start", 1.0)
        tiny = tiny_pictures(batch.small)
        self._tiny.extend(tiny)
        self._times.extend(batch.times_s.tolist())
        self._count += len(tiny)
        if self._config.detector == "transnetv2":
            self._judge_all(end=False)
        else:
            self._pending = sorted([*self._pending, *self._finder.add(tiny)], key=lambda change: change.frame)
            self._judge_pending(self._count - 2 * REACH)
        if self._slides:
            self._note_slides(self._slides.add(batch.times_s, batch.small))
        self.decided_s = max(self.decided_s, self._horizon_s())
        shots = self._settle(self.decided_s)
        self._forget()
        return shots

    def finish(self, end_s: float) -> list[Shot]:
        """Return the remaining shots; the last ends at `end_s`, the end of the video."""
        if self._open is None:
            return []
        if self._config.detector == "transnetv2":
            self._judge_all(end=True)
        else:
            self._pending = sorted([*self._pending, *self._finder.finish()], key=lambda change: change.frame)
            self._judge_pending(self._count + _LONGEST_RUN)
        if self._slides:
            self._note_slides(self._slides.finish())
        end_s = max(end_s, self._times[-1])
        self.decided_s = end_s
        shots = self._settle(end_s - self._config.min_shot_s)
        shots.append(self._shot(self._open, end_s))
        return shots

    # The places where the network looks.

    def _judge_pending(self, known: int) -> None:
        """Judge the changes whose surroundings are known: there will be no more before the frame `known`."""
        while self._pending and self._pending[0].frame < known:
            first = self._pending[0]
            if first.kind == "abrupt" and self._is_flash(first.frame):
                self._pending.pop(0)
            elif self._network is None:
                # Without the network, what stands out clearly is a cut.
                if first.ratio >= _SURE_RATIO / 2:
                    self._note(first.frame, "cut", first.ratio / (first.ratio + 1.0))
                self._pending.pop(0)
            elif first.ratio >= _SURE_RATIO:
                self._note(first.frame, "cut", first.ratio / (first.ratio + 1.0))
                self._pending.pop(0)
            else:
                run = self._run(known)
                if run is None:
                    return
                self._pending = self._pending[len(run) :]
                self._judge_run(run, self._network)

    def _is_flash(self, frame: int) -> bool:
        """Tell whether the picture is soon again what it was, as after a photographer's flash."""
        numbers = (frame - _SAME_FRAMES - 1, frame - 1, frame, frame + _SAME_FRAMES + 1)
        kept = np.clip(np.array(numbers), self._base, self._count - 1) - self._base
        earlier, before, at, after = (self._tiny[number].astype(np.int16) for number in kept)
        step = np.abs(at - before).mean()
        return bool(min(np.abs(after - before).mean(), np.abs(after - earlier).mean()) < _FLASH * step)

    def _run(self, known: int) -> list[Change] | None:
        """Return the next doubtful changes that are near to each other; None if more may come."""
        run: list[Change] = []
        for change in self._pending:
            if change.frame >= known:
                break
            apart = run and change.frame - run[-1].frame > 2 * CONTEXT
            if apart or (run and change.frame - run[0].frame > _LONGEST_RUN) or change.ratio >= _SURE_RATIO:
                return run
            run.append(change)
        return run if known > run[-1].frame + 2 * CONTEXT + REACH else None

    def _judge_run(self, run: list[Change], network: TransNet) -> None:
        margins = {"abrupt": _SAME_FRAMES, "gradual": REACH}
        first, last = run[0].frame - margins[run[0].kind], run[-1].frame + margins[run[-1].kind]
        scores = self._judge(network, first - CONTEXT, last + CONTEXT)[CONTEXT:-CONTEXT]
        self._note_peaks(scores, first, self._config.threshold * _SHORT_RUN, run)

    def _judge_all(self, *, end: bool) -> None:
        """Judge every frame, in the windows of `TransNet.predict`."""
        assert self._network is not None  # noqa: S101 - checked when made
        while self._judged + _STEP + CONTEXT <= self._count or (end and self._judged < self._count):
            scores = self._judge(self._network, self._judged - CONTEXT, self._judged + _STEP + CONTEXT)
            window = scores[CONTEXT : CONTEXT + _STEP][: self._count - self._judged]
            self._note_peaks(window, self._judged, self._config.threshold, None)
            self._judged += len(window)

    def _judge(self, network: TransNet, first: int, end: int) -> NDArray[np.float32]:
        """Judge frames by number; beyond the video its first or last frame stands for others."""
        numbers = np.clip(np.arange(first, end), max(0, self._base), self._count - 1) - self._base
        frames: Tiny = np.stack([self._tiny[number] for number in numbers])
        self.frames_judged += len(frames)
        return network.judge(frames)

    def _note_peaks(self, scores: NDArray[np.float32], first: int, threshold: float, run: list[Change] | None) -> None:
        """Note a transition at the peak of each run of frames above the threshold."""
        above = np.flatnonzero(scores > threshold)
        for group in np.split(above, np.flatnonzero(np.diff(above) > 1) + 1):
            if not len(group):
                continue
            peak = int(group[np.argmax(scores[group])])
            frame = first + peak + 1
            abrupt = len(group) <= 2 if run is None else _near_abrupt(frame, run)
            self._note(frame, "cut" if abrupt else "gradual", float(scores[peak]))

    # What was found becomes shots.

    def _note(self, frame: int, transition: Transition, score: float) -> None:
        known = any(abs(frame - other) <= _SAME_FRAMES for other in self._noted)
        if 0 < frame < self._count and not known:
            self._noted.append(frame)
            self._found.append(_Found(self._times[frame - self._base], transition, score))

    def _note_slides(self, changes: Sequence[SlideChange]) -> None:
        self._found.extend(_Found(change.time_s, "slide", change.score) for change in changes)

    def _horizon_s(self) -> float:
        """Return the time before which no more transitions can be found."""
        if self._config.detector == "transnetv2":
            frame = self._judged
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
        """Turn the transitions before the horizon into shots; shots that would be too short join the one before."""
        self._found.sort(key=lambda found: found.time_s)
        shots: list[Shot] = []
        while self._found and self._found[0].time_s <= horizon_s:
            found = self._found.pop(0)
            if found.transition == "slide" and self._beside_cut(found):
                continue
            if found.transition != "slide":
                self._last_cut_s = found.time_s
            assert self._open is not None  # noqa: S101 - there were frames
            if found.time_s - self._open.time_s >= self._config.min_shot_s:
                shots.append(self._shot(self._open, found.time_s))
                self._open = found
        return shots

    def _beside_cut(self, slide: _Found) -> bool:
        """Tell whether the network saw the same change."""
        cuts = [found.time_s for found in self._found if found.transition != "slide"]
        return any(abs(slide.time_s - cut_s) <= _SAME_S for cut_s in (*cuts, self._last_cut_s))

    def _shot(self, opened: _Found, end_s: float) -> Shot:
        self._shots += 1
        return Shot(self._shots - 1, opened.time_s, end_s, opened.transition, min(1.0, opened.score))

    def _forget(self) -> None:
        """Drop the frames that nobody will look at again."""
        if self._config.detector == "transnetv2":
            needed = self._judged - CONTEXT
        else:
            needed = self._count - 4 * REACH
            if self._pending:
                needed = min(needed, self._pending[0].frame)
            needed -= REACH + CONTEXT
        while self._base < needed:
            self._tiny.popleft()
            self._times.popleft()
            self._base += 1


def _near_abrupt(frame: int, run: Sequence[Change]) -> bool:
    return any(change.kind == "abrupt" and abs(change.frame - frame) <= _SAME_FRAMES for change in run)
