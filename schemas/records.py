"""What the pipeline says about one video, as typed records. Times are seconds from the video's start, half-open."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from schemas.media import MediaInfo

Embedding = NDArray[np.float32]
"""(d,) float32 of unit length; all zeros where the modality is missing."""

Transition = Literal["start", "cut", "gradual", "slide"]


@dataclass(frozen=True, slots=True)
class Shot:
    """A run of frames from one camera take, or one slide."""

    index: int
    start_s: float
    end_s: float
    transition: Transition
    """How it begins: `start` for the first, a hard `cut`, a `gradual` change, or a `slide` (small static change)."""
    score: float
    """The detector's confidence in that transition, 0 to 1; 1.0 for the first shot."""


@dataclass(frozen=True, slots=True)
class Label:
    """A name and how sure the model is of it."""

    label: str
    score: float


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line of text read off a picture."""

    text: str
    box: tuple[float, float, float, float]
    """x0, y0, x1, y1 as fractions of width and height."""
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class KeyframeImage:
    """A chosen keyframe with its picture still in memory; becomes a `Keyframe` and is dropped."""

    time_s: float
    shot_index: int
    sharpness: float
    """Variance of the Laplacian of the grey picture scaled to 320 pixels wide; larger is sharper."""
    phash: int
    """64-bit perceptual hash (unsigned)."""
    image: NDArray[np.uint8]
    """(height, width, 3) RGB."""


@dataclass(frozen=True, slots=True, eq=False)
class Keyframe:
    """A kept keyframe; a row of `frames`."""

    index: int
    time_s: float
    shot_index: int
    sharpness: float
    phash: int
    width: int
    height: int
    thumbnail: bytes
    """JPEG."""
    labels: tuple[Label, ...]
    text_lines: tuple[TextLine, ...]
    caption: str
    caption_source: str
    embedding: Embedding
    text_embedding: Embedding | None = None
    """Of the text on screen, by the text encoder; None or zeros where there is none."""
    coordinated_embedding: Embedding | None = None
    """In the space that pictures share with texts; None or zeros where nothing was recognised."""


@dataclass(frozen=True, slots=True)
class Word:
    """A spoken word."""

    word: str
    start_s: float
    end_s: float
    probability: float


@dataclass(frozen=True, slots=True, eq=False)
class Utterance:
    """A segment of speech, as a sentence or clause; a row of `utterances`."""

    index: int
    start_s: float
    end_s: float
    text: str
    language: str
    """ISO 639-1, as Whisper names languages."""
    speaker: str | None
    words: tuple[Word, ...]
    avg_logprob: float
    no_speech_prob: float
    compression_ratio: float
    flags: tuple[str, ...]
    """Reasons to doubt the text, e.g. `low_logprob`, `repetitive`; empty where there are none."""
    embedding: Embedding | None = None
    """Set by the text step."""
    translation: str | None = None
    """In English, where it was asked for."""


@dataclass(frozen=True, slots=True, eq=False)
class Transcript:
    """The speech of a video."""

    language: str | None
    """None where nobody speaks."""
    language_probability: float
    speech_s: float
    """Seconds of speech that the voice activity detector found."""
    utterances: tuple[Utterance, ...]
    engine: str


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Shots that belong together, fused with what is said and shown in them; a row of `scenes`."""

    index: int
    start_s: float
    end_s: float
    shot_indices: tuple[int, ...]
    text: str
    caption: str
    topics: tuple[Label, ...]
    text_embedding: Embedding
    vision_embedding: Embedding
    fused_embedding: Embedding
    text_weight: float
    vision_weight: float
    keyphrases: tuple[Label, ...] = ()
    labels: tuple[Label, ...] = ()
    coordinated_embedding: Embedding | None = None
    """Of its pictures, in the space that they share with texts."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where in the video a statement rests."""

    kind: Literal["utterance", "frame"]
    id: str
    """`utterance_id` or `frame_id`."""
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class SummarySentence:
    """One sentence of the summary with what it rests on."""

    text: str
    score: float
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Chapter:
    """A titled stretch; chapters start at 0 and cover the video."""

    title: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Highlight:
    """A moment worth jumping to, and why."""

    start_s: float
    end_s: float
    reason: str
    score: float


@dataclass(frozen=True, slots=True)
class Summary:
    """What the video is about; a row of `summaries`."""

    headline: str
    sentences: tuple[SummarySentence, ...]
    chapters: tuple[Chapter, ...]
    highlights: tuple[Highlight, ...]
    keyframe_ids: tuple[str, ...]
    topics: tuple[Label, ...]
    keyphrases: tuple[Label, ...] = ()
    labels: tuple[Label, ...] = ()
    abstract: tuple[SummarySentence, ...] = ()
    """In a model's own words; empty unless a model was asked for."""
    abstract_source: str = ""
    """`model:<id>`; empty where there is no abstract."""
    abstract_dropped: int = 0
    """Sentences of the model that its evidence did not support."""


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """All that was found out about one video."""

    info: MediaInfo
    duration_s: float
    """Measured by the decoding pass."""
    frame_count: int
    corrupt_packets: int
    shots: tuple[Shot, ...]
    keyframes: tuple[Keyframe, ...]
    transcript: Transcript
    scenes: tuple[Scene, ...]
    summary: Summary
    text_model: str = ""
    """Id of the encoder that made the text vectors."""
    timings_s: dict[str, float] = field(default_factory=dict)
    """Seconds spent in each step, by name."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ArchiveItem:
    """A file found in the archive, before anyone looked inside."""

    uri: str
    size_bytes: int
    mtime_ns: int
    """0 where the store does not say."""


@dataclass(frozen=True, slots=True)
class VideoTask:
    """A video to analyse: one content, at least one place where it was found."""

    video_id: str
    uris: tuple[str, ...]
    size_bytes: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a video has no analysis; a row of `errors`."""

    stage: str
    kind: str
    message: str
    traceback: str
    attempts: int


def utterance_id(video_id: str, index: int) -> str:
    """Name an utterance across tables."""
    return f"{video_id}-u{index:05d}"


def frame_id(video_id: str, index: int) -> str:
    """Name a keyframe across tables."""
    return f"{video_id}-f{index:05d}"
