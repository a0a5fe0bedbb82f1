"""CAM++, a densely connected time delay network for speaker verification. Forward pass only.

Wang et al., CAM++: A Fast and Efficient Network for Speaker Verification Using Context-Aware Masking, Interspeech 2023
(https://arxiv.org/abs/2303.00332). Layers have the names of the published weights, with batch norms folded into them
(`pipeline.analysis.speakers.weights`). Channels come last, so that convolutions over single frames are matrix products.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn

WIDTH = 32
"""Channels of the two-dimensional head, and channels that each dense layer adds."""
BOTTLENECK = 128
BLOCKS = ((12, 1), (24, 2), (16, 2))
"""Layers and dilation of each dense block."""


class CamPlusPlus(nn.Module):
    """The network, from filterbank features to a speaker embedding.

    Args:
        n_mels: Bands of the features.
        dimensions: Length of the embedding.
    """

    def __init__(self, n_mels: int = 80, dimensions: int = 192) -> None:
        super().__init__()
        self.head = _Head()
        channels = BOTTLENECK
        layers: OrderedDict[str, nn.Module] = OrderedDict(tdnn=_Convolved(n_mels // 8, channels))
        for number, (depth, dilation) in enumerate(BLOCKS, 1):
            layers[f"block{number}"] = _DenseBlock(channels, depth, dilation)
            channels += depth * WIDTH
            layers[f"transit{number}"] = _Transit(channels, bias=number == len(BLOCKS))
            channels //= 2
        layers["out_nonlinear"] = nn.ReLU(inplace=True)
        layers["stats"] = _Statistics()
        layers["dense"] = nn.Sequential(OrderedDict(linear=nn.Linear(2 * channels, dimensions)))
        self.xvector = nn.Sequential(layers)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, features: Tensor) -> Tensor:
        """Encode features.

        Args:
            features: (n, frames, n_mels), at most 200 frames. Longer input would need several contexts, which this
                code does not compute.

        Returns:
            (n, dimensions), not of unit length.
        """
        vectors: Tensor = self.xvector(self.head(features))
        return vectors


class _Head(nn.Module):
    """Residual convolutions over time and frequency, (n, frames, mels) to (n, WIDTH, mels / 8, frames)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, WIDTH, 3, padding=1)
        self.layer1 = nn.Sequential(_Residual(stride=2), _Residual(stride=1))
        self.layer2 = nn.Sequential(_Residual(stride=2), _Residual(stride=1))
        self.conv2 = nn.Conv2d(WIDTH, WIDTH, 3, stride=(2, 1), padding=1)

    def forward(self, features: Tensor) -> Tensor:
        hidden = self.conv1(features.mT[:, None]).relu_()
        convolved: Tensor = self.conv2(self.layer2(self.layer1(hidden)))
        return convolved.relu_()


class _Residual(nn.Module):
    def __init__(self, *, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(WIDTH, WIDTH, 3, stride=(stride, 1), padding=1)
        self.conv2 = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        self.shortcut = nn.Sequential()
        if stride > 1:
            self.shortcut = nn.Sequential(nn.Conv2d(WIDTH, WIDTH, 1, stride=(stride, 1)))

    def forward(self, hidden: Tensor) -> Tensor:
        inner: Tensor = self.conv2(self.conv1(hidden).relu_())
        return inner.add_(self.shortcut(hidden)).relu_()


class _Convolved(nn.Module):
    """A convolution over all bands and five frames, (n, WIDTH, bands, frames) to (n, frames / 2, outputs)."""

    def __init__(self, bands: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Conv2d(WIDTH, outputs, (bands, 5), stride=(1, 2), padding=(0, 2))

    def forward(self, hidden: Tensor) -> Tensor:
        return _frames_first(self.linear(hidden)).relu_()


class _DenseBlock(nn.ModuleDict):
    """Layers that each read the output of all previous ones, (n, frames, c) to (n, frames, c + depth * WIDTH)."""

    def __init__(self, channels: int, depth: int, dilation: int) -> None:
        layers = {f"tdnnd{n + 1}": _DenseLayer(channels + n * WIDTH, dilation) for n in range(depth)}
        super().__init__(layers)

    def forward(self, hidden: Tensor) -> Tensor:
        n, frames, filled = hidden.shape
        grown = hidden.new_empty(n, frames, filled + len(self) * WIDTH)
        grown[..., :filled] = hidden
        for layer in self.values():
            grown[..., filled : filled + WIDTH] = layer(grown[..., :filled])
            filled += WIDTH
        return grown


class _DenseLayer(nn.Module):
    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.nonlinear1 = _ScaledReLU(channels)
        self.linear1 = nn.Linear(channels, BOTTLENECK)
        self.cam_layer = _ContextMask(dilation)

    def forward(self, hidden: Tensor) -> Tensor:
        masked: Tensor = self.cam_layer(self.linear1(self.nonlinear1(hidden)).relu_())
        return masked


class _ContextMask(nn.Module):
    """A convolution whose output is weighted by the mean of its context and of all frames."""

    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.linear_local = nn.Conv2d(
            BOTTLENECK, WIDTH, (1, 3), padding=(0, dilation), dilation=(1, dilation), bias=False
        )
        self.linear1 = nn.Linear(BOTTLENECK, BOTTLENECK // 2)
        self.linear2 = nn.Linear(BOTTLENECK // 2, WIDTH)

    def forward(self, hidden: Tensor) -> Tensor:
        # The context is a segment of 100 frames plus all frames. Here there are at most 100, half as many as features
        # have, so both means are the same.
        context = 2 * hidden.mean(dim=1, keepdim=True)
        mask = self.linear2(self.linear1(context).relu_()).sigmoid_()
        return _frames_first(self.linear_local(hidden.mT[:, :, None])).mul_(mask)


class _Transit(nn.Module):
    def __init__(self, channels: int, *, bias: bool) -> None:
        super().__init__()
        self.nonlinear = _ScaledReLU(channels)
        self.linear = nn.Linear(channels, channels // 2, bias=bias)

    def forward(self, hidden: Tensor) -> Tensor:
        halved: Tensor = self.linear(self.nonlinear(hidden))
        return halved


class _Statistics(nn.Module):
    """Mean and standard deviation over time, (n, frames, c) to (n, 2 c)."""

    def forward(self, hidden: Tensor) -> Tensor:
        mean = hidden.mean(dim=1)
        # torch.std_mean takes seven times as long when channels come last.
        variance = (hidden - mean[:, None]).square().sum(dim=1) / (hidden.shape[1] - 1)
        return torch.cat([mean, variance.sqrt()], dim=1)


class _ScaledReLU(nn.Module):
    """The scale and shift of a batch norm that follows no convolution, and a ReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, hidden: Tensor) -> Tensor:
        return torch.addcmul(self.bias, hidden, self.weight).relu_()


def _frames_first(maps: Tensor) -> Tensor:
    """Return (n, c, 1, frames) as (n, frames, c), without a copy if channels come last."""
    return maps[:, :, 0].mT
