"""Voice activity detection: Silero's network over an audio stream, and the speech segments it finds."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.models import onnx_device, onnx_session, runs_on
from schemas.errors import ModelError

FRAME_SAMPLES = 512
"""Samples the network scores at once: 32 ms."""
CONTEXT_SAMPLES = 64
"""Samples of the previous frame that the network also sees."""
GROUP_FRAMES = 256
"""Frames per run. The number is fixed, so the result is bit-identical however the audio is cut into blocks."""
MIN_SILENCE_FRAMES = 5
"""Frames of silence that end a speech segment: 160 ms."""
JOIN_SAMPLES = 8_000
"""Segments closer than half a second count together towards `min_speech_s`."""
MAX_SEGMENT_FRAMES = 28 * 16_000 // FRAME_SAMPLES
"""Longest segment. A longer one is cut where speech is least probable."""


@dataclass(frozen=True, slots=True)
class SpeechSegment:
    """Speech without a pause, in samples from the start of the audio, half-open. Not one of Whisper's segments."""

    start: int
    end: int
    probability: float
    """Mean probability of speech."""


class VoiceActivityDetector:
    """Silero VAD (https://github.com/snakers4/silero-vad). The ONNX file comes with the faster-whisper package.

    Args:
        device: `cpu` or `cuda`.
    """

    def __init__(self, device: str = "cpu") -> None:
        self._network = onnx_session(_weights(), device=device, threads=1)
        self.runs_on = runs_on(onnx_device(self._network), "float32")
        """Device and precision, for the log."""

    def stream(self) -> "VoiceActivityStream":
        """Return a new stream. Streams share the network and nothing else."""
        return VoiceActivityStream(self._network)


