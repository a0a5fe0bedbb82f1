"""Turn decoded audio into blocks of 16 kHz mono with no breaks: fill gaps with silence and cut overlaps."""

from collections.abc import Callable, Iterator

import av
import numpy as np
from av import AudioFrame, AudioResampler
from numpy.typing import NDArray

from pipeline.analysis.media.timeline import Timeline
from schemas.media import SAMPLE_RATE_HZ, AudioBlock

_BLOCK_SAMPLES = 5 * SAMPLE_RATE_HZ
_TOLERANCE_S = 0.1
"""Audio timestamps are rounded. A smaller difference is not a gap."""


class AudioBlockBuilder:
    """Builds the blocks of one audio track from its frames.

    Args:
        timeline: The clock of the stream.
        warn: Called with a message for each repair.
    """

    def __init__(self, timeline: Timeline, warn: Callable[[str], None]) -> None:
        self._timeline = timeline
        self._warn = warn
        self._resampler: AudioResampler | None = None
        self._format: tuple[str, str, int] | None = None
        self._start_s: float | None = None
        self._sample_count = 0
        """16 kHz samples so far, including pending ones."""
        self._input_end_s = 0.0
        """End of the last input frame, from its sample count, because the resampler lags a little behind."""
        self._pending: list[NDArray[np.float32]] = []
        self._pending_samples = 0

    @property
    def end_s(self) -> float:
        """End of the audio so far."""
        return 0.0 if self._start_s is None else self._start_s + self._sample_count / SAMPLE_RATE_HZ

    def add(self, frame: AudioFrame) -> Iterator[AudioBlock]:
        """Add a frame and yield every block that is now full."""
        if not frame.samples or not frame.sample_rate:
            return
        time_s = self._timeline.time_of(frame.pts, frame.time_base, frame.samples / frame.sample_rate)
        if self._start_s is None:
            self._start_s = self._input_end_s = time_s
        gap_s = time_s - self._input_end_s
        if gap_s > _TOLERANCE_S:
            yield from self._flush()
            yield from self._fill_silence(time_s)
        elif gap_s < -_TOLERANCE_S:
            self._warn("Overlapping audio was cut.")
            if time_s + frame.samples / frame.sample_rate <= self._input_end_s:
                return
        self._input_end_s = max(self._input_end_s, time_s) + frame.samples / frame.sample_rate
        if abs(gap_s) <= _TOLERANCE_S:
            # Follow the sample count, not the rounded timestamps: their rounding errors would add up.
            self._input_end_s = time_s - gap_s + frame.samples / frame.sample_rate
        yield from self._resample(frame)

    def finish(self) -> Iterator[AudioBlock]:
        """Yield the remaining samples."""
        yield from self._flush()
        if self._pending_samples:
            yield self._block(self._pending_samples)

    def _resample(self, frame: AudioFrame) -> Iterator[AudioBlock]:
        frame_format = (frame.format.name, frame.layout.name, frame.sample_rate)
        if frame_format != self._format:
            yield from self._flush()
            self._format = frame_format
        if self._resampler is None:
            self._resampler = AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE_HZ)
        frame.pts = None  # this class keeps track of time
        for resampled in self._resampler.resample(frame):
            yield from self._append(_samples(resampled))

    def _flush(self) -> Iterator[AudioBlock]:
        """Drain the resampler and drop it; the next frame gets a new one."""
        if self._resampler is None:
            return
        resampler, self._resampler = self._resampler, None
        try:
            rest = resampler.resample(None)
        except (av.error.FFmpegError, ValueError):
            return  # it never received a frame
        for resampled in rest:
            yield from self._append(_samples(resampled))

    def _fill_silence(self, until_s: float) -> Iterator[AudioBlock]:
        self._warn("Gaps in the audio were filled with silence.")
        start_s = self._start_s or 0.0
        missing = round((until_s - start_s) * SAMPLE_RATE_HZ) - self._sample_count
        while missing > 0:
            count = min(missing, _BLOCK_SAMPLES)
            yield from self._append(np.zeros(count, dtype=np.float32))
            missing -= count

    def _append(self, samples: NDArray[np.float32]) -> Iterator[AudioBlock]:
        if not np.isfinite(samples).all():
            samples = np.nan_to_num(samples, posinf=0.0, neginf=0.0)
        self._pending.append(samples)
        self._pending_samples += len(samples)
        self._sample_count += len(samples)
        while self._pending_samples >= _BLOCK_SAMPLES:
            yield self._block(_BLOCK_SAMPLES)

    def _block(self, count: int) -> AudioBlock:
        joined = np.concatenate(self._pending)
        start_s = self.end_s - self._pending_samples / SAMPLE_RATE_HZ
        block, rest = joined[:count], joined[count:]
        self._pending, self._pending_samples = ([rest] if len(rest) else []), len(rest)
        return AudioBlock(start_s, np.ascontiguousarray(np.clip(block, -1.0, 1.0), dtype=np.float32))


def _samples(frame: AudioFrame) -> NDArray[np.float32]:
    """Return the samples of a mono frame, (n,)."""
    return frame.to_ndarray().reshape(-1).astype(np.float32, copy=False)
