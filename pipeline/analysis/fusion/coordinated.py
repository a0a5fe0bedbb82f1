"""Coordinated representations: each modality keeps its own encoder, and both can be compared in one space.

Baltrušaitis, Ahuja and Morency ("Multimodal Machine Learning", 2019) name this family. The vision model decides which
space it is, and the id of the space says so:

- A CLIP-like model has its own text tower, and so its own space. The id is the vision model's.
- A classifier and the text encoder give a space by ConSE. The id is `conse:<text id>+<vision id>`.
- Other models have no such space. The id is `none`, and every vector is zeros.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.fusion.conse import PROMPT, centred, conse, probabilities_of
from pipeline.models import ModelInfo, cached_array
from schemas.records import Keyframe
from schemas.tables import NO_ENCODER, Encoder

if TYPE_CHECKING:  # they import PyTorch
    from pipeline.analysis.text import TextEncoder
    from pipeline.analysis.vision import FrameEncoder, FrameFeatures

CONSE_PREFIX = "conse:"
_FRAMES_AT_ONCE = 256
_VERSION = "1"
"""Version of the label vectors in the cache. Raise it when their computation changes."""


class CoordinatedSpace(Protocol):
    """A space that images share with texts: the greater the cosine, the better a text describes an image."""

    reads_classes: bool
    """Whether it places keyframes by `Keyframe.classes`."""

    @property
    def space(self) -> Encoder:
        """Id and dimensions, as stored in the lake."""

    def of_keyframes(self, keyframes: Sequence[Keyframe]) -> NDArray[np.float32]:
        """Return (n, dimensions) of unit length for keyframes, from what the lake holds of them."""

    def of_images(self, features: "FrameFeatures") -> NDArray[np.float32]:
        """Return (n, dimensions) of unit length for encoded frames; zeros if nothing was recognised."""

    def of_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (n, dimensions) of unit length for queries or captions; zeros for empty ones."""

    def of_known_texts(self, texts: Sequence[str], vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (n, dimensions) for spoken or on-screen text whose text encoder vectors (n, t) are known."""


class Classifier(Protocol):
    """What is known of a vision model that predicts classes."""

    @property
    def info(self) -> ModelInfo:
        """The model."""

    @property
    def label_names(self) -> tuple[str, ...]:
        """Its classes, by index."""


def coordinated_space(text: "TextEncoder", vision: "FrameEncoder") -> CoordinatedSpace:
    """Return the space that two loaded encoders share. Nothing is computed yet."""
    if vision.reads_texts:
        return TowerSpace(vision)
    if vision.label_names:
        return ConseSpace(text, vision)
    return NoSpace()


def conse_id(text_id: str, vision_id: str) -> str:
    """Return the id of the space of a text encoder and a classifier."""
    return f"{CONSE_PREFIX}{text_id}+{vision_id}"


class ConseSpace:
    """The text encoder's space, with images placed at their labels; see `pipeline.analysis.fusion.conse`.

    The label vectors are computed at first use and cached by digest.

    Args:
        text: Encodes label names and queries.
        vision: Predicts label probabilities. Only its names are used.
    """

    reads_classes = True

    def __init__(self, text: "TextEncoder", vision: Classifier) -> None:
        self._text, self._vision = text, vision

    @property
    def space(self) -> Encoder:
        """`conse:<text id>+<vision id>`, and the text encoder's dimensions."""
        return conse_id(self._text.info.id, self._vision.info.id), self._text.dimensions

    def of_keyframes(self, keyframes: Sequence[Keyframe]) -> NDArray[np.float32]:
        """Return (n, dimensions) of unit length, from the frames' classes; zeros for blank frames."""
        vectors = np.zeros((len(keyframes), self._text.dimensions), dtype=np.float32)
        for start in range(0, len(keyframes), _FRAMES_AT_ONCE):
            classes = [frame.classes for frame in keyframes[start : start + _FRAMES_AT_ONCE]]
            probabilities = probabilities_of(classes, len(self._vision.label_names))
            vectors[start : start + len(classes)] = conse(probabilities, self._label_vectors, self._background)
        return vectors

    def of_images(self, features: "FrameFeatures") -> NDArray[np.float32]:
        """Return (n, dimensions) of unit length, from the frames' label probabilities; zeros for blank frames."""
        if features.probabilities is None:
            return np.zeros((len(features.embeddings), self._text.dimensions), dtype=np.float32)
        return conse(features.probabilities, self._label_vectors, self._background)

    def of_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (n, dimensions) of unit length for short texts; zeros for empty ones."""
        prompts = [PROMPT.format(text.strip()) if text.strip() else "" for text in texts]
        return self._text.by_language(texts, centred(self._text.encode(prompts), self._background))

    def of_known_texts(self, texts: Sequence[str], vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the vectors unchanged: unlike prompts, sentences have no common mean to subtract (docs/fusion.md)."""
        del texts
        return vectors

    @cached_property
    def _label_vectors(self) -> NDArray[np.float32]:
        prompts = [PROMPT.format(f"a {name}") for name in self._vision.label_names]
        key = (_VERSION, self._text.recipe, *prompts)
        vectors = cached_array("conse", key, lambda: self._text.encode(prompts))
        return np.zeros((0, self._text.dimensions), dtype=np.float32) if vectors is None else vectors

    @cached_property
    def _background(self) -> NDArray[np.float32]:
        return np.asarray(self._label_vectors.mean(axis=0), dtype=np.float32)


class TowerSpace:
    """The space of CLIP (Radford et al. 2021), SigLIP (Zhai et al. 2023) and similar models, trained for both.

    Args:
        vision: A frame encoder whose model has a text tower.
    """

    reads_classes = False

    def __init__(self, vision: "FrameEncoder") -> None:
        self._vision = vision

    @property
    def space(self) -> Encoder:
        """The vision model's id and dimensions."""
        return self._vision.info.id, self._vision.dimensions

    def of_keyframes(self, keyframes: Sequence[Keyframe]) -> NDArray[np.float32]:
        """Return the frames' own embeddings."""
        return np.stack([frame.embedding for frame in keyframes]) if keyframes else self.of_texts(())

    def of_images(self, features: "FrameFeatures") -> NDArray[np.float32]:
        """Return the frames' own embeddings."""
        return features.embeddings

    def of_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the text tower's vectors, (n, dimensions) of unit length; zeros for empty texts."""
        vectors = np.zeros((len(texts), self._vision.dimensions), dtype=np.float32)
        filled = [index for index, text in enumerate(texts) if text.strip()]
        encoded = self._vision.encode_texts([texts[index] for index in filled]) if filled else None
        if encoded is not None:
            vectors[filled] = encoded
        return vectors

    def of_known_texts(self, texts: Sequence[str], vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the text tower's vectors, (n, dimensions), scaled to the lengths of the known vectors."""
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(self.of_texts(texts) * lengths, dtype=np.float32)


class NoSpace:
    """For vision models without labels and without a text tower: nothing can be compared."""

    space = NO_ENCODER
    reads_classes = False

    def of_keyframes(self, keyframes: Sequence[Keyframe]) -> NDArray[np.float32]:
        """Return zeros (n, 1)."""
        return np.zeros((len(keyframes), self.space[1]), dtype=np.float32)

    def of_images(self, features: "FrameFeatures") -> NDArray[np.float32]:
        """Return zeros (n, 1)."""
        return np.zeros((len(features.embeddings), self.space[1]), dtype=np.float32)

    def of_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return zeros (n, 1)."""
        return np.zeros((len(texts), self.space[1]), dtype=np.float32)

    def of_known_texts(self, texts: Sequence[str], vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return zeros (n, 1)."""
        del vectors
        return self.of_texts(texts)
