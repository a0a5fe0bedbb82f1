"""What a search asks for and what it finds. Times are seconds from the video's start, half-open."""

from dataclasses import dataclass
from typing import Literal

MomentKind = Literal["speech", "screen", "caption", "frame"]
"""What of a moment is searched: an utterance, the text on screen, a caption, or the picture itself."""

MOMENT_KINDS: tuple[MomentKind, ...] = ("speech", "screen", "caption", "frame")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which moments may be found; what is not set admits all.

    Search takes a video's path or file name for its id, and languages, topics, speakers and kinds in any case.
    """

    videos: tuple[str, ...] = ()
    """Ids of videos."""
    languages: tuple[str, ...] = ()
    """ISO 639-1, of what is said; of the video where nothing is."""
    topics: tuple[str, ...] = ()
    """Names of topics, of the scene or the video."""
    speakers: tuple[str, ...] = ()
    """Names of speakers, as in `utterances.speaker`."""
    kinds: tuple[MomentKind, ...] = ()
    """Kinds of moments."""
    from_s: float | None = None
    """Moments that end after this second of their video."""
    to_s: float | None = None
    """Moments that start before this second of their video."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a moment was found, by one of the ways of searching."""

    kind: MomentKind
    retriever: Literal["lexical", "semantic", "visual"]
    """`lexical`: it has words of the query; `semantic`: its text means something similar; `visual`: it looks alike."""
    text: str
    """The words that matched, in their sentence; or what the picture shows."""
    score: float
    """Of this way: BM25 for `words`, else cosine."""
    rank: int
    """Place in this way's own list, from 1."""
    spans: tuple[tuple[int, int], ...] = ()
    """Where in `text` the words of the query are: first character, and the one after the last."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A moment that answers a query."""

    video_id: str
    uri: str
    headline: str
    start_s: float
    end_s: float
    text: str
    """What is said or written there, or the caption: the line to show."""
    frame_id: str | None
    """Keyframe to show, whose thumbnail is in `frames`; None for sound alone."""
    score: float
    """Fused over all ways; comparable within one answer."""
    reasons: tuple[Reason, ...]
    """The strongest first."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Two videos that show the same, at least in part."""

    video_id: str
    other_id: str
    uri: str
    other_uri: str
    overlap: float
    """Share of the first one's keyframes that the other one has too, 0 to 1."""
    offset_s: float
    """Time in the other minus time in the first where they show the same."""
