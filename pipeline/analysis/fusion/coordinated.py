"""Coordinated representations: each modality keeps its own encoder, and both can be compared in one space.

(Baltrušaitis, Ahuja and Morency, "Multimodal Machine Learning", 2019, name the family.) What the space is depends on
the vision model, and its id says it:

- A CLIP-like model brings its own text tower. The space is its own; the id is the vision model's.
- A classifier and the text encoder make one by ConSE. The id is `conse:<text id>+<vision id>`.
- Any other model has none. The id is `none`, and every vector is zeros.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.fusion.conse import PROMPT, centred, conse
from pipeline.analysis.text import TextEncoder
from pipeline.analysis.vision import FrameEncoder, FrameFeatures
from pipeline.models import cached_array
from schemas.tables import NO_ENCODER, Encoder

CONSE_PREFIX = "conse:"
_FORM = "1"
"""Of the label vectors in the cache; raised when their making changes."""


class CoordinatedSpace(Protocol):
    """A space that pictures share with texts: the greater the cosine, the better a text describes a picture."""

    @property
    def space(self) -> Encoder:
        """Id and dimensions, as the lake keeps them."""

    def of_pictures(self, features: FrameFeatures) -> NDArray[np.float32]:
        """Return (n, dimensions) of unit length for encoded frames; zeros where nothing was recognised."""

    def of_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (n, dimensions) of unit length for queries or captions; zeros for empty ones."""

    def of_known_texts(self, texts: Sequence[str], vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (n, dimensions) for what is said or written, whose vectors (n, t) by the text encoder are known."""


def coordinated_space(text: TextEncoder, vision: FrameEncoder) -> CoordinatedSpace:
    """Choose the space that two loaded encoders allow; nothing is computed yet."""
    if vision.reads_texts:
        return TowerSpace(vision)
    if vision.label_names:
        return ConseSpace(text, vision)
    return NoSpace()


def conse_id(text_id: str, vision_id: str) -> str:
    """Name the space that a text encoder and a classifier make."""
    return f"{CONSE_PREFIX}{text_id}+{vision_id}"


class ConseSpace:
    """The text encoder's space, in which pictures stand where their labels do: see `pipeline.analysis.fusion.conse`.

    The vectors of the label names are computed at the first use, and cached by digest.

    Args:
        text: Encodes label names and queries.
        vision: Gives the probabilities of labels.
    """

    def __init__(self, text: TextEncoder, vision: FrameEncoder) -> None:
        self._text, self._vision = text, vision

    @property
    def space(self) -> Encoder:
        """`conse:<text id>+<vision id>`, and the text encoder's dimensions."""
        return conse_id(self._text.info.id, self._vision.info.id), self._text.dimensions

    def of_pictures(self, features: FrameFeatures) -> NDArray[np.float32]:
        """Return (n, dimensions) of unit length, by the frames' probabilities alone; zeros for blank frames."""
        if features.probabilities is None:
            return np.zeros((len(features.embeddings), self._text.dimensions), dtype=np.float32)
        return conse(features.probabilities, self._label_vectors, self._background)

    def of_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (n, dimensions) of unit length for texts of a few words; zeros for empty ones."""
        prompts = [PROMPT.format(text.strip()) if text.strip() else "" for text in texts]
        return centred(self._text.encode(prompts), self._background)

    def of_known_texts(self, texts: Sequence[str], vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the vectors as they are: sentences share no mean as prompts do (docs/fusion.md)."""
        del texts
        return vectors

    @cached_property
    def _label_vectors(self) -> NDArray[np.float32]:
        prompts = [PROMPT.format(f"a {name}") for name in self._vision.label_names]
        key = (_FORM, self._text.recipe, *prompts)
        made = cached_array("conse", key, lambda: self._text.encode(prompts))
        return np.zeros((0, self._text.dimensions), dtype=np.float32) if made is None else made

    @cached_property
    def _background(self) -> NDArray[np.float32]:
        return np.asarray(self._label_vectors.mean(axis=0), dtype=np.float32)


class TowerSpace:
    """The space of CLIP (Radford et al. 2021), SigLIP (Zhai et al. 2023) and their like: trained for both.

    Args:
        vision: A frame encoder whose model has a text tower.
    """

    def __init__(self, vision: FrameEncoder) -> None:
        self._vision = vision

    @property
    def space(self) -> Encoder:
        """The vision model's id and dimensions."""
        return self._vision.info.id, self._vision.dimensions

    def of_pictures(self, features: FrameFeatures) -> NDArray[np.float32]:
        """Return the frames' own vectors."""
        return features.embeddings

    def of_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (n, dimensions) of unit length by the text tower, as they are; zeros for empty ones."""
        vectors = np.zeros((len(texts), self._vision.dimensions), dtype=np.float32)
        filled = [place for place, text in enumerate(texts) if text.strip()]
        encoded = self._vision.encode_texts([texts[place] for place in filled]) if filled else None
        if encoded is not None:
            vectors[filled] = encoded
        return vectors

    def of_known_texts(self, texts: Sequence[str], vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (n, dimensions) by the text tower, as long as the known vectors."""
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(self.of_texts(texts) * lengths, dtype=np.float32)


class NoSpace:
    """For vision models that neither read nor name: nothing can be compared."""

    space = NO_ENCODER

    def of_pictures(self, features: FrameFeatures) -> NDArray[np.float32]:
        """Return zeros (n, 1)."""
        return np.zeros((len(features.embeddings), self.space[1]), dtype=np.float32)

    def of_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return zeros (n, 1)."""
        return np.zeros((len(texts), self.space[1]), dtype=np.float32)

    def of_known_texts(self, texts: Sequence[str], vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return zeros (n, 1)."""
        del vectors
        return self.of_texts(texts)
