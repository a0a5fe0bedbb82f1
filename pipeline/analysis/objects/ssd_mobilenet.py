"""SSD (Liu et al. 2016) on MobileNetV2 (Sandler et al. 2018), trained on COCO: our own forward pass.

The weights are those of TensorFlow's `ssd_mobilenet_v2_coco_2018_03_29`, read from its frozen graph. The arithmetic is
the same, with batch normalisation folded into the convolutions.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pipeline.analysis.convolution import same_conv2d
from pipeline.analysis.objects.boxes import Boxes, kept
from pipeline.analysis.objects.frozen_graph import read_constants
from pipeline.analysis.vision import Image

_SIDE_PX = 300
_EPSILON = 1e-3
_CLASSES = 91
"""Outputs for each anchor: the background and COCO's classes 1 to 90, of which 80 are in use."""
_BLOCKS = ((1, 1), (6, 2), (6, 1), (6, 2), (6, 1), (6, 1), (6, 2), *[(6, 1)] * 6, (6, 2), *[(6, 1)] * 3)
"""Expansion and stride of each bottleneck."""
_TAPPED_BLOCK = 13
"""The expansion of this bottleneck is the first map in which objects are looked for."""
_EXTRA_DEPTHS = ((2, 256, 512), (3, 128, 256), (4, 128, 256), (5, 64, 128))
"""Number and depths of the layers that make the four smallest maps."""
_GRIDS = (19, 10, 5, 3, 2, 1)
"""Cells along each side of the six maps."""
_MIN_SCALE, _MAX_SCALE = 0.2, 0.95
_RATIOS = (1.0, 2.0, 0.5, 3.0, 1 / 3)
_CENTRE_SCALE, _SIZE_SCALE = 10.0, 5.0
"""How the network scales the offsets of boxes."""


