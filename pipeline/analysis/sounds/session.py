"""The sounds of one audio track: scores and levels as it is decoded, and spans at the end."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.sounds.spans import find_silences, find_sounds, in_order
from schemas.media import SAMPLE_RATE_HZ, AudioBlock
from schemas.records import Sound

_MAX_GAP_SAMPLES = SAMPLE_RATE_HZ // 20
"""Containers round times, so only longer gaps are filled with silence."""
_SLICE_SAMPLES = 30 * SAMPLE_RATE_HZ
_LEVEL_SAMPLES = SAMPLE_RATE_HZ // 10
"""Silence is measured in steps of 0.1 s."""


class SoundStream(Protocol):
    """Scores of one track, as it comes."""

    def add(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Add samples, (n,), and return the rows that are final now, (rows, classes)."""

    def finish(self) -> NDArray[np.float32]:
        """Return the remaining rows."""


class SoundModel(Protocol):
    """A model that scores audio."""

    @property
    def labels(self) -> Sequence[str]:
        """Name of each class, in lower case."""

    @property
    def row_samples(self) -> int:
        """Samples at 16 kHz per row of scores."""

    def stream(self) -> SoundStream:
        """Start a track."""


class SoundSession:
    """Collects the scores of one track. Audio is dropped as soon as it is scored.

    Args:
        model: Scores the audio.
        min_score: As in `sounds.min_score`.
    """

    def __init__(self, model: SoundModel, min_score: float) -> None:
        self._model, self._min_score = model, min_score
        self._stream = model.stream()
        self._offset_s: float | None = None
        self._length = 0
        self._held: AudioBlock | None = None
        self._scores: list[NDArray[np.float32]] = []
        self._levels: list[NDArray[np.float32]] = []
        self._unmeasured = np.zeros(0, np.float32)

    def add(self, block: AudioBlock) -> None:
        """Add the next block. Separated channels, which have the same times, are mixed.

        Args:
            block: In order of time; of one time, the first lane comes first.
        """
        if block.lane == 0 or self._held is None:
            self._take_held()
            self._held = block
        else:
            first = round((block.start_s - self._held.start_s) * SAMPLE_RATE_HZ)
            self._held = AudioBlock(self._held.start_s, _mixed(self._held.samples, block.samples, max(0, first)))

    def finish(self) -> tuple[Sound, ...]:
        """Score the rest, and return the sounds in order of time."""
        self._take_held()
        self._scores.append(self._stream.finish())
        self._measure(np.zeros(0, np.float32), last=True)
        row_s, end_s = self._model.row_samples / SAMPLE_RATE_HZ, self._length / SAMPLE_RATE_HZ
        sounds = find_sounds(
            np.concatenate(self._scores), self._model.labels, row_s=row_s, min_score=self._min_score
        ) + find_silences(np.concatenate(self._levels), row_s=_LEVEL_SAMPLES / SAMPLE_RATE_HZ)
        offset_s = self._offset_s or 0.0
        return in_order(
            # The last row may stand for less time than the others.
            replace(sound, start_s=offset_s + sound.start_s, end_s=offset_s + min(sound.end_s, end_s))
            for sound in sounds
            if sound.start_s < end_s
        )

    def _take_held(self) -> None:
        block, self._held = self._held, None
        if block is None:
            return
        if self._offset_s is None:
            self._offset_s = block.start_s
        gap = round((block.start_s - self._offset_s) * SAMPLE_RATE_HZ) - self._length
        while gap > _MAX_GAP_SAMPLES:
            size = min(gap, _SLICE_SAMPLES)
            self._take(np.zeros(size, np.float32))
            gap -= size
        self._take(block.samples)

    def _take(self, samples: NDArray[np.float32]) -> None:
        self._length += len(samples)
        self._measure(samples)
        self._scores.append(self._stream.add(samples))

    def _measure(self, samples: NDArray[np.float32], *, last: bool = False) -> None:
        size = _LEVEL_SAMPLES
        waiting = np.concatenate([self._unmeasured, samples])
        whole = len(waiting) // size * size
        self._levels.append(_root_mean_square(waiting[:whole].reshape(-1, size)))
        self._unmeasured = waiting[whole:].copy()
        if last and len(self._unmeasured):
            self._levels.append(_root_mean_square(self._unmeasured[None]))


def _root_mean_square(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.sqrt(np.square(rows).mean(axis=1)), np.float32)


def _mixed(samples: NDArray[np.float32], more: NDArray[np.float32], first: int) -> NDArray[np.float32]:
    mixed = np.zeros(max(len(samples), first + len(more)), np.float32)
    mixed[: len(samples)] = samples
    mixed[first : first + len(more)] += more
    return np.clip(mixed, -1.0, 1.0)
