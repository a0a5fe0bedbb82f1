"""Kaldi's log-mel filterbank features, which several models of speech and sounds read."""

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

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
    samples = torch.from_numpy(audio * np.float32(_FULL_SCALE))  # an array of its own, whatever the other one is
    # Each frame is centred and emphasised, in that order. As both are linear, all frames are emphasised at once; their
    # first sample, which has none before it, does not matter, because the window is zero there.
    emphasised = samples.clone()
    emphasised[:, 1:] -= _PREEMPHASIS * samples[:, :-1]
    means = samples.unfold(1, FRAME_SAMPLES, HOP_SAMPLES).mean(dim=2, keepdim=True)
    frames = emphasised.unfold(1, FRAME_SAMPLES, HOP_SAMPLES) - (1 - _PREEMPHASIS) * means
    spectrum = torch.fft.rfft(frames * _window(), _FFT)[..., : _FFT // 2]
    power = torch.view_as_real(spectrum).square().sum(dim=-1)
    energies = (power @ _mel_bands()).clamp_min_(float(np.finfo(np.float32).eps)).log_()
    return np.asarray(energies.numpy(), np.float32)


@cache
def _window() -> Tensor:
    """Return the Povey window: a Hann window, zero at its edges, to the power of 0.85."""
    return torch.from_numpy((np.hanning(FRAME_SAMPLES) ** 0.85).astype(np.float32))


@cache
def _mel_bands() -> Tensor:
    """Return the triangular bands on Kaldi's mel scale, (256, 80)."""
    edges = np.linspace(_mel(np.float64(_LOWEST_HZ)), _mel(np.float64(SAMPLE_RATE_HZ / 2)), N_MELS + 2)
    bins = _mel(np.arange(_FFT // 2, dtype=np.float64) * np.float64(SAMPLE_RATE_HZ / _FFT))[:, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return torch.from_numpy(np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32))


def _mel(hertz: NDArray[np.float64] | np.float64) -> NDArray[np.float64]:
    return np.asarray(1127.0 * np.log1p(hertz / 700.0))
