"""Kaldi's log-mel filterbank features, which several models of speech and sounds read."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from schemas.media import SAMPLE_RATE_HZ

FRAME_SAMPLES = 400
"""25 ms."""
HOP_SAMPLES = 160
"""10 ms."""
N_MELS = 80
_FFT = 512
_PREEMPHASIS = 0.97
_LOWEST_HZ = 20.0
_FULL_SCALE = 32_768.0
"""Kaldi scales samples to 16-bit integers."""


def filterbank(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return Kaldi's log-mel filterbank energies.

    Equals `kaldi_native_fbank` with a Povey window, no dither and 80 bands.

    Args:
        audio: (n, samples) float32 in [-1, 1] at 16 kHz, at least `FRAME_SAMPLES` long.

    Returns:
        (n, frames, 80) float32, one frame per `HOP_SAMPLES` whose window lies within the audio.
    """
    frames = np.lib.stride_tricks.sliding_window_view(audio * np.float32(_FULL_SCALE), FRAME_SAMPLES, axis=1)
    frames = frames[:, ::HOP_SAMPLES]
    frames = frames - frames.mean(axis=2, keepdims=True)
    before = np.concatenate([frames[..., :1], frames[..., :-1]], axis=2)
    spectrum = np.fft.rfft((frames - _PREEMPHASIS * before) * _window(), _FFT, axis=2)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    energies = np.log(np.maximum(power[..., : _FFT // 2] @ _mel_bands(), np.finfo(np.float32).eps))
    return np.asarray(energies, np.float32)


@cache
def _window() -> NDArray[np.float32]:
    """Return the Povey window: a Hann window, zero at its edges, to the power of 0.85."""
    return np.asarray(np.hanning(FRAME_SAMPLES) ** 0.85, np.float32)


@cache
def _mel_bands() -> NDArray[np.float32]:
    """Return the triangular bands on Kaldi's mel scale, (256, 80)."""
    edges = np.linspace(_mel(np.float64(_LOWEST_HZ)), _mel(np.float64(SAMPLE_RATE_HZ / 2)), N_MELS + 2)
    bins = _mel(np.arange(_FFT // 2, dtype=np.float64) * np.float64(SAMPLE_RATE_HZ / _FFT))[:, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return np.asarray(np.maximum(0.0, np.minimum(rising, falling)), np.float32)


def _mel(hertz: NDArray[np.float64] | np.float64) -> NDArray[np.float64]:
    return np.asarray(1127.0 * np.log1p(hertz / 700.0))
