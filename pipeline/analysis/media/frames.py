"""Turn decoded frames into RGB arrays: a small image of every frame, a large one of the few that models see."""

from fractions import Fraction

import numpy as np
from av import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from pipeline.analysis.media.probing import display_size
from schemas.media import SMALL_HEIGHT, SMALL_WIDTH

Image = NDArray[np.uint8]


class FrameScaler:
    """Scales with FFmpeg, straight from the decoder's pixel format; ignores transparency.

    Args:
        rotation: Clockwise rotation in degrees that makes the frames upright.
        sample_aspect_ratio: Width of a pixel divided by its height; None for square pixels.
        max_side_px: Maximum length of the longer side of large images.
        threads: Scaler threads.
    """

    def __init__(self, *, rotation: int, sample_aspect_ratio: Fraction | None, max_side_px: int, threads: int) -> None:
        self._quarter_turns = rotation // 90
        self._sample_aspect_ratio = sample_aspect_ratio
        self._max_side_px = max_side_px
        self._threads = threads
        # One per size, because a reformatter rebuilds its tables whenever the size changes.
        self._to_small = VideoReformatter()
        self._to_large = VideoReformatter()

    def small(self, frame: VideoFrame) -> Image:
        """Return the whole frame squeezed to uint8 (81, 144, 3)."""
        height, width = self._before_rotation(SMALL_HEIGHT, SMALL_WIDTH)
        return self._scaled(self._to_small, frame, width, height)

    def large(self, frame: VideoFrame) -> Image:
        """Return the frame with square pixels, scaled down to `max_side_px`."""
        width, height = display_size(frame.width, frame.height, self._sample_aspect_ratio)
        scale = min(1.0, self._max_side_px / max(width, height))
        return self._scaled(self._to_large, frame, max(1, round(width * scale)), max(1, round(height * scale)))

    def _before_rotation(self, height: int, width: int) -> tuple[int, int]:
        return (width, height) if self._quarter_turns % 2 else (height, width)

    def _scaled(self, scaler: VideoReformatter, frame: VideoFrame, width: int, height: int) -> Image:
        scaled = scaler.reformat(
            frame, width=width, height=height, format="rgb24", interpolation=Interpolation.AREA, threads=self._threads
        )
        image = scaled.to_ndarray().astype(np.uint8, copy=False)
        return np.ascontiguousarray(np.rot90(image, -self._quarter_turns)) if self._quarter_turns else image
