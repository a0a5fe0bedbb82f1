"""How a frame is meant to be seen: its orientation and the shape of its pixels, which may change within a file."""

import struct
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from av import VideoFrame
from av.filter import Graph
from numpy.typing import NDArray

from pipeline.analysis.media.filters import filtered, graph_of, side_data

_MAX_ASPECT = 100
_TO_SQUARE_PIXELS = (
    "scale",
    (
        f"w='if(between(sar,1,{_MAX_ASPECT}),round(iw*sar),iw)'"
        f":h='if(between(sar,1/{_MAX_ASPECT},1),round(ih/sar),ih)':eval=frame:flags=neighbor"
    ),
)
"""The filter that does the same as `display_size`."""


@dataclass(frozen=True, slots=True)
class Orientation:
    """One of the eight ways to show a stored frame: transposed or not, then flipped in either direction."""

    transposed: bool = False
    flipped_x: bool = False
    """Left and right change places, after transposing."""
    flipped_y: bool = False

    @property
    def mirrored(self) -> bool:
        """Whether the stored frame shows writing as a mirror does."""
        return self.transposed ^ self.flipped_x ^ self.flipped_y

    @property
    def rotation(self) -> int:
        """Clockwise rotation in degrees that makes the frame upright; a mirrored one is first mirrored sideways."""
        if self.transposed:
            return 90 if self.flipped_x else 270
        return 180 if self.flipped_y else 0

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Return the upright size of a stored size, or the stored size of an upright one."""
        return (height, width) if self.transposed else (width, height)

    def apply(self, image: NDArray[Any]) -> NDArray[Any]:
        """Return a stored image (height, width, channels) as it is meant to be seen."""
        image = image.swapaxes(0, 1) if self.transposed else image
        return np.ascontiguousarray(image[:: -1 if self.flipped_y else 1, :: -1 if self.flipped_x else 1])

    @property
    def filters(self) -> list[tuple[str, str]]:
        """FFmpeg filters that do the same, with their arguments."""
        chosen = {("transpose", "cclock_flip"): self.transposed, ("hflip", ""): self.flipped_x}
        return [each for each, used in {**chosen, ("vflip", ""): self.flipped_y}.items() if used]


_AS_STORED = Orientation()


def orientation_of(frame: VideoFrame) -> Orientation:
    """Return how a frame is meant to be seen. Any angle counts as the nearest multiple of 90 degrees."""
    matrix = side_data(frame, "DISPLAYMATRIX")
    return _AS_STORED if matrix is None else _orientation(matrix)


@lru_cache(maxsize=64)
def _orientation(matrix: bytes) -> Orientation:
    """Convert FFmpeg's display matrix: a stored point (x, y) is shown at (ax + cy, bx + dy)."""
    a, b, _, c, d = struct.unpack("=9i", matrix[:36])[:5]
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return Orientation(flipped_x=a < 0, flipped_y=d < 0)
    return Orientation(transposed=True, flipped_x=c < 0, flipped_y=b < 0)


class PixelShape:
    """Computes the size with square pixels of each frame of a video stream.

    Args:
        stream: A PyAV video stream, of which nothing has been decoded yet.
    """

    def __init__(self, stream: Any) -> None:  # noqa: ANN401 - a PyAV stream
        self._codec = stream.codec_context
        self._stated = self._codec.sample_aspect_ratio
        aspect = stream.sample_aspect_ratio
        # What a container states counts for all its frames.
        self._container = aspect if aspect != self._stated else None
        self._varies = False
        self._filter: Graph | None = None

    def display_size(self, frame: VideoFrame) -> tuple[int, int]:
        """Return width and height of a frame with square pixels, before its orientation is applied."""
        return display_size(frame.width, frame.height, self.aspect(frame))

    def aspect(self, frame: VideoFrame) -> Fraction:
        """Return the width of a frame's pixels divided by their height."""
        if self._container is not None:
            return _believable(self._container)
        current = self._codec.sample_aspect_ratio
        self._varies = self._varies or current != self._stated
        if not self._varies:
            return _believable(current)
        width, height = self._measured(frame)
        return Fraction(width * frame.height, height * frame.width)

    def _measured(self, frame: VideoFrame) -> tuple[int, int]:
        """Let a filter resize the frame: PyAV hides the aspect ratio of a frame, and the decoder's is frames ahead."""
        self._filter = self._filter or graph_of(frame, [_TO_SQUARE_PIXELS])
        shown = filtered(self._filter, frame)
        return shown.width, shown.height


def display_size(width: int, height: int, sample_aspect_ratio: Fraction | None) -> tuple[int, int]:
    """Return the size with square pixels: wide pixels make the frame wider, tall pixels make it taller."""
    aspect = _believable(sample_aspect_ratio)
    return (round(width * aspect), height) if aspect >= 1 else (width, round(height / aspect))


def _believable(aspect: Fraction | None) -> Fraction:
    return aspect if aspect and Fraction(1, _MAX_ASPECT) <= aspect <= _MAX_ASPECT else Fraction(1)
