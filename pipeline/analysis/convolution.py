"""Convolution with TensorFlow's "SAME" padding, as the MobileNets of both vision models need it."""

from torch import Tensor
from torch.nn import functional


def same_conv2d(features: Tensor, weight: Tensor, bias: Tensor, *, stride: int, groups: int, relu6: bool) -> Tensor:
    """Convolve square maps: as many cells as the stride gives, with an odd pixel of padding at the end.

    Nothing is copied that need not be. PyTorch pads both sides alike, so where the padding is odd the first window
    begins a stride too early, and its output is dropped.

    Args:
        features: (n, channels, side, side).
        weight: (out, channels / groups, kernel, kernel).
        bias: (out,).
        stride: Of the convolution.
        groups: Of the convolution.
        relu6: Whether to clamp the result to [0, 6].
    """
    side, size = weight.shape[-1], features.shape[-1]
    padding, odd = divmod(max((-(-size // stride) - 1) * stride + side - size, 0), 2)
    padding += odd * stride
    made = functional.conv2d(features, weight, bias, stride, padding, groups=groups)
    made = made[:, :, odd:, odd:]
    return functional.relu6(made, inplace=True) if relu6 else made
