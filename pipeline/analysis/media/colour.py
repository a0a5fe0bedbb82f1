"""The colours of a frame: what a file does not state, and the conversion of HDR and wide gamuts to BT.709.

Numbers of matrices, primaries and transfer functions are those of ITU-T H.273, as in FFmpeg.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from av import VideoFrame
from numpy.typing import NDArray

Image = NDArray[np.uint8]

_BT709, _UNSPECIFIED, _BT601, _BT2020, _BT2020_CONSTANT = 1, 2, 6, 9, 10
_RESERVED = 3
_MATRICES = frozenset({0, _BT709, _UNSPECIFIED, 4, 5, _BT601, 7, _BT2020})
_MATRIX_OF_PRIMARIES = {_BT709: _BT709, 5: _BT601, 6: _BT601, _BT2020: _BT2020}
_PQ, _HLG = 16, 18
_HD_WIDTH, _HD_HEIGHT = 1280, 720

_TO_BT709 = {
    _BT2020: ((1.6605, -0.5876, -0.0728), (-0.1246, 1.1329, -0.0083), (-0.0182, -0.1006, 1.1187)),
    11: ((1.2249, -0.2247, 0.0), (-0.0420, 1.0419, 0.0), (-0.0197, -0.0786, 1.0979)),
    12: ((1.2249, -0.2247, 0.0), (-0.0420, 1.0419, 0.0), (-0.0197, -0.0786, 1.0979)),
}
"""Linear RGB of wider primaries to that of BT.709; 11 and 12 are both P3."""
_BT2020_LUMA = (0.2627, 0.6780, 0.0593)
_GAMMA = 2.4
"""Of a display (BT.1886)."""
_WHITE_NITS = 203.0
"""Brightness of a white page in HDR (BT.2408); the white of SDR."""
_HLG_NITS = 1000.0
_KNEE = 0.8
"""Brightness from which on highlights are compressed; below, HDR looks just like SDR."""
_LEVELS = 4096


def complete_colours(frame: VideoFrame, warn: Callable[[str], None]) -> None:
    """Fill in the colour properties that a frame does not state, as players do: untagged HD is BT.709, SD is BT.601.

    Args:
        frame: The frame to complete.
        warn: Called if the colours can only be approximated.
    """
    if frame.colorspace == _BT2020_CONSTANT:
        frame.colorspace = _BT2020
    elif frame.colorspace not in _MATRICES:
        if frame.colorspace != _RESERVED:
            warn(f"Colours are approximate: FFmpeg cannot convert colour matrix {frame.colorspace} (ITU-T H.273).")
        frame.colorspace = _UNSPECIFIED
    is_hdr = frame.color_trc in {_PQ, _HLG}
    if frame.color_primaries == _UNSPECIFIED and (is_hdr or frame.colorspace == _BT2020):
        frame.color_primaries = _BT2020
    if frame.colorspace == _UNSPECIFIED:
        is_hd = frame.width >= _HD_WIDTH or frame.height >= _HD_HEIGHT
        frame.colorspace = _MATRIX_OF_PRIMARIES.get(frame.color_primaries, _BT709 if is_hd else _BT601)


@dataclass(frozen=True, slots=True)
class Gamut:
    """The colours of RGB images that are not BT.709: their primaries and transfer function."""

    primaries: int
    transfer: int

    @classmethod
    def of(cls, frame: VideoFrame) -> "Gamut | None":
        """Return the gamut of a completed frame, or None if it can be shown as it is."""
        primaries, transfer = frame.color_primaries, frame.color_trc
        return cls(primaries, transfer) if primaries in _TO_BT709 or transfer in {_PQ, _HLG} else None

    def to_bt709(self, image: NDArray[Any]) -> Image:
        """Convert an RGB image to 8-bit BT.709; compress highlights of HDR.

        Args:
            image: uint16 (height, width, 3).

        Returns:
            uint8 (height, width, 3).
        """
        light = _linear(self.transfer)[image // (2**16 // _LEVELS)]
        if self.transfer == _HLG:
            # A display adds a gamma of 1.2. BT.2100 takes it of the luminance, FFmpeg's encoders of each channel.
            luminance = light @ np.array(_BT2020_LUMA, np.float32)
            light = light * (_HLG_NITS / _WHITE_NITS * (light * luminance[..., None]) ** 0.1)
        if self.primaries in _TO_BT709:
            light = light @ np.array(_TO_BT709[self.primaries], np.float32).T
        if self.transfer in {_PQ, _HLG}:
            light = _tone_mapped(light)
        shown: Image = np.round(255 * np.clip(light, 0, 1) ** (1 / _GAMMA)).astype(np.uint8)
        return shown


def _tone_mapped(light: NDArray[np.float32]) -> NDArray[np.float32]:
    """Compress highlights smoothly into the range to 1; scale all channels alike, so that hues stay."""
    peak = np.maximum(light.max(axis=-1, keepdims=True), 1e-6)
    over = np.maximum(peak - _KNEE, 0) / (1 - _KNEE)
    return light * np.where(peak > _KNEE, (_KNEE + (1 - _KNEE) * over / (1 + over)) / peak, 1).astype(np.float32)


@cache
def _linear(transfer: int) -> NDArray[np.float32]:
    """Return the light of each of 4096 levels; 1.0 is the white of SDR, or the peak of HLG's scene."""
    level = np.arange(_LEVELS) / (_LEVELS - 1)
    if transfer == _PQ:  # SMPTE ST 2084
        root = level ** (1 / 78.84375)
        light = (
            10_000
            / _WHITE_NITS
            * (np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (1 / 0.1593017578125)
        )
    elif transfer == _HLG:  # ARIB STD-B67
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        light = np.where(level <= 0.5, level**2 / 3, (np.exp((level - c) / a) + b) / 12)
    else:
        light = level**_GAMMA
    return light.astype(np.float32)
