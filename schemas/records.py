"""Records of one video. Times are in seconds from its start; time ranges are half-open."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from schemas.entities import EntityKind
from schemas.media import MediaInfo
from schemas.stages import STAGES, Stage

Embedding = NDArray[np.float32]
"""(d,) float32 of unit length; all zeros if the modality is missing."""

Transition = Literal["start", "cut", "gradual", "slide"]


@dataclass(frozen=True, slots=True)
class Shot:
    """Frames of one camera take, or of one slide."""

    index: int
    start_s: float
    end_s: float
    transition: Transition
    """How it begins: `start` for the first, a hard `cut`, a `gradual` change, or a `slide` (small static change)."""
    score: float
    """The detector's confidence in that transition, 0 to 1; 1.0 for the first shot."""


@dataclass(frozen=True, slots=True)
class Label:
    """A name and its score."""

    label: str
    score: float


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line of text recognised in a frame."""

    text: str
    box: tuple[float, float, float, float]
    """x0, y0, x1, y1 as fractions of width and height."""
    score: float


@dataclass(frozen=True, slots=True)
class DetectedObject:
    """An object recognised in a frame."""

    label: str
    """Its class, such as `person`."""
    score: float
    box: tuple[float, float, float, float]
    """x0, y0, x1, y1 as fractions of width and height."""


@dataclass(frozen=True, slots=True, eq=False)
class KeyframeImage:
    """A keyframe with its image in memory, before it becomes a `Keyframe`."""

    time_s: float
    shot_index: int
    sharpness: float
    """Variance of the Laplacian of the grey image at a width of 320 pixels; larger is sharper."""
    phash: int
    """64-bit perceptual hash (unsigned)."""
    image: NDArray[np.uint8]
    """(height, width, 3) RGB."""


@dataclass(frozen=True, slots=True, eq=False)
class ClassScores:
    """The most probable classes of a frame, in the order of the model's classes."""

    indices: NDArray[np.int32]
    """(n,) of the model's classes."""
    probabilities: NDArray[np.float32]
    """(n,)"""


@dataclass(frozen=True, slots=True, eq=False)
class Keyframe:
    """A keyframe; a row of `frames`."""

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
    """Vector of the on-screen text, by the text encoder; None or zeros if there is none."""
    coordinated_embedding: Embedding | None = None
    """Vector in the space shared by images and texts; None or zeros if nothing was recognised."""
    classes: ClassScores | None = None
    """What puts the frame into a space shared with texts, for a vision model without a text tower. None for a model
    that has one, and in the rows of older versions."""
    objects: tuple[DetectedObject, ...] = ()
    """Best score first; none in slides and drawings."""


@dataclass(frozen=True, slots=True)
class Word:
    """A spoken word."""

    word: str
    start_s: float
    end_s: float
    probability: float


@dataclass(frozen=True, slots=True, eq=False)
class Utterance:
    """A sentence or clause of speech; a row of `utterances`."""

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
    """Reasons to doubt the text, e.g. `low_logprob`, `repetitive`."""
    embedding: Embedding | None = None
    """Set by the text step."""
    translation: str | None = None
    """In English, if requested."""
    auto_text: str | None = None
    """The recognised text, if somebody corrected it."""
    auto_words: tuple[Word, ...] | None = None
    """The recognised words, if somebody corrected the text."""
    auto_flags: tuple[str, ...] | None = None
    """Reasons to doubt the recognised text, if somebody corrected it."""
    auto_speaker: str | None = None
    """The automatic name, if somebody named the speaker; empty if it was unknown."""
    heard_text: str | None = None
    """The text as it was heard, if names in the automatic text were respelled as they are on screen."""
    heard_words: tuple[Word, ...] | None = None
    """The words as they were heard, if names were respelled."""
    sung: bool = False
    """Whether it is sung, as lyrics are."""


SILENCE_LABEL = "silence"
"""The label of silence. It is measured, not predicted, so all models have it."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A span with one kind of sound; a row of `sounds`. Spans of other kinds may overlap it."""

    index: int
    start_s: float
    end_s: float
    label: str
    """Such as `speech`, `music` or `singing`; `SILENCE_LABEL` for silence."""
    score: float
    """Mean score of the span, 0 to 1."""


@dataclass(frozen=True, slots=True)
class SubtitleFile:
    """A subtitle file beside a video."""

    uri: str
    name: str
    language: str | None
    """ISO 639-1, from the file name."""
    size_bytes: int
    mtime_ns: int
    """0 if the store does not provide it."""


