"""The voices of one sound track: speech in as it is found, vectors kept, speakers named at the end."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.speakers.encoder import BATCH, WINDOW_SAMPLES
from pipeline.analysis.speakers.turns import VoiceWindows, name_speakers
from pipeline.models import SpeakerModel
from schemas.config import SpeakersConfig
from schemas.media import SAMPLE_RATE_HZ
from schemas.records import Transcript

HOP_SAMPLES = 16_000
"""Windows of long stretches begin about a second apart."""
MIN_SAMPLES = 6_400
"""Shorter stretches of speech tell nothing."""


class VoiceSession:
    """Takes stretches of speech. What is kept grows by one short vector a second of speech; sound is soon dropped.

    Args:
        model: Makes the vectors.
        config: Threshold and number of voices.
    """

    def __init__(self, model: SpeakerModel, config: SpeakersConfig) -> None:
        self._model = model
        self._config = config
        self._waiting: list[NDArray[np.float32]] = []
        self._spans: list[tuple[float, float]] = []
        self._vectors: list[NDArray[np.float16]] = []

    def add(self, start_s: float, sound: NDArray[np.float32]) -> None:
        """Take a stretch of unbroken speech; costs nothing until `encode`.

        Args:
            start_s: Where it begins in the video, not before the one before.
            sound: (n,) float32 in [-1, 1] at 16 kHz.
        """
        if len(sound) < MIN_SAMPLES:
            return
        count = 1 + max(0, -(-(len(sound) - WINDOW_SAMPLES) // HOP_SAMPLES))
        for offset in np.linspace(0, max(0, len(sound) - WINDOW_SAMPLES), count).astype(int).tolist():
            window = sound[offset : offset + WINDOW_SAMPLES]
            begun_s = start_s + offset / SAMPLE_RATE_HZ
            self._spans.append((begun_s, begun_s + len(window) / SAMPLE_RATE_HZ))
            # What is short is repeated, as the network was trained on a fixed length.
            self._waiting.append(np.resize(window, WINDOW_SAMPLES))

    def encode(self) -> None:
        """Make the vectors of what waits, in full batches; less than one waits on."""
        self._encode(len(self._waiting) // BATCH * BATCH)

    def windows(self) -> VoiceWindows:
        """Return all windows so far with their vectors."""
        self._encode(len(self._waiting))
        spans = np.array(self._spans).reshape(-1, 2)
        vectors = np.concatenate(self._vectors).astype(np.float32) if self._vectors else np.zeros((0, 1), np.float32)
        return VoiceWindows(spans[:, 0], spans[:, 1], vectors)

    def name(self, transcript: Transcript) -> Transcript:
        """Return the transcript with speakers; utterances in which the voice changes are cut there."""
        utterances = name_speakers(transcript.utterances, self.windows(), self._config)
        return replace(transcript, utterances=utterances)

    def _encode(self, count: int) -> None:
        if count:
            self._vectors.append(self._model.encode(self._waiting[:count]).astype(np.float16))
            del self._waiting[:count]
