"""Turn decoded audio into blocks of 16 kHz mono with no breaks: fill gaps with silence and cut overlaps."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from fractions import Fraction

import av
import numpy as np
from av import AudioFifo, AudioFrame, AudioResampler
from numpy.typing import NDArray

from pipeline.analysis.media.channels import ChannelMixer
from pipeline.analysis.media.timeline import Timeline
from schemas.config import ChannelMode
from schemas.media import SAMPLE_RATE_HZ, AudioBlock

_BLOCK_SAMPLES = 5 * SAMPLE_RATE_HZ
_RESAMPLED_AT_ONCE = 8192
"""Samples. Decoded frames are shorter, and each call of the resampler costs as much as its work on one of them."""
_MAX_CHANNELS = 64
"""FFmpeg's resampler takes no more."""
_TOLERANCE_S = 0.1
"""Audio timestamps are rounded. A smaller difference is not a gap."""


class AudioBlockBuilder:
    """Builds the blocks of one audio track from its frames.

    Args:
        stream: Index of the stream.
        timeline: The clock of the stream.
        channels: Whether to mix channels or to keep them apart.
        warn: Called with a message for each repair.
        counts_samples: Whether timestamps are numbers of samples. FFmpeg then reads them at the first sample rate, even
            where it has changed.
    """

    def __init__(
        self,
        stream: int,
        timeline: Timeline,
        channels: ChannelMode,
        warn: Callable[[str], None],
        *,
        counts_samples: bool = False,
    ) -> None:
        self._stream = stream
        self._timeline = timeline
        self._channels = channels
        self._warn = warn
        self._counts_samples = counts_samples
        self._first: tuple[int, Fraction | None] = (0, None)
        self._late_s = 0.0
        """How much later a frame at the first sample rate is than its timestamp."""
        self._fifo = AudioFifo()
        self._resampler: AudioResampler | None = None
        self._mixer: ChannelMixer | None = None
        self._format: tuple[str, str, int] | None = None
        self._start_s: float | None = None
        self._sample_count = 0
        """16 kHz samples so far, including those in the mixer and pending ones."""
        self._yielded_count = 0
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
        rate_hz, time_base = self._first = self._first if self._first[0] else (frame.sample_rate, frame.time_base)
        if self._counts_samples and frame.sample_rate != rate_hz and frame.time_base == time_base:
            self._late_s = self._input_end_s + frame.samples / frame.sample_rate - time_s - frame.samples / rate_hz
            time_s = self._input_end_s
        else:
            time_s += self._late_s
        if self._start_s is None:
            self._start_s = self._input_end_s = time_s
        gap_s = time_s - self._input_end_s
        if gap_s > _TOLERANCE_S:
            yield from self._drain()
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
            yield from self._blocks(self._pending_samples)

    def _resample(self, frame: AudioFrame) -> Iterator[AudioBlock]:
        frame_format = (frame.format.name, frame.layout.name, frame.sample_rate)
        if frame_format != self._format:
            yield from self._flush()
            self._format = frame_format
        frame.pts = None  # this class keeps track of time
        try:
            resampled = self._resampled(_narrow(frame))
        except (av.error.FFmpegError, ValueError):
            # Only a damaged or very unusual file has audio that FFmpeg decodes but does not resample.
            self._warn(f"Audio with {frame.layout.nb_channels} channels at {frame.sample_rate} Hz was left out.")
            self._fifo, self._resampler = AudioFifo(), None
            self._input_end_s = self.end_s  # the next frame fills the gap
            return
        yield from self._mix(resampled)

    def _resampled(self, frame: AudioFrame) -> list[AudioFrame]:
        """Return what is now at 16 kHz of this frame and those before it."""
        if self._resampler is None:
            # Packed samples, because PyAV cannot read more than 8 planes.
            self._resampler = AudioResampler(format="flt", layout=frame.layout, rate=SAMPLE_RATE_HZ)
        self._fifo.write(frame)
        return [
            part for joined in self._fifo.read_many(_RESAMPLED_AT_ONCE) for part in self._resampler.resample(joined)
        ]

    def _mix(self, frames: Sequence[AudioFrame]) -> Iterator[AudioBlock]:
        for frame in frames:
            channels = frame.layout.nb_channels
            samples = _finite(np.asarray(frame.to_ndarray(), np.float32).reshape(-1, channels))
            if channels > 1 and self._mixer is None:
                roles = [channel.name for channel in frame.layout.channels]
                self._mixer = ChannelMixer(roles, self._channels, self._warn)
            yield from self._add(samples)

    def _add(self, samples: NDArray[np.float32]) -> Iterator[AudioBlock]:
        """Add samples at 16 kHz, (n, channels), or (n, 1) of any number of channels that are all the same."""
        self._sample_count += len(samples)
        if self._mixer is not None:
            samples = self._mixer.add(np.broadcast_to(samples, (len(samples), self._mixer.channels)))
        yield from self._append(samples)

    def _drain(self) -> Iterator[AudioBlock]:
        """Drain the resampler and drop it; the next frame gets a new one."""
        (fifo, self._fifo), (resampler, self._resampler) = (self._fifo, AudioFifo()), (self._resampler, None)
        if resampler is None:
            return
        rest, resampled = fifo.read(partial=True), []
        with suppress(av.error.FFmpegError, ValueError):  # nothing came, or too little to fill the filter
            resampled = [*(resampler.resample(rest) if rest else ()), *resampler.resample(None)]
        yield from self._mix(resampled)

    def _flush(self) -> Iterator[AudioBlock]:
        """Drain the resampler and the mixer, and drop them."""
        yield from self._drain()
        if self._mixer is not None:
            mixer, self._mixer = self._mixer, None
            yield from self._append(mixer.finish())

    def _fill_silence(self, until_s: float) -> Iterator[AudioBlock]:
        self._warn("Gaps in the audio were filled with silence.")
        start_s = self._start_s or 0.0
        missing = round((until_s - start_s) * SAMPLE_RATE_HZ) - self._sample_count
        while missing > 0:
            count = min(missing, _BLOCK_SAMPLES)
            yield from self._add(np.zeros((count, 1), np.float32))
            missing -= count

    def _append(self, lanes: NDArray[np.float32]) -> Iterator[AudioBlock]:
        self._pending.append(lanes)
        self._pending_samples += len(lanes)
        while self._pending_samples >= _BLOCK_SAMPLES:
            yield from self._blocks(_BLOCK_SAMPLES)

    def _blocks(self, count: int) -> Iterator[AudioBlock]:
        """Yield the next samples: the first lane, and others that are not silent."""
        width = max(lanes.shape[1] for lanes in self._pending)
        joined = np.concatenate([np.pad(lanes, ((0, 0), (0, width - lanes.shape[1]))) for lanes in self._pending])
        start_s = (self._start_s or 0.0) + self._yielded_count / SAMPLE_RATE_HZ
        self._yielded_count += count
        block, rest = joined[:count], joined[count:]
        self._pending, self._pending_samples = ([rest] if len(rest) else []), len(rest)
        for lane in range(width):
            samples = np.ascontiguousarray(np.clip(block[:, lane], -1.0, 1.0), dtype=np.float32)
            if not lane or samples.any():
                yield AudioBlock(start_s, samples, self._stream, lane)


def _finite(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the samples with infinities and NaNs, as a damaged file of floats has them, as silence."""
    return samples if np.isfinite(samples).all() else np.nan_to_num(samples, posinf=0.0, neginf=0.0)


def _narrow(frame: AudioFrame) -> AudioFrame:
    """Add the channels of a packed frame beyond `_MAX_CHANNELS` to the first ones."""
    if frame.layout.nb_channels <= _MAX_CHANNELS or not frame.format.is_packed:
        return frame
    values = frame.to_ndarray().reshape(frame.samples, -1)
    samples = values.astype(np.float32)
    if values.dtype.kind in "iu":
        samples = (samples - (128 if values.dtype.kind == "u" else 0)) / (2.0 ** (8 * values.dtype.itemsize - 1))
    missing = -samples.shape[1] % _MAX_CHANNELS
    folded = np.pad(samples, ((0, 0), (0, missing))).reshape(frame.samples, -1, _MAX_CHANNELS).sum(axis=1)
    layout = f"{_MAX_CHANNELS} channels"
    result = AudioFrame.from_ndarray(folded.astype(np.float32).reshape(1, -1), format="flt", layout=layout)
    result.sample_rate = frame.sample_rate
    return result
