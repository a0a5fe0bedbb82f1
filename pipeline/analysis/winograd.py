"""Convolutions of 3 x 3 pixels with a quarter of the multiplications, for processors without bfloat16.

Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, CVPR 2016 (https://arxiv.org/abs/1509.09308): F(4x4,
3x3). Tiles of 4 x 4 outputs are computed as products of 36 transformed inputs and weights. PyTorch's convolutions have
no such algorithm on a CPU.
"""

import torch
from torch import Tensor

_OUTPUTS, _INPUTS = 4, 6
"""Pixels along each side of a tile, and those that they depend on."""
_INPUT_TRANSFORM = (
    (4, 0, -5, 0, 1, 0),
    (0, -4, -4, 1, 1, 0),
    (0, 4, -4, -1, 1, 0),
    (0, -2, -1, 2, 1, 0),
    (0, 2, -1, -2, 1, 0),
    (0, 4, 0, -5, 0, 1),
)
_WEIGHT_TRANSFORM = (
    (1 / 4, 0, 0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0, 0, 1),
)
_OUTPUT_TRANSFORM = ((1, 1, 1, 1, 1, 0), (0, 1, -1, 2, -2, 0), (0, 1, 1, 4, 4, 0), (0, 1, -1, 8, -8, 1))


class WinogradConvolution:
    """A convolution of stride 1, with one pixel of padding on each side and no bias, in float32.

    Its results differ from those of `torch.nn.functional.conv2d` by about 1e-5 of the largest.

    Args:
        weight: (out, channels, 3, 3).
    """

    def __init__(self, weight: Tensor) -> None:
        outputs, channels = weight.shape[:2]
        flat = weight.float().reshape(outputs * channels, 9).T
        self._weight = (_kronecker_square(_WEIGHT_TRANSFORM) @ flat).reshape(-1, outputs, channels).mT.contiguous()
        self._input_transform = _kronecker_square(_INPUT_TRANSFORM)
        self._output_transform = _kronecker_square(_OUTPUT_TRANSFORM)

    def __call__(self, features: Tensor) -> Tensor:
        """Convolve maps.

        Args:
            features: (n, height, width, channels), in any layout, n at least 1.

        Returns:
            (n, height, width, out).
        """
        count, height, width, channels = features.shape
        # The maps are one below the other, with a row of padding between two of them, so that tiles can span both.
        stacked = count * (height + 1)
        rows, columns = -(-stacked // _OUTPUTS), -(-width // _OUTPUTS)
        padded = features.new_zeros(rows * _OUTPUTS + 2, columns * _OUTPUTS + 2, channels)
        padded[1 : stacked + 1].view(count, height + 1, -1, channels)[:, :height, 1 : width + 1] = features
        a_row, a_pixel, _ = padded.stride()
        tiles = padded.as_strided(
            (_INPUTS, _INPUTS, rows, columns, channels), (a_row, a_pixel, a_row * _OUTPUTS, a_pixel * _OUTPUTS, 1)
        )
        transformed = self._input_transform @ tiles.reshape(_INPUTS**2, -1)
        products = torch.bmm(transformed.reshape(_INPUTS**2, -1, channels), self._weight)
        outputs = (self._output_transform @ products.reshape(_INPUTS**2, -1)).reshape(
            _OUTPUTS, _OUTPUTS, rows, columns, -1
        )
        joined = outputs.permute(2, 0, 3, 1, 4).reshape(rows * _OUTPUTS, columns * _OUTPUTS, -1)
        return joined[:stacked].view(count, height + 1, columns * _OUTPUTS, -1)[:, :height, :width]

    def maps_at_once(self, height: int, width: int) -> int:
        """Return how many maps to convolve at once: enough that their tiles amortize reading the weights."""
        pixels = (height + 1) * -(-width // _OUTPUTS) * _OUTPUTS
        return max(1, self._weight.shape[1] * _OUTPUTS**2 // pixels)


def _kronecker_square(transform: tuple[tuple[float, ...], ...]) -> Tensor:
    """Return a transform of both rows and columns, for tiles whose pixels are in one dimension."""
    matrix = torch.tensor(transform, dtype=torch.float32)
    return torch.kron(matrix, matrix).contiguous()