@dataclass(frozen=True, slots=True, eq=False)
class Subtitle:
    """A line of subtitles that came with the video; a row of `subtitles`."""

    index: int
    start_s: float
    end_s: float
    text: str
    """Without markup; lines are separated by line breaks."""
    language: str | None
    """ISO 639-1; None if neither the track nor the file name states it."""
    source: str
    """`track 2`, with the title of the track if it has one, or the name of a subtitle file."""
    track: int | None
    """Index of the track; None for a subtitle file."""
    embedding: Embedding | None = None
    """Set by the text step."""


OccurrenceSource = Literal["speech", "screen", "subtitle"]


@dataclass(frozen=True, slots=True)
class Occurrence:
    """An occurrence of a name: where it is said or written."""

    source: OccurrenceSource
    id: str
    """`utterance_id`, `frame_id` or `subtitle_id`."""
    start_s: float
    """Of the name itself in speech whose words have times; else of the utterance, the line, or the keyframe."""
    end_s: float
    text: str
    """The name as it is said or written there."""


@dataclass(frozen=True, slots=True)
class Entity:
    """A person, place, organisation, date or work that a video names; a row of `entities`."""

    index: int
    text: str
    """The name in its fullest form."""
    kind: EntityKind
    normal: str
    """What is equal for the same name in other videos: lower case without article and title; a date in ISO 8601."""
    wikidata_id: str | None
    """From the user's gazetteer."""
    occurrences: tuple[Occurrence, ...]
    """In order of time."""
    doubtful: bool = False
    """Whether it may be misheard: it is only said, once, the recogniser is not sure of it, and nobody listed it."""


@dataclass(frozen=True, slots=True)
class LanguageShare:
    """A spoken language and its share of the speech."""

    language: str
    share: float
    """0 to 1; the shares of a video add up to 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Voice:
    """The voice of a speaker of a video."""

    speaker: str
    """The automatic name."""
    embedding: Embedding
    speech_s: float
    """Seconds of speech that the vector stands for."""
    model: str
    """Id of the model that made the vector."""


@dataclass(frozen=True, slots=True, eq=False)
class Transcript:
    """The speech of a video."""

    language: str | None
    """ISO 639-1; the one spoken longest. None if there is no speech."""
    language_probability: float
    """Mean probability of that language, where it is spoken."""
    speech_s: float
    """Seconds of speech found by the voice activity detector."""
    utterances: tuple[Utterance, ...]
    engine: str
    voices: tuple[Voice, ...] = ()
    """Of the speakers; empty if they were not distinguished."""

    @property
    def languages(self) -> tuple[LanguageShare, ...]:
        """All spoken languages, the one spoken longest first."""
        return language_shares(self.utterances)


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Shots that belong together, with their speech, on-screen text and frames; a row of `scenes`."""

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
    """Mean vector of its frames in the space shared by images and texts."""
    auto_topics: tuple[Label, ...] | None = None
    """The automatic topics, if somebody corrected them."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """An utterance or a frame that supports a statement."""

    kind: Literal["utterance", "frame"]
    id: str
    """`utterance_id` or `frame_id`."""
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class SummarySentence:
    """A sentence of the summary with its evidence."""

    text: str
    score: float
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Chapter:
    """A titled time range. Those of a summary start at 0 and cover the video; those of a file may have no title."""

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
    """In a model's own words; empty if no model is configured."""
    abstract_source: str = ""
    """`model:<id>`; empty if there is no abstract."""
    abstract_dropped: int = 0
    """Number of sentences left out because the evidence does not support them."""
    auto_headline: str | None = None
    """The automatic headline, if somebody corrected it."""
    auto_chapters: tuple[Chapter, ...] | None = None
    """The automatic chapters, if somebody corrected their titles."""
    auto_topics: tuple[Label, ...] | None = None
    """The automatic topics, if somebody corrected them."""


