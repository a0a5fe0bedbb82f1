"""Bring all frames of a clip to one size, pixel format and colour space: upright, scaled, with black bars."""

from fractions import Fraction
from typing import Any

from av import VideoFrame
from av.filter import Graph

from pipeline.analysis.media import (
    Orientation,
    PixelShape,
    complete_colours,
    filtered,
    graph_of,
    orientation_of,
)

_LIMITED_RANGE = 1
_BT709, _BT601 = 1, 6
_MAX_BITS = 8


class Framing:
    """Makes frames fit the first one, which decides what the clip looks like.

    Args:
        shape: Knows the pixel aspect ratio of the frames.
        first: The first frame.
        formats: Names of the encoder's pixel formats.
        square: Whether pixels must be square, because the codec states no other shape.
    """

    def __init__(self, shape: PixelShape, first: VideoFrame, formats: set[str], *, square: bool) -> None:
        self._shape = shape
        orientation = orientation_of(first)
        stored = shape.display_size(first) if square else (first.width, first.height)
        width, height = orientation.size(*stored)
        self.size = max(2, width - width % 2), max(2, height - height % 2)
        """Width and height of the clip; even, as encoders need."""
        self.aspect = Fraction(1) if square else _turned(shape.aspect(first), orientation)
        """Width of a pixel divided by its height."""
        self.format = _format(first, formats)
        """FFmpeg's name of the pixel format."""
        self.colours = _encoded_colours(first)
        """Matrix, primaries, transfer function and range, as FFmpeg numbers them."""
        self._kind: tuple[Any, ...] | None = None
        self._graph: Graph | None = None

    def fit(self, frame: VideoFrame) -> VideoFrame:
        """Return the frame as it is in the clip."""
        orientation, aspect, given = orientation_of(frame), self._shape.aspect(frame), _colours(frame)
        kind = (frame.width, frame.height, frame.format.name, orientation, aspect, given)
        if kind != self._kind:
            self._kind = kind
            self._graph = graph_of(frame, self._filters(frame, orientation, aspect, given))
        return filtered(self._graph, frame) if self._graph else frame

    def _filters(
        self, frame: VideoFrame, orientation: Orientation, aspect: Fraction, given: tuple[int, ...]
    ) -> list[tuple[str, str]]:
        upright = orientation.size(frame.width, frame.height)
        width, height = self._fitted(*upright, _turned(aspect, orientation))
        scaled = orientation.size(width, height)
        across, down = (self.size[0] - width) // 4 * 2, (self.size[1] - height) // 4 * 2
        return [
            ("scale", f"w={scaled[0]}:h={scaled[1]}:flags=bicubic:{_conversion(given, self.colours)}"),
            ("format", f"pix_fmts={self.format}"),
            *orientation.filters,
            *([("pad", f"{self.size[0]}:{self.size[1]}:{across}:{down}")] if (width, height) != self.size else []),
        ]

    def _fitted(self, width: int, height: int, aspect: Fraction) -> tuple[int, int]:
        """Return the largest size in the clip's pixels in which a frame keeps its shape."""
        wider: Fraction = Fraction(width, height) * aspect / (Fraction(*self.size) * self.aspect)
        fitted = self.size[0] * min(Fraction(1), wider), self.size[1] / max(Fraction(1), wider)
        # Only real bars: one pixel more or less comes from rounding.
        across, down = (
            whole if whole - part < 2 else max(2, round(part / 2) * 2)
            for whole, part in zip(self.size, fitted, strict=True)
        )
        return across, down


def _turned(aspect: Fraction, orientation: Orientation) -> Fraction:
    return 1 / aspect if orientation.transposed else aspect


def _format(frame: VideoFrame, formats: set[str]) -> str:
    if frame.format.name == "yuvj420p" and "yuvj420p" in formats:
        return "yuvj420p"
    deep = max(component.bits for component in frame.format.components) > _MAX_BITS
    return "yuv420p10le" if deep and "yuv420p10le" in formats else "yuv420p"


def _colours(frame: VideoFrame) -> tuple[int, int, int, int]:
    """Return matrix, primaries, transfer function and range of a frame."""
    complete_colours(frame, lambda _: None)
    return int(frame.colorspace), int(frame.color_primaries), int(frame.color_trc), int(frame.color_range)


def _encoded_colours(frame: VideoFrame) -> tuple[int, int, int, int]:
    """Return what a frame's colours are once it is YUV."""
    matrix, primaries, transfer, levels = _colours(frame)
    if frame.format.is_rgb or not matrix:
        return _BT709 if frame.height >= 720 else _BT601, primaries, transfer, _LIMITED_RANGE
    return matrix, primaries, transfer, levels


def _conversion(given: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    """Return the arguments of FFmpeg's scale filter."""
    options = {"in_color_matrix": given[0], "out_color_matrix": wanted[0], "in_range": given[3], "out_range": wanted[3]}
    if given[1:3] != wanted[1:3]:
        options |= {"in_primaries": given[1], "in_transfer": given[2]}
        options |= {"out_primaries": wanted[1], "out_transfer": wanted[2]}
    return ":".join(f"{name}={value}" for name, value in options.items())