class VoiceActivityStream:
    """The network's state over one audio track, carried from block to block."""

    def __init__(self, network: object) -> None:
        self._network = network
        self._h = np.zeros((1, 1, 128), np.float32)
        self._c = np.zeros((1, 1, 128), np.float32)
        self._context = np.zeros(CONTEXT_SAMPLES, np.float32)
        self._rest = np.zeros(0, np.float32)

    def add(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probabilities of the frames that are now complete.

        Args:
            samples: (n,) float32, 16 kHz, following those of the previous call.

        Returns:
            (m,) float32 probability of speech for each of the next frames of `FRAME_SAMPLES` samples.
        """
        self._rest = np.concatenate([self._rest, samples])
        group = GROUP_FRAMES * FRAME_SAMPLES
        whole = len(self._rest) // group * group
        ready, self._rest = self._rest[:whole], self._rest[whole:]
        return _join([self._run(ready[i : i + group]) for i in range(0, whole, group)])

    def finish(self) -> NDArray[np.float32]:
        """Return the probabilities of the remaining frames. The last one is padded with silence."""
        missing = -len(self._rest) % FRAME_SAMPLES
        rest, self._rest = np.pad(self._rest, (0, missing)), self._rest[:0]
        return self._run(rest) if len(rest) else _join([])

    def _run(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        frames = samples.reshape(-1, FRAME_SAMPLES)
        contexts = np.vstack([self._context, frames[:-1, -CONTEXT_SAMPLES:]])
        self._context = frames[-1, -CONTEXT_SAMPLES:].copy()
        feed = {"input": np.hstack([contexts, frames]), "h": self._h, "c": self._c}
        output, self._h, self._c = self._network.run(None, feed)  # type: ignore[attr-defined]
        return np.asarray(output, np.float32).reshape(-1)


class SpeechSegmentFinder:
    """Turns a stream of probabilities into speech segments, with hysteresis.

    Args:
        threshold: Probability at which speech begins. It ends below `threshold - 0.15`.
        min_speech_s: Segments that hold less speech than this, close neighbours included, are dropped.
    """

    def __init__(self, threshold: float, min_speech_s: float) -> None:
        self._on, self._off = threshold, max(threshold - 0.15, 0.01)
        self._min_samples = round(min_speech_s * 16_000)
        self._frame = 0
        self._open: list[float] = []
        self._silence = 0
        self._held: list[SpeechSegment] = []
        self._run_samples = 0
        self._run_end = 0

    @property
    def undecided_from(self) -> int:
        """First sample that a segment not yet returned may contain."""
        if self._held:
            return self._held[0].start
        return (self._frame - len(self._open)) * FRAME_SAMPLES

    def add(self, probabilities: NDArray[np.float32]) -> list[SpeechSegment]:
        """Return the segments that are now final, in order."""
        found: list[SpeechSegment] = []
        for probability in probabilities.tolist():
            found += self._step(probability)
        return found

    def finish(self) -> list[SpeechSegment]:
        """Return the last segments."""
        found = self._close(len(self._open) - self._silence) if self._open else []
        self._held = []
        return found

    def _step(self, probability: float) -> list[SpeechSegment]:
        self._frame += 1
        if not self._open:
            if self._frame * FRAME_SAMPLES - self._run_end > JOIN_SAMPLES + FRAME_SAMPLES:
                self._held, self._run_samples = [], 0
            if probability >= self._on:
                self._open = [probability]
            return []
        self._open.append(probability)
        self._silence = (
            self._silence + 1 if probability < self._off or (self._silence and probability < self._on) else 0
        )
        if self._silence >= MIN_SILENCE_FRAMES:
            return self._close(len(self._open) - self._silence)
        if len(self._open) >= MAX_SEGMENT_FRAMES:
            half = len(self._open) // 2
            return self._close(half + int(np.argmin(self._open[half:])), keep=True)
        return []

    def _close(self, length: int, *, keep: bool = False) -> list[SpeechSegment]:
        """End the open segment after `length` frames. With `keep`, the rest stays open."""
        start = (self._frame - len(self._open)) * FRAME_SAMPLES
        segment = SpeechSegment(start, start + length * FRAME_SAMPLES, float(np.mean(self._open[:length])))
        self._open = self._open[length:] if keep else []
        self._silence = min(self._silence, len(self._open))
        return self._count(segment)

    def _count(self, segment: SpeechSegment) -> list[SpeechSegment]:
        """Hold segments back until they and their close neighbours hold enough speech."""
        if segment.start - self._run_end > JOIN_SAMPLES:
            self._held, self._run_samples = [], 0
        self._run_end = segment.end
        self._run_samples += segment.end - segment.start
        self._held.append(segment)
        if self._run_samples < self._min_samples:
            return []
        found, self._held = self._held, []
        return found


class SpeechMeter:
    """Measures how much speech there is in an audio stream.

    Args:
        activity: A new stream of the detector.
        finder: New as well.
    """

    def __init__(self, activity: VoiceActivityStream, finder: SpeechSegmentFinder) -> None:
        self._activity = activity
        self._finder = finder
        self._samples = 0

    @property
    def speech_s(self) -> float:
        """Seconds of speech so far. Speech that has not ended yet does not count."""
        return self._samples / 16_000

    def add(self, samples: NDArray[np.float32]) -> None:
        """Add samples, (n,) float32, 16 kHz."""
        found = self._finder.add(self._activity.add(samples))
        self._samples += sum(segment.end - segment.start for segment in found)

    def finish(self) -> None:
        """Count the rest."""
        found = [*self._finder.add(self._activity.finish()), *self._finder.finish()]
        self._samples += sum(segment.end - segment.start for segment in found)


def _weights() -> Path:
    from faster_whisper.utils import get_assets_path

    found = sorted(Path(get_assets_path()).glob("silero_vad_v6*.onnx"))
    if not found:
        raise ModelError(
            f"no silero_vad_v6*.onnx in {get_assets_path()}. The voice activity network comes with faster-whisper 1.2; "
            "reinstall it with `pip install --force-reinstall 'faster-whisper>=1.2,<1.3'`"
        )
    return found[-1]


def _join(parts: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)