WarningPart = Literal["file", "images", "audio", "subtitles"]
"""What a warning is about. Only decoding the images, or the audio, again repeats warnings about them."""
WARNING_PARTS: tuple[WarningPart, ...] = ("file", "images", "audio", "subtitles")
"""The parts in the order of the warnings of a video."""


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """Everything that the analysis of one video found."""

    info: MediaInfo
    duration_s: float
    """Measured while decoding."""
    frame_count: int
    corrupt_packets: int
    shots: tuple[Shot, ...]
    keyframes: tuple[Keyframe, ...]
    transcript: Transcript
    scenes: tuple[Scene, ...]
    summary: Summary
    text_model: str = ""
    """Id of the text encoder."""
    timings_s: dict[str, float] = field(default_factory=dict)
    """Seconds spent in each step, by name; only those of the stages that were redone."""
    warnings: Mapping[str, WarningPart] = field(default_factory=dict)
    """What each warning is about, by its message."""
    file_chapters: tuple[Chapter, ...] = ()
    """Chapters that the file states, in order."""
    subtitle_files: tuple[SubtitleFile, ...] = ()
    """Subtitle files beside the video."""
    subtitles: tuple[Subtitle, ...] = ()
    """Subtitles that came with the video: those of a source in order of time, one source after another."""
    entities: tuple[Entity, ...] = ()
    """Names in speech, on-screen text and subtitles, in order of their first mention."""
    clock_jumps: int = 0
    """Jumps of the file's clock that were joined."""
    corrections_digest: str | None = None
    """The corrections that the texts and the summary were made with; None without any."""
    sounds: tuple[Sound, ...] = ()
    """What is heard, in order of time; empty without audio, or if `sounds.model` is `none`."""
    failed: Mapping[Stage, Exception] = field(default_factory=dict)
    """What stages raised. Their results are those of an earlier analysis, or missing."""


@dataclass(frozen=True, slots=True)
class ArchiveItem:
    """A file found in the archive, before it is opened."""

    uri: str
    size_bytes: int
    mtime_ns: int
    """0 if the store does not provide it."""
    target: str | None = None
    """Location of the file itself, if `uri` leads to it through a symbolic link."""
    etag: str | None = None
    """Version of the file as its store states it, without quotes; weak ones start with `W/`."""


@dataclass(frozen=True, slots=True)
class LocationChanges:
    """What became of the known locations of an archive."""

    moved: int = 0
    """Videos that are gone from a location, and were found at a new one."""
    missing: int = 0
    """Videos that are gone from their last location."""
    returned: int = 0
    """Files that were missing, and are back with the same content."""
    replaced: int = 0
    """Files that have other content than before."""

    def __add__(self, other: "LocationChanges") -> "LocationChanges":
        """Return the sum of two counts."""
        return LocationChanges(
            self.moved + other.moved,
            self.missing + other.missing,
            self.returned + other.returned,
            self.replaced + other.replaced,
        )


NO_CHANGES = LocationChanges()


@dataclass(frozen=True, slots=True)
class VideoTask:
    """A video to analyse: one content at one or more locations."""

    video_id: str
    uris: tuple[str, ...]
    size_bytes: int
    mtime_ns: int
    stages: tuple[Stage, ...] = STAGES
    """The stages to redo, in order. Whoever redoes a stage also redoes those that read it."""
    before: str | None = None
    """Shard of the video's rows in the lake, which have the results of other stages, and of a stage that fails; None
    for a new video."""


@dataclass(frozen=True, slots=True)
class StageState:
    """What the results of one stage of a video were made with, or what kept it from having any."""

    name: Stage
    revision: str
    """Digest of the stage's settings, models and version, and of those of the stages that it reads."""
    error: str | None = None
    """Kind of error, if the last attempt failed: the stage has no results, or those of an earlier one."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a video has no analysis; a row of `errors`."""

    stage: str
    kind: str
    message: str
    traceback: str
    attempts: int


def language_shares(utterances: Sequence[Utterance]) -> tuple[LanguageShare, ...]:
    """Return the languages of utterances and their shares of the seconds, the largest first."""
    seconds: dict[str, float] = {}
    for each in utterances:
        seconds[each.language] = seconds.get(each.language, 0.0) + each.end_s - each.start_s
    total_s = sum(seconds.values())
    ranked = sorted(seconds.items(), key=lambda pair: -pair[1])
    return tuple(
        LanguageShare(language, each_s / total_s if total_s else 1 / len(ranked)) for language, each_s in ranked
    )


def utterance_id(video_id: str, index: int) -> str:
    """Return the id of an utterance, unique across videos."""
    return f"{video_id}-u{index:05d}"


def subtitle_id(video_id: str, index: int) -> str:
    """Return the id of a line of subtitles, unique across videos."""
    return f"{video_id}-s{index:05d}"


def sound_id(video_id: str, index: int) -> str:
    """Return the id of a sound, unique across videos."""
    return f"{video_id}-n{index:05d}"


def frame_id(video_id: str, index: int) -> str:
    """Return the id of a keyframe, unique across videos."""
    return f"{video_id}-f{index:05d}"
