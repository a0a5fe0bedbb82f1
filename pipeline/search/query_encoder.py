"""Encode queries, text or images, in the vector spaces of a lake's columns."""

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, TypeVar

import duckdb
import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.fusion import (
    CONSE_PREFIX,
    HYBRID_PREFIX,
    PROJECTED_PREFIX,
    ConseSpace,
    CoordinatedSpace,
    TowerSpace,
    early_id,
    unit,
)
from pipeline.analysis.vision import imagenet_labels
from pipeline.lake import Lake
from pipeline.models import BOTH, EMBEDDED_PREFIX, ModelInfo, cached_array, resolve, text_config_of
from pipeline.search.evidence import UNRELATED, Scale, image_scale
from schemas.config import TextConfig, VisionConfig
from schemas.errors import ModelError
from schemas.tables import NO_ENCODER, Encoder

if TYPE_CHECKING:  # they import PyTorch
    from pipeline.analysis.text import TextEncoder
    from pipeline.analysis.vision import FrameEncoder

Section = TypeVar("Section", TextConfig, VisionConfig)

_SPACES = "SELECT space, any_value(model), any_value(dimensions) FROM lake.spaces GROUP BY space"
_CONFIGURATION = """
SELECT configuration FROM runs
ORDER BY revision = (FROM lake.newest) DESC,
    started_at DESC
LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Spaces:
    """The models that made a lake's vectors, from its columns' metadata; see the table `lake.spaces`."""

    text: Encoder = NO_ENCODER
    """For `utterances.embedding`, `frames.text_embedding` and `scenes.text_embedding`."""
    vision: Encoder = NO_ENCODER
    """For `frames.embedding` and `scenes.vision_embedding`."""
    coordinated: Encoder = NO_ENCODER
    """For `frames.coordinated_embedding` and `scenes.coordinated_embedding`."""
    fused: Encoder = NO_ENCODER
    """For `scenes.fused_embedding`."""


@dataclass(frozen=True, slots=True, eq=False)
class QueryVectors:
    """Queries in each space: float32 of unit length, zeros if a query has no vector in that space."""

    text: NDArray[np.float32]
    """(n, d of the text space): speech and on-screen text with the same meaning have a high cosine."""
    vision: NDArray[np.float32]
    """(n, d of the vision space): frames that look alike have a high cosine."""
    coordinated: NDArray[np.float32]
    """(n, d of the coordinated space): frames that show what a text says, or the same things, have a high cosine."""
    fused: NDArray[np.float32]
    """(n, d of the fused space): scenes in which the query is said, written or shown have a high cosine. How well that
    works depends on `fusion.method`."""
    languages: tuple[str, ...] = ()
    """Language (ISO 639-1) of each text, as the multilingual encoder sees it; empty without such an encoder."""

    @property
    def language(self) -> str:
        """Language of the first query; empty if it is not known."""
        return self.languages[0] if self.languages else ""


@dataclass(frozen=True, slots=True)
class TextPart:
    """One encoder's part of a text vector. There are several with `text.model = auto`."""

    start: int
    stop: int
    scale: Scale


