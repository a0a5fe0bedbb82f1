"""CAM++, a densely connected time delay network that hears who speaks: forward pass only.

Wang et al., CAM++: A Fast and Efficient Network for Speaker Verification Using Context-Aware Masking, Interspeech 2023
(https://arxiv.org/abs/2303.00332). Layers bear the names of the published weights.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTH = 32
"""Channels of the two-dimensional head, and what each dense layer adds."""
BOTTLENECK = 128
BLOCKS = ((12, 1), (24, 2), (16, 2))
"""Layers and dilation of each dense block."""
SEGMENT_FRAMES = 100
"""Frames whose mean is context to each of them."""


class CamPlusPlus(nn.Module):
    """The network, from filterbank features to a speaker's vector.

    Args:
        n_mels: Bands of the features.
        dimensions: Length of the vector.
    """

    def __init__(self, n_mels: int = 80, dimensions: int = 192) -> None:
        super().__init__()
        self.head = _Head()
        channels = BOTTLENECK
        layers: OrderedDict[str, nn.Module] = OrderedDict(tdnn=_Convolved(WIDTH * (n_mels // 8), channels))
        for number, (depth, dilation) in enumerate(BLOCKS, 1):
            layers[f"block{number}"] = _DenseBlock(channels, depth, dilation)
            channels += depth * WIDTH
            layers[f"transit{number}"] = _Transit(channels)
            channels //= 2
        layers["out_nonlinear"] = _nonlinear(channels)
        layers["stats"] = _Statistics()
        layers["dense"] = _Dense(2 * channels, dimensions)
        self.xvector = nn.Sequential(layers)

    def forward(self, features: Tensor) -> Tensor:
        """Encode (n, frames, n_mels) float32 features to (n, dimensions) vectors, not of unit length."""
        vectors: Tensor = self.xvector(self.head(features.transpose(1, 2)))
        return vectors[..., 0]


class _Head(nn.Module):
    """Residual convolutions over time and frequency, (n, mels, frames) to (n, 4 * mels, frames)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, WIDTH, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(WIDTH)
        self.layer1 = nn.Sequential(_Residual(stride=2), _Residual(stride=1))
        self.layer2 = nn.Sequential(_Residual(stride=2), _Residual(stride=1))
        self.conv2 = nn.Conv2d(WIDTH, WIDTH, 3, stride=(2, 1), padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(WIDTH)

    def forward(self, features: Tensor) -> Tensor:
        hidden = functional.relu(self.bn1(self.conv1(features[:, None])))
        hidden = functional.relu(self.bn2(self.conv2(self.layer2(self.layer1(hidden)))))
        return hidden.flatten(1, 2)


class _Residual(nn.Module):
    def __init__(self, *, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(WIDTH, WIDTH, 3, stride=(stride, 1), padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(WIDTH)
        self.conv2 = nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(WIDTH)
        self.shortcut = nn.Sequential()
        if stride > 1:
            convolution = nn.Conv2d(WIDTH, WIDTH, 1, stride=(stride, 1), bias=False)
            self.shortcut = nn.Sequential(convolution, nn.BatchNorm2d(WIDTH))

    def forward(self, hidden: Tensor) -> Tensor:
        inner = functional.relu(self.bn1(self.conv1(hidden)))
        return functional.relu(self.bn2(self.conv2(inner)) + self.shortcut(hidden))


class _Convolved(nn.Module):
    def __init__(self, channels: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Conv1d(channels, outputs, 5, stride=2, padding=2, bias=False)
        self.nonlinear = _nonlinear(outputs)

    def forward(self, hidden: Tensor) -> Tensor:
        activated: Tensor = self.nonlinear(self.linear(hidden))
        return activated


class _DenseBlock(nn.ModuleDict):
    """Layers that each see what all before them made."""

    def __init__(self, channels: int, depth: int, dilation: int) -> None:
        layers = {f"tdnnd{n + 1}": _DenseLayer(channels + n * WIDTH, dilation) for n in range(depth)}
        super().__init__(layers)

    def forward(self, hidden: Tensor) -> Tensor:
        for layer in self.values():
            hidden = torch.cat([hidden, layer(hidden)], dim=1)
        return hidden


class _DenseLayer(nn.Module):
    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.nonlinear1 = _nonlinear(channels)
        self.linear1 = nn.Conv1d(channels, BOTTLENECK, 1, bias=False)
        self.nonlinear2 = _nonlinear(BOTTLENECK)
        self.cam_layer = _ContextMask(dilation)

    def forward(self, hidden: Tensor) -> Tensor:
        masked: Tensor = self.cam_layer(self.nonlinear2(self.linear1(self.nonlinear1(hidden))))
        return masked


class _ContextMask(nn.Module):
    """A convolution whose output is weighed by the mean of its surroundings and of everything."""

    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.linear_local = nn.Conv1d(BOTTLENECK, WIDTH, 3, padding=dilation, dilation=dilation, bias=False)
        self.linear1 = nn.Conv1d(BOTTLENECK, BOTTLENECK // 2, 1)
        self.linear2 = nn.Conv1d(BOTTLENECK // 2, WIDTH, 1)

    def forward(self, hidden: Tensor) -> Tensor:
        frames = hidden.shape[-1]
        means = functional.avg_pool1d(hidden, SEGMENT_FRAMES, SEGMENT_FRAMES, ceil_mode=True)
        context = hidden.mean(-1, keepdim=True) + means
        mask = torch.sigmoid(self.linear2(functional.relu(self.linear1(context))))
        spread = mask.repeat_interleave(SEGMENT_FRAMES, dim=-1)[..., :frames]
        local: Tensor = self.linear_local(hidden)
        return local * spread


class _Transit(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.nonlinear = _nonlinear(channels)
        self.linear = nn.Conv1d(channels, channels // 2, 1, bias=False)

    def forward(self, hidden: Tensor) -> Tensor:
        halved: Tensor = self.linear(self.nonlinear(hidden))
        return halved


class _Statistics(nn.Module):
    """Mean and standard deviation over time, (n, c, frames) to (n, 2 c, 1)."""

    def forward(self, hidden: Tensor) -> Tensor:
        std, mean = torch.std_mean(hidden, dim=-1, keepdim=True)
        return torch.cat([mean, std], dim=1)


class _Dense(nn.Module):
    def __init__(self, channels: int, dimensions: int) -> None:
        super().__init__()
        self.linear = nn.Conv1d(channels, dimensions, 1, bias=False)
        self.nonlinear = nn.Sequential(OrderedDict(batchnorm=nn.BatchNorm1d(dimensions, affine=False)))

    def forward(self, hidden: Tensor) -> Tensor:
        vector: Tensor = self.nonlinear(self.linear(hidden))
        return vector


def _nonlinear(channels: int) -> nn.Sequential:
    return nn.Sequential(OrderedDict(batchnorm=nn.BatchNorm1d(channels), relu=nn.ReLU()))
