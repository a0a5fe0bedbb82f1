"""Decoded sound becomes blocks of 16 kHz mono, one unbroken line of time: gaps are silence, overlaps are cut."""

from collections.abc import Callable, Iterator

import av
import numpy as np
from av import AudioFrame, AudioResampler
from numpy.typing import NDArray

from pipeline.analysis.media.timeline import Timeline
from schemas.media import SAMPLE_RATE_HZ, AudioBlock

_BLOCK_SAMPLES = 5 * SAMPLE_RATE_HZ
_TOLERANCE_S = 0.1
"""Timestamps of sound are rounded; a difference below this is no gap."""


class SoundLine:
    """Takes the frames of one sound track and makes blocks.

    Args:
        timeline: The clock of the stream.
        warn: Told once about each kind of repair.
    """

    def __init__(self, timeline: Timeline, warn: Callable[[str], None]) -> None:
        self._timeline = timeline
        self._warn = warn
        self._resampler: AudioResampler | None = None
        self._format: tuple[str, str, int] | None = None
        self._start_s: float | None = None
        self._taken = 0
        """Samples made of this line so far, at 16 kHz, those that wait included."""
        self._heard_s = 0.0
        """End of the last frame, by counting its samples, since the resampler lags a little behind."""
        self._waiting: list[NDArray[np.float32]] = []
        self._waiting_samples = 0

    @property
    def end_s(self) -> float:
        """Where the sound ends so far."""
        return 0.0 if self._start_s is None else self._start_s + self._taken / SAMPLE_RATE_HZ

    def add(self, frame: AudioFrame) -> Iterator[AudioBlock]:
        """Take a frame and yield the blocks that are full."""
        if not frame.samples or not frame.sample_rate:
            return
        time_s = self._timeline.place(frame.pts, frame.time_base)
        if self._start_s is None:
            self._start_s = self._heard_s = time_s
        gap_s = time_s - self._heard_s
        if gap_s > _TOLERANCE_S:
            yield from self._flush()
            yield from self._silence(time_s)
        elif gap_s < -_TOLERANCE_S:
            self._warn("Sound that overlaps itself was cut.")
            if time_s + frame.samples / frame.sample_rate <= self._heard_s:
                return
        self._heard_s = max(self._heard_s, time_s) + frame.samples / frame.sample_rate
        if abs(gap_s) <= _TOLERANCE_S:
            # Follow the count of samples, not rounded timestamps, or every frame would add its rounding.
            self._heard_s = time_s - gap_s + frame.samples / frame.sample_rate
        yield from self._resample(frame)

    def finish(self) -> Iterator[AudioBlock]:
        """Yield what is left."""
        yield from self._flush()
        if self._waiting_samples:
            yield self._block(self._waiting_samples)

    def _resample(self, frame: AudioFrame) -> Iterator[AudioBlock]:
        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        if form != self._format:
            yield from self._flush()
            self._format = form
        if self._resampler is None:
            self._resampler = AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE_HZ)
        frame.pts = None  # times are counted here
        for resampled in self._resampler.resample(frame):
            yield from self._take(_samples(resampled))

    def _flush(self) -> Iterator[AudioBlock]:
        """Get out what the resampler holds back; after a break it starts anew."""
        if self._resampler is None:
            return
        resampler, self._resampler = self._resampler, None
        try:
            rest = resampler.resample(None)
        except (av.error.FFmpegError, ValueError):
            return  # it never saw a frame
        for resampled in rest:
            yield from self._take(_samples(resampled))

    def _silence(self, until_s: float) -> Iterator[AudioBlock]:
        self._warn("Gaps in the sound were filled with silence.")
        start_s = self._start_s or 0.0
        missing = round((until_s - start_s) * SAMPLE_RATE_HZ) - self._taken
        while missing > 0:
            count = min(missing, _BLOCK_SAMPLES)
            yield from self._take(np.zeros(count, dtype=np.float32))
            missing -= count

    def _take(self, samples: NDArray[np.float32]) -> Iterator[AudioBlock]:
        if not np.isfinite(samples).all():
            samples = np.nan_to_num(samples, posinf=0.0, neginf=0.0)
        self._waiting.append(samples)
        self._waiting_samples += len(samples)
        self._taken += len(samples)
        while self._waiting_samples >= _BLOCK_SAMPLES:
            yield self._block(_BLOCK_SAMPLES)

    def _block(self, count: int) -> AudioBlock:
        joined = np.concatenate(self._waiting)
        start_s = self.end_s - self._waiting_samples / SAMPLE_RATE_HZ
        block, rest = joined[:count], joined[count:]
        self._waiting, self._waiting_samples = ([rest] if len(rest) else []), len(rest)
        return AudioBlock(start_s, np.ascontiguousarray(np.clip(block, -1.0, 1.0), dtype=np.float32))


def _samples(frame: AudioFrame) -> NDArray[np.float32]:
    """Return the samples of a mono frame, (n,)."""
    return frame.to_ndarray().reshape(-1).astype(np.float32, copy=False)
