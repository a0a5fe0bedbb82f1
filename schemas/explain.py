"""Why a moment matches a query: the contribution of each modality, each word and each part of the frame."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class WordWeight:
    """A word, and how much the similarity drops without it; negative if the similarity rises."""

    word: str
    weight: float


@dataclass(frozen=True, slots=True)
class TextReason:
    """Why speech or on-screen text is similar to the query."""

    kind: Literal["speech", "screen"]
    start_s: float
    end_s: float
    similarity: float
    """Cosine between the text's vector and the query's."""
    text_words: tuple[WordWeight, ...]
    """Words of the text, in order."""
    query_words: tuple[WordWeight, ...]
    """Words of the query, in order, weighted by what they add to the similarity with this text."""


@dataclass(frozen=True, slots=True, eq=False)
class FrameReason:
    """Why a keyframe is similar to the query."""

    frame_id: str
    time_s: float
    similarity: float
    """Cosine in the space that frames share with texts."""
    labels: tuple[tuple[str, float], ...]
    """Labels with their probabilities."""
    thumbnail: bytes
    """JPEG."""
    heat: NDArray[np.float32]
    """(rows, columns): how much the similarity drops when that part of the frame is covered."""


@dataclass(frozen=True, slots=True)
class ModalityShare:
    """A modality's contribution to the similarity of a scene: its weight times its cosine."""

    modality: Literal["text", "vision"]
    weight: float
    similarity: float

    @property
    def contribution(self) -> float:
        """Weight times similarity."""
        return self.weight * self.similarity


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """Why a moment of a video matches a query, or does not."""

    query: str
    video_id: str
    uri: str
    time_s: float
    scene: tuple[float, float]
    """Start and end of the scene around the moment, in seconds."""
    shares: tuple[ModalityShare, ...]
    texts: tuple[TextReason, ...]
    """Most similar first."""
    frame: FrameReason | None
    """None if the moment has no frame, or frames and texts cannot be compared."""
