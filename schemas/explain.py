"""Why a moment answers a query: what each modality, word and part of the picture adds."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class WordWeight:
    """A word and how much of a similarity goes when it is taken away; negative where the similarity grows."""

    word: str
    weight: float


@dataclass(frozen=True, slots=True)
class TextReason:
    """Why a text that is said or written there is like the query."""

    kind: Literal["speech", "screen"]
    start_s: float
    end_s: float
    similarity: float
    """Cosine of the text's vector and the query's."""
    text_words: tuple[WordWeight, ...]
    """Words of the text, in order."""
    query_words: tuple[WordWeight, ...]
    """Words of the query, in order, as far as this text goes."""


@dataclass(frozen=True, slots=True, eq=False)
class PictureReason:
    """Why a keyframe is like the query."""

    frame_id: str
    time_s: float
    similarity: float
    """Cosine in the space that pictures share with texts."""
    labels: tuple[tuple[str, float], ...]
    """What the model sees, with probabilities."""
    thumbnail: bytes
    """JPEG."""
    heat: NDArray[np.float32]
    """(rows, columns): how much of the similarity goes when that part of the picture is covered."""


@dataclass(frozen=True, slots=True)
class ModalityShare:
    """What a modality adds to the similarity of a scene: its weight times its cosine."""

    modality: Literal["text", "vision"]
    weight: float
    similarity: float

    @property
    def contribution(self) -> float:
        """The product."""
        return self.weight * self.similarity


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """Why the moment of a video answers a query, or does not."""

    query: str
    video_id: str
    uri: str
    time_s: float
    scene: tuple[float, float]
    """Start and end of the scene that the moment is in."""
    shares: tuple[ModalityShare, ...]
    texts: tuple[TextReason, ...]
    """The most similar first."""
    picture: PictureReason | None
    """None where nothing is shown, or pictures and texts cannot be compared."""
