"""What flows out of a media file: what it says of itself, and the three things one decoding pass yields."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 16_000
"""Sample rate of all sound in the pipeline, mono float32 in [-1, 1]."""

SMALL_HEIGHT, SMALL_WIDTH = 81, 144
"""Size of the small picture made of every frame; three times TransNetV2's 27 x 48, squeezed to 16:9."""


@dataclass(frozen=True, slots=True)
class VideoStream:
    """One moving picture stream; width and height as shown, after rotation and pixel aspect."""

    index: int
    codec: str
    width: int
    height: int
    fps: float
    """Average frames a second; 0.0 where the container does not say. Never used to compute a time."""
    rotation: int
    """Clockwise turn in degrees that shows the picture upright: 0, 90, 180 or 270."""
    pixel_format: str


@dataclass(frozen=True, slots=True)
class AudioStream:
    """One sound stream."""

    index: int
    codec: str
    channels: int
    sample_rate_hz: int
    language: str | None
    default: bool


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What a probe found in a file."""

    uri: str
    size_bytes: int
    container: str
    duration_s: float
    """As the container says; 0.0 where it does not. The decoding pass measures the true one."""
    video: VideoStream | None
    """The stream that is analysed; None for sound alone, also where the only picture is an attached cover."""
    audio: AudioStream | None
    """The stream that is analysed; None for a silent film."""
    audio_tracks: int
    has_attached_picture: bool


@dataclass(frozen=True, slots=True, eq=False)
class FrameBatch:
    """Consecutive frames, every one, small; for shot detection."""

    times_s: NDArray[np.float64]
    """(n,) presentation time of each frame, from the start of the video, strictly increasing over the whole pass."""
    small: NDArray[np.uint8]
    """(n, 81, 144, 3) RGB."""


@dataclass(frozen=True, slots=True, eq=False)
class SampledFrame:
    """One frame kept at model size; a candidate for keyframe."""

    time_s: float
    image: NDArray[np.uint8]
    """(height, width, 3) RGB upright; the longer side at most `media.max_side_px`."""


@dataclass(frozen=True, slots=True, eq=False)
class AudioBlock:
    """Consecutive sound."""

    start_s: float
    """Time of the first sample from the start of the video. The decoder fills gaps in the stream with silence."""
    samples: NDArray[np.float32]
    """(n,) mono at `SAMPLE_RATE_HZ`."""


DecodedItem = FrameBatch | SampledFrame | AudioBlock
