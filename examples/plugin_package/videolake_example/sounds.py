"""A sound model: tells low from high tones."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_RATE_HZ = 16_000
_SPLIT_HZ = 1_000


class ToneClassifier:
    """Scores windows by where the energy of their spectrum is. Silence is neither low nor high.

    Args:
        device: `cpu` or `cuda`; arithmetic as small as this ignores it.
        threads: Threads it may use; likewise.
    """

    licence = "Apache-2.0"
    label_names = ("low tone", "high tone")
    window_s = 2.0

    def __init__(self, *, device: str, threads: int) -> None:
        del device, threads

    def score(self, windows: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return the share of energy below and above 1 kHz, (n, 2), for windows of 2 s at 16 kHz."""
        audio = np.stack(windows)
        energy = np.square(np.abs(np.fft.rfft(audio, axis=1)))
        high = np.fft.rfftfreq(audio.shape[1], 1 / _RATE_HZ) >= _SPLIT_HZ
        shares = np.stack([energy[:, ~high].sum(axis=1), energy[:, high].sum(axis=1)], axis=1)
        audible = np.square(audio).mean(axis=1, keepdims=True) > 1e-6
        return (audible * shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-9)).astype(np.float32)
