"""Turn decoded frames into RGB arrays: a small image of every frame, a large one of the few that models see."""

from collections.abc import Callable

import numpy as np
from av import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter

from pipeline.analysis.media.colour import Gamut, Image, complete_colours
from pipeline.analysis.media.geometry import Orientation, PixelShape, orientation_of
from schemas.media import SMALL_HEIGHT, SMALL_WIDTH


class FrameScaler:
    """Scales with FFmpeg, straight from the decoder's pixel format, and shows each frame the way people see it.

    Ignores transparency.

    Args:
        shape: Knows the pixel aspect ratio of the frames.
        max_side_px: Maximum length of the longer side of large images.
        threads: Scaler threads.
        warn: Called if colours can only be approximated.
    """

    def __init__(self, shape: PixelShape, *, max_side_px: int, threads: int, warn: Callable[[str], None]) -> None:
        self._shape = shape
        self._max_side_px = max_side_px
        self._threads = threads
        self._warn = warn
        # One per size, because a reformatter rebuilds its tables whenever the size changes.
        self._to_small = VideoReformatter()
        self._to_large = VideoReformatter()

    def small(self, frame: VideoFrame) -> Image:
        """Return the whole frame squeezed to uint8 (81, 144, 3)."""
        orientation = orientation_of(frame)
        return self._image(self._to_small, frame, orientation, *orientation.size(SMALL_WIDTH, SMALL_HEIGHT))

    def large(self, frame: VideoFrame) -> Image:
        """Return the frame with square pixels, scaled down to `max_side_px`."""
        width, height = self._shape.display_size(frame)
        scale = min(1.0, self._max_side_px / max(width, height))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        return self._image(self._to_large, frame, orientation_of(frame), *size)

    def _image(
        self, scaler: VideoReformatter, frame: VideoFrame, orientation: Orientation, width: int, height: int
    ) -> Image:
        complete_colours(frame, self._warn)
        gamut = Gamut.of(frame)
        scaled = scaler.reformat(
            frame,
            width=width,
            height=height,
            format="rgb48le" if gamut else "rgb24",
            interpolation=Interpolation.AREA,
            threads=self._threads,
        ).to_ndarray()
        image = gamut.to_bt709(scaled) if gamut else scaled.astype(np.uint8, copy=False)
        return orientation.apply(image)
