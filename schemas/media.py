"""What comes out of a media file: its description, and the three kinds of item that a decoding pass yields."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 16_000
"""Sample rate of all audio in the pipeline: mono float32 in [-1, 1]."""

SMALL_HEIGHT, SMALL_WIDTH = 81, 144
"""Size of the small image made of every frame, squeezed to 16:9: three times TransNetV2's 27 x 48."""


@dataclass(frozen=True, slots=True)
class VideoStream:
    """A video stream. Width and height are those of the first frame as displayed: upright, with square pixels."""

    index: int
    codec: str
    width: int
    height: int
    fps: float
    """Frames per second: as the file states before decoding, measured afterwards. Never used to compute a time."""
    rotation: int
    """Clockwise rotation in degrees that makes the first frame upright: 0, 90, 180 or 270. A mirrored one is
    first mirrored sideways."""
    pixel_format: str
    fps_varies: bool = False
    """Whether the frames are not evenly spaced; known after decoding."""


@dataclass(frozen=True, slots=True)
class AudioStream:
    """An audio stream."""

    index: int
    codec: str
    channels: int
    sample_rate_hz: int
    language: str | None
    default: bool
    track: int = 0
    """Its number among the audio tracks, from 0, as in `media.audio_track`."""
    title: str | None = None
    secondary: bool = False
    """Whether it is stated to be a commentary, a description of the pictures, or to have no voices."""

    @property
    def name(self) -> str:
        """How messages name it, as in `1 (ger, "Commentary")`."""
        facts = ", ".join(filter(None, (self.language, self.title and f'"{self.title}"')))
        return f"{self.track} ({facts})" if facts else str(self.track)


TrackKind = Literal["video", "audio", "subtitle", "cover", "data", "attachment", "unknown"]
"""`cover`: a picture of an audio file, or thumbnails; `data`: such as timecode; `attachment`: such as a font."""


@dataclass(frozen=True, slots=True)
class Track:
    """A track of a file, analysed or not, as the file describes it."""

    index: int
    kind: TrackKind
    codec: str | None
    """As FFmpeg names codecs; None if it does not know the codec."""
    language: str | None
    """As the file states it, usually ISO 639-2; None if it does not."""
    channels: int | None
    """Audio channels; None for other tracks."""
    title: str | None
    default: bool
    """Whether players choose it by default."""


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """The result of probing a file."""

    uri: str
    size_bytes: int
    container: str
    duration_s: float
    """As the container states; 0.0 if it does not. The decoding pass measures the real duration."""
    video: VideoStream | None
    """The stream to analyse; None for an audio file, even if it has a cover image."""
    audio: AudioStream | None
    """The stream to analyse; None for a silent video."""
    audio_tracks: int
    has_attached_picture: bool
    tracks: tuple[Track, ...] = ()
    """All tracks, in the order of the file."""
    timecode: str | None = None
    """Timecode of the first frame, as `hh:mm:ss:ff` (`;` before the frames of drop-frame timecode)."""
    created_at: datetime | None = None
    """When the recording was made, as the file states it, in UTC."""
    encrypted_tracks: int = 0
    """Video and audio tracks that cannot be decoded without a key. They are not analysed."""
    partly_encrypted: bool = False
    """Whether single packets of the other tracks may be encrypted, too. They are skipped."""
    other_audio: tuple[AudioStream, ...] = ()
    """The streams to try if nobody speaks in `audio`, in this order."""
    warnings: tuple[str, ...] = ()

    @property
    def audio_streams(self) -> tuple[AudioStream, ...]:
        """`audio` and `other_audio`."""
        return (self.audio, *self.other_audio) if self.audio else ()


@dataclass(frozen=True, slots=True, eq=False)
class FrameBatch:
    """Small images of consecutive frames, none left out; for shot detection."""

    times_s: NDArray[np.float64]
    """(n,) presentation time of each frame, from the start of the video, strictly increasing over the whole pass."""
    small: NDArray[np.uint8]
    """(n, 81, 144, 3) RGB."""


@dataclass(frozen=True, slots=True, eq=False)
class SampledFrame:
    """A frame kept at model size: a keyframe candidate."""

    time_s: float
    image: NDArray[np.uint8]
    """(height, width, 3) RGB, upright, with a longer side of up to `media.max_side_px`."""


@dataclass(frozen=True, slots=True, eq=False)
class AudioBlock:
    """Consecutive audio samples."""

    start_s: float
    """Time of the first sample, from the start of the video. The decoder fills gaps in the stream with silence."""
    samples: NDArray[np.float32]
    """(n,) mono at `SAMPLE_RATE_HZ`."""
    stream: int = 0
    """Index of its stream."""
    lane: int = 0
    """0 for the mix of all channels. While channels are separated, each of them has its number. A lane other than 0 has
    no blocks where it is silent."""


DecodedItem = FrameBatch | SampledFrame | AudioBlock
