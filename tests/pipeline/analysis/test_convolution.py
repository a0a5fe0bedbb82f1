import pytest
import torch
from torch.nn import functional

from pipeline.analysis.convolution import same_conv2d


@pytest.mark.parametrize("size", [5, 8, 15])
@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("groups", [1, 4])
def test_the_padding_is_that_of_tensorflow(size: int, kernel: int, stride: int, groups: int):
    torch.manual_seed(size)
    features, weight = torch.randn(2, 4, size, size), torch.randn(8, 4 // groups, kernel, kernel)
    bias = torch.randn(8)
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    padded = functional.pad(features, (total // 2, total - total // 2) * 2)
    expected = functional.conv2d(padded, weight, bias, stride, groups=groups)
    for relu6 in (False, True):
        made = same_conv2d(features, weight, bias, stride=stride, groups=groups, relu6=relu6)
        torch.testing.assert_close(made, expected.clamp(0, 6) if relu6 else expected)
