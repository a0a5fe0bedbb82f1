"""Diarization of one audio track: collects speech segments and their vectors, and names the speakers at the end."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.speakers.encoder import BATCH, WINDOW_SAMPLES
from pipeline.analysis.speakers.turns import VoiceWindows, name_speakers, voices_of
from pipeline.models import SpeakerModel
from schemas.config import SpeakersConfig
from schemas.media import SAMPLE_RATE_HZ
from schemas.records import Transcript

HOP_SAMPLES = 16_000
"""Windows of a long segment start about this far apart: one second."""
MIN_SAMPLES = 6_400
"""Shorter segments, under 0.4 s, are ignored: they do not identify a voice."""


class VoiceSession:
    """Collects speech segments. It keeps one short vector per second of speech, and drops the audio.

    Args:
        model: Encodes the windows.
        config: Threshold and number of voices.
        model_id: Id of the model, which is kept beside the vectors of voices.
    """

    def __init__(self, model: SpeakerModel, config: SpeakersConfig, model_id: str = "") -> None:
        self._model, self._model_id = model, model_id
        self._config = config
        self._waiting: list[NDArray[np.float32]] = []
        self._spans: list[tuple[float, float]] = []
        self._vectors: list[NDArray[np.float16]] = []

    def add(self, start_s: float, audio: NDArray[np.float32]) -> None:
        """Add a speech segment. It is encoded later, by `encode`.

        Args:
            start_s: Its start in the video. Segments come in time order.
            audio: (n,) float32 in [-1, 1] at 16 kHz.
        """
        if len(audio) < MIN_SAMPLES:
            return
        count = 1 + max(0, -(-(len(audio) - WINDOW_SAMPLES) // HOP_SAMPLES))
        for offset in np.linspace(0, max(0, len(audio) - WINDOW_SAMPLES), count).astype(int).tolist():
            window = audio[offset : offset + WINDOW_SAMPLES]
            window_s = start_s + offset / SAMPLE_RATE_HZ
            self._spans.append((window_s, window_s + len(window) / SAMPLE_RATE_HZ))
            # A short window is repeated: the network was trained on a fixed length.
            self._waiting.append(np.resize(window, WINDOW_SAMPLES))

    def encode(self) -> None:
        """Encode waiting windows in full batches. The rest keeps waiting."""
        self._encode(len(self._waiting) // BATCH * BATCH)

    def windows(self) -> VoiceWindows:
        """Encode the rest, and return all windows so far with their vectors."""
        self._encode(len(self._waiting))
        spans = np.array(self._spans).reshape(-1, 2)
        vectors = np.concatenate(self._vectors).astype(np.float32) if self._vectors else np.zeros((0, 1), np.float32)
        return VoiceWindows(spans[:, 0], spans[:, 1], vectors)

    def name(self, transcript: Transcript) -> Transcript:
        """Return the transcript with speakers. Utterances are split where the voice changes."""
        windows = self.windows()
        utterances = name_speakers(transcript.utterances, windows, self._config)
        return replace(transcript, utterances=utterances, voices=voices_of(utterances, windows, self._model_id))

    def _encode(self, count: int) -> None:
        if count:
            self._vectors.append(self._model.encode(self._waiting[:count]).astype(np.float16))
            del self._waiting[:count]