class SsdMobileNet:
    """SSD-MobileNet-v2 with the 80 classes of COCO.

    Args:
        weights: The frozen graph.
        device: `cpu` or `cuda`.
        dtype: Data type of the convolutions.

    Raises:
        ValueError: The file does not hold this network.
        KeyError: It lacks a layer.
        OSError: It cannot be read.
    """

    def __init__(self, weights: Path, *, device: str, dtype: torch.dtype) -> None:
        constants = read_constants(weights, prefixes=("FeatureExtractor/", "BoxPredictor_"))
        network = _Network(constants).eval().to(device=device, dtype=dtype)
        self._network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._anchors = torch.from_numpy(anchors()).to(device)
        self._device, self._dtype = device, dtype

    def prepare(self, images: Sequence[Image]) -> Tensor:
        """Squeeze to 300 x 300 and scale to [-1, 1]; float32 (n, 3, 300, 300)."""
        pixels = np.stack([_squeeze(image) for image in images]).astype(np.float32)
        return torch.from_numpy(pixels * (2 / 255) - 1).permute(0, 3, 1, 2)  # channels last in memory

    def check(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """Return the scores of all classes, (n, 1917, 80), to check that they are finite."""
        scores: NDArray[np.float32] = self._run(images)[1].cpu().numpy()
        return scores

    def detect(self, images: Sequence[Image], min_score: float) -> list[Boxes]:
        """Return the objects of each image with at least this score, the best first."""
        return [self._boxes(*each, min_score) for each in zip(*self._run(images), strict=True)]

    @torch.inference_mode()
    def _run(self, images: Sequence[Image]) -> tuple[Tensor, Tensor]:
        """Return the offsets of boxes (n, 1917, 4) and the scores of classes (n, 1917, 80), float32."""
        pixels = self.prepare(images).to(device=self._device, dtype=self._dtype, memory_format=torch.channels_last)
        offsets, logits = self._network(pixels)
        return offsets.float(), logits.float().sigmoid()

    def _boxes(self, offsets: Tensor, scores: Tensor, min_score: float) -> Boxes:
        anchor, label = torch.nonzero(scores >= min_score, as_tuple=True)
        boxes = decode(offsets[anchor], self._anchors[anchor]).cpu().numpy()
        names = coco_labels()
        return kept(Boxes(boxes, scores[anchor, label].cpu().numpy(), tuple(names[index] for index in label.tolist())))


class _Network(nn.Module):
    """The convolutions. Each map yields offsets of boxes and scores of classes."""

    def __init__(self, constants: Mapping[str, NDArray[np.float32]]) -> None:
        super().__init__()
        root = "FeatureExtractor/MobilenetV2"
        self.stem = _Conv(constants, f"{root}/Conv", stride=2)
        self.blocks = nn.ModuleList(
            _Bottleneck(constants, f"{root}/expanded_conv{f'_{index}' if index else ''}", expansion, stride)
            for index, (expansion, stride) in enumerate(_BLOCKS)
        )
        self.top = _Conv(constants, f"{root}/Conv_1")
        self.extra = nn.ModuleList(
            nn.Sequential(
                _Conv(constants, f"{root}/layer_19_1_Conv2d_{number}_1x1_{narrow}"),
                _Conv(constants, f"{root}/layer_19_2_Conv2d_{number}_3x3_s2_{wide}_depthwise", stride=2),
                _Conv(constants, f"{root}/layer_19_2_Conv2d_{number}_3x3_s2_{wide}"),
            )
            for number, narrow, wide in _EXTRA_DEPTHS
        )
        self.boxes = nn.ModuleList(
            _Conv(constants, f"BoxPredictor_{index}/BoxEncodingPredictor", relu=False) for index in range(len(_GRIDS))
        )
        self.classes = nn.ModuleList(
            _Conv(_used_classes(constants, name), name, relu=False)
            for name in (f"BoxPredictor_{index}/ClassPredictor" for index in range(len(_GRIDS)))
        )

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        maps = []
        features = self.stem(pixels)
        for index, block in enumerate(self.blocks):
            expanded, features = block(features)
            if index == _TAPPED_BLOCK:
                maps.append(expanded)
        maps.append(self.top(features))
        for layer in self.extra:
            maps.append(layer(maps[-1]))
        offsets = [_rows(layer(each), 4) for layer, each in zip(self.boxes, maps, strict=True)]
        logits = [_rows(layer(each), len(coco_labels())) for layer, each in zip(self.classes, maps, strict=True)]
        return torch.cat(offsets, dim=1), torch.cat(logits, dim=1)


class _Bottleneck(nn.Module):
    def __init__(self, constants: Mapping[str, NDArray[np.float32]], name: str, expansion: int, stride: int) -> None:
        super().__init__()
        self.expand = _Conv(constants, f"{name}/expand") if expansion > 1 else nn.Identity()
        self.depthwise = _Conv(constants, f"{name}/depthwise", stride=stride)
        self.project = _Conv(constants, f"{name}/project", relu=False)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        expanded: Tensor = self.expand(features)
        made: Tensor = self.project(self.depthwise(expanded))
        return expanded, features + made if made.shape == features.shape else made


class _Conv(nn.Module):
    """A convolution with its batch norm folded, TensorFlow's padding, and ReLU6."""

    def __init__(
        self, constants: Mapping[str, NDArray[np.float32]], name: str, *, stride: int = 1, relu: bool = True
    ) -> None:
        super().__init__()
        depthwise = f"{name}/depthwise_weights" in constants
        weight = constants[f"{name}/{'depthwise_weights' if depthwise else 'weights'}"]
        # TensorFlow's (height, width, in, out); of a depthwise one, (height, width, channels, 1).
        weight = weight.transpose(2, 3, 0, 1) if depthwise else weight.transpose(3, 2, 0, 1)
        if f"{name}/biases" in constants:
            bias = constants[f"{name}/biases"]
        else:
            norm = {
                part: constants[f"{name}/BatchNorm/{part}"]
                for part in ("gamma", "beta", "moving_mean", "moving_variance")
            }
            scale = norm["gamma"] / np.sqrt(norm["moving_variance"] + _EPSILON)
            weight, bias = weight * scale[:, None, None, None], norm["beta"] - norm["moving_mean"] * scale
        self.weight = nn.Parameter(torch.from_numpy(np.ascontiguousarray(weight)), requires_grad=False)
        self.bias = nn.Parameter(torch.from_numpy(np.array(bias)), requires_grad=False)
        self._stride, self._relu = stride, relu
        self._groups = len(weight) if depthwise else 1

    def forward(self, features: Tensor) -> Tensor:
        return same_conv2d(features, self.weight, self.bias, stride=self._stride, groups=self._groups, relu6=self._relu)


def decode(offsets: Tensor, anchors: Tensor) -> Tensor:
    """Return boxes (n, 4) as x0, y0, x1, y1 in fractions of the image, not clipped.

    Args:
        offsets: (n, 4) as the network predicts them: y, x, height, width.
        anchors: (n, 4) as `anchors` returns them.
    """
    centre = offsets[:, :2] / _CENTRE_SCALE * anchors[:, 2:] + anchors[:, :2]
    half = (offsets[:, 2:] / _SIZE_SCALE).exp() * anchors[:, 2:] / 2
    return torch.cat([(centre - half).flip(1), (centre + half).flip(1)], dim=1)


@cache
def anchors() -> NDArray[np.float32]:
    """Return the boxes from which the network predicts offsets, (1917, 4): centre y, x, height, width."""
    count = len(_GRIDS)
    scales = [*np.linspace(_MIN_SCALE, _MAX_SCALE, count), 1.0]
    found = []
    for index, cells in enumerate(_GRIDS):
        shapes = [(scales[index], ratio) for ratio in _RATIOS]
        shapes.append((float(np.sqrt(scales[index] * scales[index + 1])), 1.0))
        if index == 0:
            shapes = [(0.1, 1.0), (scales[0], 2.0), (scales[0], 0.5)]
        sizes = [(scale / np.sqrt(ratio), scale * np.sqrt(ratio)) for scale, ratio in shapes]
        centres = (np.arange(cells) + 0.5) / cells
        y, x = np.meshgrid(centres, centres, indexing="ij")
        grid = np.stack([y, x], axis=-1).reshape(-1, 1, 2).repeat(len(sizes), axis=1)
        shaped = np.broadcast_to(np.array(sizes), (cells * cells, len(sizes), 2))
        found.append(np.concatenate([grid, shaped], axis=2).reshape(-1, 4))
    return np.concatenate(found).astype(np.float32)


@cache
def coco_labels() -> tuple[str, ...]:
    """Return the names of the 80 classes of COCO, in the order of the network's output."""
    return tuple(name for name in _numbered_labels() if name)


@cache
def _numbered_labels() -> tuple[str, ...]:
    """Return the names of COCO's classes 1 to 90; empty for those that are not in use."""
    text = files("pipeline.analysis.objects").joinpath("coco_labels.txt").read_text(encoding="utf-8")
    return tuple(text.split("\n")[: _CLASSES - 1])


def _used_classes(constants: Mapping[str, NDArray[np.float32]], name: str) -> dict[str, NDArray[np.float32]]:
    """Return a predictor of classes without the background and those not in use, which saves an eighth of its time."""
    used = np.array([False, *map(bool, _numbered_labels())])
    parts = {f"{name}/{part}": constants[f"{name}/{part}"] for part in ("weights", "biases")}
    return {
        key: values.reshape(*values.shape[:-1], -1, _CLASSES)[..., used].reshape(*values.shape[:-1], -1)
        for key, values in parts.items()
    }


def _rows(maps: Tensor, width: int) -> Tensor:
    """Turn (n, anchors x width, cells, cells) into (n, cells x cells x anchors, width)."""
    return maps.permute(0, 2, 3, 1).reshape(len(maps), -1, width)


def _squeeze(image: Image) -> Image:
    smaller = min(image.shape[:2]) >= _SIDE_PX
    squeezed: Image = cv2.resize(
        image, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    )
    return squeezed