class QueryEncoder:
    """Encodes queries as the lake's rows were encoded. Models load on first use; threads may share an encoder.

        encoder = QueryEncoder.of_lake(lake)
        vectors = encoder.texts(["a cyclist in traffic"])
        vectors.text         # compare with utterances.embedding, frames.text_embedding
        vectors.coordinated  # compare with frames.coordinated_embedding
        vectors.fused        # compare with scenes.fused_embedding

    Args:
        spaces: The models that made the lake's vectors.
        text: How text was encoded; `spaces` decides the model.
        vision: How frames were encoded; `spaces` decides the model.
        device: `cpu` or `cuda`.
        threads: Number of threads per model.
    """

    def __init__(
        self,
        spaces: Spaces,
        *,
        text: TextConfig | None = None,
        vision: VisionConfig | None = None,
        device: str = "cpu",
        threads: int = 1,
    ) -> None:
        self.spaces = spaces
        self._text_config = text_config_of(spaces.text[0], text or TextConfig())
        self._vision_config = (vision or VisionConfig()).model_copy(update={"model": spaces.vision[0]})
        self._device, self._threads = device, threads
        # Reentrant: loading one model may load another.
        self._lock = threading.RLock()

    @classmethod
    def of_lake(cls, lake: Lake, *, device: str = "cpu", threads: int = 1) -> "QueryEncoder":
        """Make the encoder for the newest vectors of a lake, from its columns' metadata and its newest run.

        Raises:
            LakeError: The lake cannot be read.
        """
        return lake.read(partial(cls.of_connection, device=device, threads=threads), moments=False)

    @classmethod
    def of_connection(
        cls, connection: duckdb.DuckDBPyConnection, *, device: str = "cpu", threads: int = 1
    ) -> "QueryEncoder":
        """Do the same with a connection to the lake."""
        spaces = {space: (model, size) for space, model, size in connection.execute(_SPACES).fetchall()}
        row = connection.execute(_CONFIGURATION).fetchone()
        stated = json.loads(row[0]) if row else {}
        return cls(
            Spaces(**{name: spaces[name] for name in ("text", "vision", "coordinated", "fused") if name in spaces}),
            text=_section(TextConfig, stated.get("text", {})),
            vision=_section(VisionConfig, stated.get("vision", {})),
            device=device,
            threads=threads,
        )

    def texts(self, queries: Sequence[str]) -> QueryVectors:
        """Encode text queries; `vision` is zeros.

        Args:
            queries: Each a few words or a sentence.

        Raises:
            ModelError: A model that made the lake's vectors is not installed.
        """
        with self._lock:
            text = self._encode(self.spaces.text, queries, lambda: self._text.encode_queries(queries))
            coordinated = self._encode(
                self.spaces.coordinated, queries, lambda: self.coordinated_space.of_texts(queries)
            )
            joined = self._joined(text, _zeros(queries, self.spaces.vision), coordinated)
            known = self.spaces.text != NO_ENCODER and queries
            return replace(joined, languages=tuple(self._text.languages_of(queries))) if known else joined

    @cached_property
    def text_parts(self) -> tuple[TextPart, ...]:
        """The encoders that share the text space, each with the scale of its cosines.

        Raises:
            ModelError: A model that made the lake's vectors is not installed.
        """
        if self.spaces.text == NO_ENCODER:
            return ()
        with self._lock:
            return tuple(TextPart(start, stop, _scale_of(encoder)) for encoder, start, stop in self._text.parts)

    @property
    def image_scale(self) -> Scale | None:
        """Scale of the cosines of queries and frames; None if it is not known."""
        return image_scale(self.spaces.coordinated[0])

    def images(self, images: Sequence[NDArray[np.uint8]]) -> QueryVectors:
        """Encode images; `text` is zeros.

        Args:
            images: Each uint8 (height, width, 3) RGB, of any size.

        Raises:
            ModelError: A model that made the lake's vectors is not installed.
        """
        if self.spaces.vision == NO_ENCODER or not images:
            return self._joined(*(_zeros(images, space) for space in self._single))
        with self._lock:
            features = self._vision.encode(images)
            coordinated = self._encode(
                self.spaces.coordinated, images, lambda: self.coordinated_space.of_images(features)
            )
            return self._joined(_zeros(images, self.spaces.text), features.embeddings, coordinated)

    def _joined(
        self, text: NDArray[np.float32], vision: NDArray[np.float32], coordinated: NDArray[np.float32]
    ) -> QueryVectors:
        method, dimensions = self.spaces.fused
        if method == early_id(self.spaces.text[0], self.spaces.vision[0]):
            fused = unit(np.concatenate([text, vision], axis=1))
        elif not method.startswith((PROJECTED_PREFIX, HYBRID_PREFIX)):
            fused = np.zeros((len(text), dimensions), dtype=np.float32)
        else:
            fused = joint_queries(self.spaces.coordinated[0], text, coordinated)
        return QueryVectors(text, vision, coordinated, fused)

    @property
    def _single(self) -> tuple[Encoder, Encoder, Encoder]:
        return self.spaces.text, self.spaces.vision, self.spaces.coordinated

    @staticmethod
    def _encode(
        space: Encoder, queries: Sequence[object], encode: Callable[[], NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        return _zeros(queries, space) if space == NO_ENCODER or not queries else encode()

    @cached_property
    def _text(self) -> "TextEncoder":
        from pipeline.analysis.text import TextEncoder

        try:
            return TextEncoder(self._text_config, device=self._device, threads=self._threads, queries_only=True)
        except ModelError as error:
            if BOTH not in self._text_config.model:
                raise
            raise ModelError(
                f"an earlier version made the lake's text vectors with two models ({self._text_config.model}), which "
                "this one cannot compare with a query. Run `videolake run` on the archive again."
            ) from error

    @cached_property
    def _vision(self) -> "FrameEncoder":
        from pipeline.analysis.vision import FrameEncoder

        # A text tower needs no label names; a classifier returns probabilities whatever the setting.
        labels = self._vision_config.labels if self.spaces.coordinated[0].startswith(CONSE_PREFIX) else 0
        config = self._vision_config.model_copy(update={"labels": labels})
        return FrameEncoder(config, device=self._device, threads=self._threads)

    @cached_property
    def coordinated_space(self) -> CoordinatedSpace:
        """The space of the coordinated vectors; do not use it if `spaces.coordinated` is `NO_ENCODER`."""
        if self.spaces.coordinated[0].startswith(CONSE_PREFIX):
            model = self._vision_config.model
            embedded = model.startswith(EMBEDDED_PREFIX)
            return ConseSpace(self._text, _EmbeddedClasses(model) if embedded else self._vision)
        return TowerSpace(self._vision)


class _EmbeddedClasses:
    """What text queries need of the embedded vision model: not its network, only the names of its classes."""

    def __init__(self, model_id: str) -> None:
        self._model_id = model_id
        self.label_names = imagenet_labels()

    @property
    def info(self) -> ModelInfo:
        return resolve("vision", self._model_id)


def joint_queries(
    coordinated_id: str, text: NDArray[np.float32], coordinated: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return queries for vectors that were fused in a coordinated space, (n, d) of unit length.

    In a ConSE space, sentences keep the text encoder's vectors, and so does a text query: measured, it finds more there
    than with its coordinated vector, or with both.

    Args:
        coordinated_id: Id of the space.
        text: (n, t) the queries in the text encoder's space; zeros for images.
        coordinated: (n, d) the queries in the coordinated space.
    """
    if not coordinated_id.startswith(CONSE_PREFIX):
        return coordinated
    return np.where(np.any(text != 0, axis=1, keepdims=True), unit(text), coordinated)


def _scale_of(encoder: "TextEncoder") -> Scale:
    """Measure the scale of an encoder's cosines, once for all processes."""

    def measured() -> NDArray[np.float32]:
        scale = Scale.of(encoder.encode_queries(UNRELATED), encoder.encode(UNRELATED))
        return np.array([scale.mean, scale.deviation], np.float32)

    mean, deviation = np.asarray(cached_array("scale", (encoder.recipe, *UNRELATED), measured)).tolist()
    return Scale(mean, deviation)


def _zeros(queries: Sequence[object], space: Encoder) -> NDArray[np.float32]:
    return np.zeros((len(queries), space[1]), dtype=np.float32)


def _section(kind: type[Section], stated: dict[str, object]) -> Section:
    """Read a section that another version may have written; unknown settings are dropped."""
    return kind(**{name: value for name, value in stated.items() if name in kind.model_fields})
