"""Draw frames of known content: text, moving shapes, gradients, noise, and pans over photographs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Picture = NDArray[np.uint8]
"""(height, width, 3) RGB."""

Colour = tuple[int, int, int]

INK: Colour = (23, 43, 67)
PAPER: Colour = (250, 247, 241)
SEA: Colour = (13, 59, 84)
FOAM: Colour = (228, 241, 240)
TEAL: Colour = (22, 138, 140)
CORAL: Colour = (238, 108, 77)
SAND: Colour = (240, 200, 120)
GREY: Colour = (120, 134, 148)


@lru_cache(maxsize=64)
def font(size_px: int) -> ImageFont.FreeTypeFont:
    """Return the typeface that comes with Pillow (Aileron)."""
    found = ImageFont.load_default(size_px)
    assert isinstance(found, ImageFont.FreeTypeFont), "Pillow was built without FreeType"  # noqa: S101
    return found


def gradient(width: int, height: int, top: Colour, bottom: Colour) -> Picture:
    """Return a vertical gradient from one colour to another, without visible bands."""
    share = np.linspace(0, 1, height, dtype=np.float32)[:, np.newaxis, np.newaxis]
    rows = np.array(top, np.float32) * (1 - share) + np.array(bottom, np.float32) * share
    dither = np.random.default_rng(0).random((height, width, 1), np.float32) - 0.5
    dithered: Picture = np.clip(np.rint(rows + dither), 0, 255).astype(np.uint8)
    return dithered


def noise(width: int, height: int, frames: int, *, seed: int = 0) -> Iterator[Picture]:
    """Yield frames of coarse coloured noise, which is hard to encode."""
    rng = np.random.default_rng(seed)
    for _ in range(frames):
        grain = rng.integers(0, 256, (height // 4, width // 4, 3), np.uint8)
        yield np.asarray(cv2.resize(grain, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)


def moving_shapes(width: int, height: int, frames: int, *, seed: int = 0, shapes: int = 6) -> Iterator[Picture]:
    """Yield frames of one continuous shot: coloured discs that drift over a gradient, in colours chosen by the seed."""
    rng = np.random.default_rng(seed)
    top, bottom = (tuple(int(value) for value in rng.integers(20, 236, 3)) for _ in range(2))
    base = gradient(width, height, (top[0], top[1], top[2]), (bottom[0], bottom[1], bottom[2]))
    place = rng.random((shapes, 2)) * (width, height)
    step = rng.uniform(-1, 1, (shapes, 2)) * (width, height) / 150
    radius = rng.uniform(0.06, 0.16, shapes) * height
    colours = rng.integers(0, 256, (shapes, 3))
    for number in range(frames):
        picture = base.copy()
        for index in range(shapes):
            x, y = np.mod(place[index] + number * step[index], (width, height))
            colour = tuple(int(value) for value in colours[index])
            cv2.circle(picture, (int(x), int(y)), int(radius[index]), colour, -1, cv2.LINE_AA)
        yield picture


def write_text(
    picture: Picture,
    text: str,
    at: tuple[int, int],
    size_px: int,
    colour: Colour = INK,
    *,
    bold: bool = False,
    anchor: str = "la",
) -> Picture:
    """Return the picture with text on it.

    Args:
        picture: uint8 [height, width, 3] RGB; not modified.
        text: May have several lines.
        at: x, y in pixels of the anchor.
        size_px: Height of the typeface.
        colour: RGB.
        bold: Thicken the strokes.
        anchor: The point of the text at `at`, as in Pillow: `la` is the top left, `mm` the middle.
    """
    canvas = Image.fromarray(picture)
    draw = ImageDraw.Draw(canvas)
    stroke = size_px // 26 if bold else 0
    draw.text(at, text, colour, font(size_px), anchor=anchor, spacing=size_px * 0.45, stroke_width=stroke)
    return np.asarray(canvas)


def label(picture: Picture, text: str, *, colour: Colour = CORAL) -> Picture:
    """Return the picture with a caption strip at the lower left, as on television."""
    height, width = picture.shape[:2]
    size = round(height * 0.075)
    length = round(font(size).getlength(text))
    left, top = round(width * 0.05), round(height * 0.82)
    marked = picture.copy()
    box = marked[top : top + round(size * 1.7), left : left + length + 2 * size]
    box[:] = (box * 0.15 + np.array(INK) * 0.85).astype(np.uint8)
    box[:, : max(4, size // 5)] = colour
    return write_text(marked, text, (left + size, top + round(size * 0.85)), size, (255, 255, 255), anchor="lm")


def read_photo(path: Path) -> Picture:
    """Read an image file as uint8 [height, width, 3] RGB."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


@dataclass(frozen=True, slots=True)
class View:
    """The part of a photograph that fills the screen."""

    x: float
    """Centre of the part, as a fraction of the photograph's width."""
    y: float
    """Centre of the part, as a fraction of the photograph's height."""
    zoom: float
    """1 shows as much as fits the shape of the screen; 2 shows half as much in each direction."""


def pan(photo: Picture, size: tuple[int, int], frames: int, start: View, end: View) -> Iterator[Picture]:
    """Yield frames of a pan over a photograph from one view to another.

    Args:
        photo: uint8 [height, width, 3] RGB.
        size: Width and height of the frames.
        frames: Number of frames.
        start: First view.
        end: Last view.
    """
    height, width = photo.shape[:2]
    fit = min(width / size[0], height / size[1])
    for number in range(frames):
        share = number / max(1, frames - 1)
        share = share * share * (3 - 2 * share)  # start and stop gently
        zoom = start.zoom + (end.zoom - start.zoom) * share
        scale = fit / zoom
        half = np.array(size) * scale / 2
        middle = np.array([start.x + (end.x - start.x) * share, start.y + (end.y - start.y) * share]) * (width, height)
        middle = np.clip(middle, half, np.array([width, height]) - half)
        matrix = np.array([[scale, 0, middle[0] - half[0]], [0, scale, middle[1] - half[1]]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        yield np.asarray(cv2.warpAffine(photo, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def dissolve(before: Sequence[Picture], after: Sequence[Picture]) -> Iterator[Picture]:
    """Yield the frames of a dissolve between two sequences of the same length."""
    for number, (old, new) in enumerate(zip(before, after, strict=True)):
        share = (number + 1) / (len(before) + 1)
        yield np.asarray(cv2.addWeighted(old, 1 - share, new, share, 0), np.uint8)
