"""The fusion methods behind one interface. `fusion.method` chooses the one that makes `scenes.fused_embedding`."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

import numpy as np

from pipeline.analysis.fusion.early import early_id, fuse_early, modality_weights
from pipeline.analysis.fusion.parts import SceneParts
from pipeline.analysis.fusion.projected import fuse_projected
from pipeline.analysis.fusion.vectors import unit
from pipeline.models import FusionModel, OutputCheck, fusion_model, is_plugin, make_plugin
from schemas.config import FusionConfig
from schemas.errors import ModelError
from schemas.records import Embedding
from schemas.tables import NO_ENCODER, Encoder

Fused = tuple[Embedding, float, float]
"""The joint vector, of unit length or zeros, and the weights of text and image in it."""

PROJECTED_PREFIX, HYBRID_PREFIX = "projected:", "hybrid:"


class FusionMethod(Protocol):
    """Makes one vector from a scene's text and frames."""

    coordinated: bool
    """Whether it reads `texts`, `frames` and `image`, the vectors in the coordinated space."""

    @property
    def space(self) -> Encoder:
        """Id and dimensions of the vectors, as stored in the lake."""

    def fuse(self, scenes: Sequence[SceneParts]) -> list[Fused]:
        """Fuse scenes independently of each other."""


def fusion_method(config: FusionConfig, *, text: Encoder, vision: Encoder, coordinated: Encoder) -> FusionMethod:
    """Return the configured method.

    Args:
        config: The `fusion` section.
        text: Id and dimensions of the text encoder.
        vision: Id and dimensions of the frame encoder.
        coordinated: Id and dimensions of their coordinated space.

    Raises:
        ModelError: The method needs a coordinated space and there is none, or its weights cannot be loaded.
    """
    if is_plugin(config.method):
        return PluginFusion(config.method, text=text, vision=vision)
    if config.method == "early":
        return EarlyFusion(config, text=text, vision=vision)
    if coordinated == NO_ENCODER:
        raise ModelError(
            f"fusion.method: {config.method} needs a coordinated space of texts and images, and {vision[0]} has none. "
            "Set vision.model to a CLIP-like model or a classifier, or fusion.method to early."
        )
    return ProjectedFusion(config, coordinated) if config.method == "projected" else HybridFusion(config, coordinated)


class EarlyFusion:
    """Concatenation; see `pipeline.analysis.fusion.early`."""

    coordinated = False

    def __init__(self, config: FusionConfig, *, text: Encoder, vision: Encoder) -> None:
        self._weight = config.text_weight
        self.space = (early_id(text[0], vision[0]), text[1] + vision[1])

    def fuse(self, scenes: Sequence[SceneParts]) -> list[Fused]:
        """Join text and vision vectors."""
        return [fuse_early(scene.text, scene.vision, text_weight=self._weight) for scene in scenes]


class ProjectedFusion:
    """Weighted sum in the coordinated space; see `pipeline.analysis.fusion.projected`."""

    coordinated = True

    def __init__(self, config: FusionConfig, coordinated: Encoder) -> None:
        self._weight = config.text_weight
        self.space = (PROJECTED_PREFIX + coordinated[0], coordinated[1])

    def fuse(self, scenes: Sequence[SceneParts]) -> list[Fused]:
        """Add the mean of the texts and the mean of the frames."""
        means = [unit(scene.texts.weights @ scene.texts.vectors) for scene in scenes]
        pairs = zip(means, scenes, strict=True)
        return [fuse_projected(mean, scene.image, text_weight=self._weight) for mean, scene in pairs]


class HybridFusion:
    """Cross-attention; see `pipeline.analysis.fusion.attention`."""

    coordinated = True

    def __init__(self, config: FusionConfig, coordinated: Encoder) -> None:
        # Imported here because planning a run must not import PyTorch.
        from pipeline.analysis.fusion.hybrid import closed_form, fuse_hybrid, load

        space, dimensions = coordinated
        found = fusion_model(config)
        if found is None:
            self._module, which = closed_form(dimensions, config.text_weight), "closed-form"
        else:
            self._module, which = load(found.path, space=space, dimensions=dimensions), found.digest
        self._fuse = partial(fuse_hybrid, self._module)
        self.space = (f"{HYBRID_PREFIX}{which}:{space}", dimensions)

    def fuse(self, scenes: Sequence[SceneParts]) -> list[Fused]:
        """Apply cross-attention between texts and frames."""
        if not scenes:
            return []
        vectors = self._fuse(scenes)
        weights = [
            modality_weights(scene.texts.weights, scene.frames.weights, self._module.text_weight) for scene in scenes
        ]
        return [(vector.copy(), *pair) for vector, pair in zip(vectors, weights, strict=True)]


class PluginFusion:
    """A plug-in; see `pipeline.models.protocols.FusionModel`."""

    coordinated = False

    def __init__(self, model_id: str, *, text: Encoder, vision: Encoder) -> None:
        self._check = OutputCheck("fusion.method", model_id)
        make: Callable[..., FusionModel] = make_plugin
        self._model = make("fusion", model_id, FusionModel, text_dimensions=text[1], vision_dimensions=vision[1])
        self.space = (f"{model_id}({text[0]} + {vision[0]})", int(self._model.dimensions))

    def fuse(self, scenes: Sequence[SceneParts]) -> list[Fused]:
        """Fuse text and vision vectors with the plug-in.

        Raises:
            ModelOutputError: It returned other shapes, values that are not finite, or weights outside of 0 to 1.
        """
        if not scenes:
            return []
        vectors, weights = self._model.fuse(
            np.stack([scene.text for scene in scenes]), np.stack([scene.vision for scene in scenes])
        )
        vectors = self._check.array(vectors, (len(scenes), self.space[1]), "vectors")
        weights = self._check.scores(weights, (len(scenes), 2), "weights")
        return [(unit(vector), float(pair[0]), float(pair[1])) for vector, pair in zip(vectors, weights, strict=True)]
