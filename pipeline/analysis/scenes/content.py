"""What is known of a video and of its scenes before their subjects and fused vectors are found."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.analysis.scenes.spans import TextSpan
from schemas.records import Embedding, Entity, Keyframe, Label, Shot, Sound, Utterance


@dataclass(frozen=True, slots=True)
class Dimensions:
    """Number of dimensions of a video's vectors."""

    text: int
    vision: int
    coordinated: int


@dataclass(frozen=True, slots=True, eq=False)
class VideoContent:
    """What was seen and heard in a video, in order of time."""

    duration_s: float
    shots: Sequence[Shot]
    """They cover the images; empty for audio alone."""
    keyframes: Sequence[Keyframe]
    """With their vectors."""
    utterances: Sequence[Utterance]
    """With their vectors."""
    texts: Sequence[TextSpan]
    """Speech, then on-screen text; the vectors of doubtful speech are shorter."""
    sounds: Sequence[Sound] = ()
    """Music, singing and other classes of sound."""
    entities: Sequence[Entity] = ()
    """The names in it."""


@dataclass(frozen=True, slots=True, eq=False)
class SceneContent:
    """What was seen and heard in one scene."""

    start_s: float
    end_s: float
    shot_indices: tuple[int, ...]
    text: str
    caption: str
    labels: tuple[Label, ...]
    text_embedding: Embedding
    vision_embedding: Embedding
    coordinated_embedding: Embedding
