"""Decoded pictures become RGB arrays: small ones for every frame, larger ones for the few that models see."""

from fractions import Fraction

import numpy as np
from av import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from pipeline.analysis.media.probing import display_size
from schemas.media import SMALL_HEIGHT, SMALL_WIDTH

Image = NDArray[np.uint8]


class PictureScaler:
    """Scales in FFmpeg, straight from the decoder's pixel format; transparency is ignored.

    Args:
        rotation: Clockwise turn in degrees that shows the pictures upright.
        sample_aspect_ratio: Width of a pixel to its height; None: square.
        max_side_px: Longer side of large pictures, at most.
        threads: Threads of the scaler.
    """

    def __init__(self, *, rotation: int, sample_aspect_ratio: Fraction | None, max_side_px: int, threads: int) -> None:
        self._quarter_turns = rotation // 90
        self._sample_aspect_ratio = sample_aspect_ratio
        self._max_side_px = max_side_px
        self._threads = threads
        # One each, since a reformatter keeps its tables only while sizes stay the same.
        self._to_small = VideoReformatter()
        self._to_large = VideoReformatter()

    def small(self, frame: VideoFrame) -> Image:
        """Return the whole picture squeezed to (81, 144, 3)."""
        height, width = self._before_turn(SMALL_HEIGHT, SMALL_WIDTH)
        return self._scaled(self._to_small, frame, width, height)

    def large(self, frame: VideoFrame) -> Image:
        """Return the picture with square pixels, within `max_side_px`."""
        width, height = display_size(frame.width, frame.height, self._sample_aspect_ratio)
        scale = min(1.0, self._max_side_px / max(width, height))
        return self._scaled(self._to_large, frame, max(1, round(width * scale)), max(1, round(height * scale)))

    def _before_turn(self, height: int, width: int) -> tuple[int, int]:
        return (width, height) if self._quarter_turns % 2 else (height, width)

    def _scaled(self, scaler: VideoReformatter, frame: VideoFrame, width: int, height: int) -> Image:
        scaled = scaler.reformat(
            frame, width=width, height=height, format="rgb24", interpolation=Interpolation.AREA, threads=self._threads
        )
        image = scaled.to_ndarray().astype(np.uint8, copy=False)
        return np.ascontiguousarray(np.rot90(image, -self._quarter_turns)) if self._quarter_turns else image
