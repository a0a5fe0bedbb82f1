"""Convolutions of 3 x 3 pixels with a quarter of the multiplications, for processors without bfloat16.

Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, CVPR 2016 (https://arxiv.org/abs/1509.09308): F(4x4,
3x3). Tiles of 4 x 4 outputs are computed as products of 36 transformed inputs and weights. PyTorch's convolutions have
no such algorithm on processors with AVX2.
"""

import torch
from torch import Tensor
from torch.nn import functional

_OUTPUTS, _INPUTS = 4, 6
"""Pixels along each side of a tile, and those that they depend on."""
_OF_INPUT = (
    (4, 0, -5, 0, 1, 0),
    (0, -4, -4, 1, 1, 0),
    (0, 4, -4, -1, 1, 0),
    (0, -2, -1, 2, 1, 0),
    (0, 2, -1, -2, 1, 0),
    (0, 4, 0, -5, 0, 1),
)
_OF_WEIGHT = (
    (1 / 4, 0, 0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0, 0, 1),
)
_OF_OUTPUT = ((1, 1, 1, 1, 1, 0), (0, 1, -1, 2, -2, 0), (0, 1, 1, 4, 4, 0), (0, 1, -1, 8, -8, 1))


class WinogradConvolution:
    """A convolution of stride 1, with one pixel of padding on each side and no bias, in float32.

    Its results differ from those of `torch.nn.functional.conv2d` by about 1e-5 of the largest.

    Args:
        weight: (out, channels, 3, 3).
    """

    def __init__(self, weight: Tensor) -> None:
        outputs, channels = weight.shape[:2]
        flat = weight.float().reshape(outputs * channels, 9).T
        self._weight = (_twice(_OF_WEIGHT) @ flat).reshape(-1, outputs, channels).mT.contiguous()
        self._of_input, self._of_output = _twice(_OF_INPUT), _twice(_OF_OUTPUT)

    def __call__(self, features: Tensor) -> Tensor:
        """Convolve maps.

        Args:
            features: (n, height, width, channels), contiguous.

        Returns:
            (n, height, width, out).
        """
        count, height, width, channels = features.shape
        rows, columns = -(-height // _OUTPUTS), -(-width // _OUTPUTS)
        down, right = rows * _OUTPUTS - height + 1, columns * _OUTPUTS - width + 1
        padded = functional.pad(features, (0, 0, 1, right, 1, down))
        a_map, a_row, a_pixel, _ = padded.stride()
        tiles = padded.as_strided(
            (_INPUTS, _INPUTS, count, rows, columns, channels),
            (a_row, a_pixel, a_map, a_row * _OUTPUTS, a_pixel * _OUTPUTS, 1),
        )
        transformed = self._of_input @ tiles.reshape(_INPUTS**2, -1)
        products = torch.bmm(transformed.reshape(_INPUTS**2, -1, channels), self._weight)
        made = (self._of_output @ products.reshape(_INPUTS**2, -1)).reshape(
            _OUTPUTS, _OUTPUTS, count, rows, columns, -1
        )
        joined = made.permute(2, 3, 0, 4, 1, 5).reshape(count, rows * _OUTPUTS, columns * _OUTPUTS, -1)
        return joined[:, :height, :width]

    def maps_at_once(self, height: int, width: int) -> int:
        """Return how many maps to convolve at once: with as many tiles as channels, weights are read seldom enough."""
        tiles = -(-height // _OUTPUTS) * -(-width // _OUTPUTS)
        return max(1, self._weight.shape[1] // tiles)


def _twice(transform: tuple[tuple[float, ...], ...]) -> Tensor:
    """Return a transform of both rows and columns, for tiles whose pixels are in one dimension."""
    matrix = torch.tensor(transform, dtype=torch.float32)
    return torch.kron(matrix, matrix).contiguous()
