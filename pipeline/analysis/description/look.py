"""The look of frames: black and white, dark, colour bars, drawn; measured on thumbnails."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from schemas.records import Keyframe

_SIZE = (80, 45)
"""Width and height to which thumbnails are reduced."""
_BLACK = 16.0
_DARK = 45.0
"""Maximum mean brightness of a dark frame; a frame whose brightest parts are below `_BLACK` is black."""
_MAX_CHROMA = 6.0
"""Maximum mean distance from grey, of 255, of a frame in black and white."""
_MOST = 0.75
"""Share of the frames that must look alike."""
_FLAT_STEP, _FLAT_SHARE = 4.0, 0.6
_TWO_COLOURS, _FOUR_COLOURS = 0.5, 0.7
"""A drawn frame has even areas, and two and four colours cover these shares of it."""
_BARS = 5
"""Minimum number of saturated colours of colour bars, of seven; the other bar is white or grey."""


@dataclass(frozen=True, slots=True)
class Look:
    """How one frame looks."""

    black: bool
    dark: bool
    grey: bool
    """In black and white. A black frame is not."""
    drawn: bool
    """Even areas of few colours, as on slides and title cards."""
    colour_bars: bool
    """A test pattern."""


def look_of(frame: Keyframe) -> Look | None:
    """Return how a frame looks; None if its thumbnail cannot be read."""
    return _look(frame.thumbnail)


def common_look(frames: Sequence[Keyframe]) -> Look:
    """Return what most of the frames have in common; black frames count only if all are black."""
    looks = [look for look in map(look_of, frames) if look is not None]
    shown = [look for look in looks if not look.black]
    if not shown:
        return Look(bool(looks), False, False, False, False)

    def most(values: list[bool]) -> bool:
        return sum(values) >= _MOST * len(values)

    return Look(
        black=False,
        dark=most([look.dark for look in shown]),
        grey=most([look.grey for look in shown]),
        drawn=most([look.drawn for look in shown]),
        colour_bars=most([look.colour_bars for look in shown]),
    )


@lru_cache(maxsize=1024)
def _look(thumbnail: bytes) -> Look | None:
    if not thumbnail:
        return None
    # At a quarter of its size a JPEG decodes several times faster.
    image = cv2.imdecode(np.frombuffer(thumbnail, np.uint8), cv2.IMREAD_REDUCED_COLOR_4)
    if image is None:
        return None
    small = cv2.resize(image, _SIZE, interpolation=cv2.INTER_AREA).astype(np.float32)
    grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
    blue, green, red = cv2.split(small)
    chroma = cv2.max(cv2.max(blue, green), red) - cv2.min(cv2.min(blue, green), red)
    black = float(cv2.blur(grey, (5, 5)).max()) < _BLACK
    return Look(
        black=black,
        dark=not black and float(grey.mean()) < _DARK,
        grey=not black and float(chroma.mean()) < _MAX_CHROMA,
        drawn=_is_drawn(small, grey),
        colour_bars=_has_colour_bars(small),
    )


def _is_drawn(image: NDArray[np.float32], grey: NDArray[np.float32]) -> bool:
    steps = np.maximum(np.abs(np.diff(grey, axis=0))[:, :-1], np.abs(np.diff(grey, axis=1))[:-1])
    coarse = (image // 32).astype(np.int32) @ np.array([64, 8, 1])
    shares = np.sort(np.bincount(coarse.ravel()))[::-1] / coarse.size
    few = shares[:2].sum() >= _TWO_COLOURS and shares[:4].sum() >= _FOUR_COLOURS
    return bool(few and (steps < _FLAT_STEP).mean() >= _FLAT_SHARE)


def _has_colour_bars(image: NDArray[np.float32]) -> bool:
    """Tell whether upright bars of the pure colours fill the upper part of a frame."""
    band = image[4 : image.shape[0] // 3]
    columns = band.mean(axis=0)
    if float((band.std(axis=0).max(axis=1) < 14).mean()) < 0.75:
        return False
    high, low = columns.max(axis=1), columns.min(axis=1)
    pure = (high > 90) & (low < 0.35 * high)
    # A pure colour is told by which of blue, green and red are present.
    codes = (columns > 0.6 * high[:, None]).astype(int) @ np.array([1, 2, 4])
    present = {int(code) for code in set(codes[pure].tolist()) if (codes[pure] == code).sum() >= 4}
    return len(present) >= _BARS
