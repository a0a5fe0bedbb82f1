import math

import pytest
import torch
from torch.nn import functional

from pipeline.analysis.winograd import WinogradConvolution


@pytest.mark.parametrize(("height", "width"), [(27, 48), (13, 24), (6, 12), (4, 4), (1, 1), (5, 3)])
@pytest.mark.parametrize(("channels", "outputs"), [(64, 128), (3, 5), (1, 1)])
@pytest.mark.parametrize("count", [1, 3])
def test_the_result_is_that_of_a_convolution(height: int, width: int, channels: int, outputs: int, count: int):
    torch.manual_seed(height * channels)
    features, weight = torch.randn(count, height, width, channels), torch.randn(outputs, channels, 3, 3)
    expected = functional.conv2d(features.permute(0, 3, 1, 2).double(), weight.double(), padding=1).permute(0, 2, 3, 1)
    convolution = WinogradConvolution(weight)
    made = convolution(features).double()
    assert made.shape == expected.shape
    assert (made - expected).abs().max() <= 2e-5 * expected.abs().max()
    tiles = (height + 1) / 4 * math.ceil(width / 4)
    maps = convolution.maps_at_once(height, width)
    assert maps == 1 or maps * tiles <= channels
    assert (maps + 1) * tiles > channels


def test_the_layout_of_the_input_does_not_matter() -> None:
    convolution = WinogradConvolution(torch.randn(8, 5, 3, 3))
    features = torch.randn(2, 5, 9, 7).permute(0, 2, 3, 1)
    assert not features.is_contiguous()
    torch.testing.assert_close(convolution(features), convolution(features.contiguous()))
    last = features.contiguous().to(memory_format=torch.channels_last)
    torch.testing.assert_close(convolution(last), convolution(features.contiguous()))
