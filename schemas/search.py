"""Filters and results of searches. Times are seconds from the start of the video, half-open."""

from dataclasses import dataclass
from typing import Literal

from schemas.entities import EntityKind

MomentKind = Literal["speech", "subtitle", "screen", "caption", "object", "frame", "sound"]
"""What a moment consists of: an utterance, a line of subtitles, on-screen text, a caption, the objects detected in
a keyframe, the frame itself, or a sound such as music."""

MOMENT_KINDS: tuple[MomentKind, ...] = ("speech", "subtitle", "screen", "caption", "object", "frame", "sound")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which moments may be found. A field that is not set admits all.

    Searches also accept a video's path or file name as its id, and languages, topics, speakers, objects, sounds and
    kinds in any case.
    """

    videos: tuple[str, ...] = ()
    """Ids of videos."""
    languages: tuple[str, ...] = ()
    """ISO 639-1 codes of the speech; of the video for moments without speech."""
    topics: tuple[str, ...] = ()
    """Topics of the scene or the video."""
    speakers: tuple[str, ...] = ()
    """Speakers, as in `utterances.speaker`."""
    objects: tuple[str, ...] = ()
    """Only moments whose keyframe shows all of these objects: labels such as `person`, or `person:3` for at least 3."""
    sounds: tuple[str, ...] = ()
    """Only moments during which one of these sounds is heard: labels such as `music`, for a second or half of it."""
    kinds: tuple[MomentKind, ...] = ()
    """Kinds of moments."""
    entities: tuple[str, ...] = ()
    """Names of people, places, organisations, dates or works that are said or written in the moment: in any of their
    spellings in the video, in their normal form, or by their Wikidata id."""
    entity_kinds: tuple[EntityKind, ...] = ()
    """Kinds of those names; without `entities`, any name of these kinds."""
    from_s: float | None = None
    """Only moments that end after this time, in seconds."""
    to_s: float | None = None
    """Only moments that start before this time, in seconds."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why one retriever found a moment."""

    kind: MomentKind
    retriever: Literal["lexical", "semantic", "visual", "scene"]
    """`lexical`: it contains words of the query; `semantic`: its text has a similar meaning; `visual`: its frame is
    similar; `scene`: nothing in it was found by itself, but it begins a scene that matches as a whole."""
    text: str
    """The sentence that matched, or the labels of the frame."""
    score: float
    """The retriever's score: BM25 for `lexical`, else cosine."""
    rank: int
    """Rank in the retriever's list, from 1."""
    spans: tuple[tuple[int, int], ...] = ()
    """Start and end in `text` of each word of the query, in characters, half-open."""
    source: str | None = None
    """Track or file of a subtitle."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A moment that a search found."""

    video_id: str
    uri: str
    headline: str
    start_s: float
    end_s: float
    text: str
    """Speech, on-screen text or caption: the line to show."""
    frame_id: str | None
    """Keyframe to show, with its thumbnail in `frames`; None for audio without video."""
    score: float
    """Fused score of all retrievers, comparable only within one search."""
    reasons: tuple[Reason, ...]
    """Best first."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Two videos that share footage."""

    video_id: str
    other_id: str
    uri: str
    other_uri: str
    overlap: float
    """Share of the first video's keyframes that the other one also shows, 0 to 1."""
    offset_s: float
    """Time in the other video minus time in the first, for the shared footage."""
