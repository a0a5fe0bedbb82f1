"""All models that the analysis of a video needs, each loaded once."""

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from pipeline.analysis.entities import EntityRecognizer, KnownNames
from pipeline.analysis.fusion import CoordinatedSpace, FusionMethod, coordinated_space, fusion_method
from pipeline.analysis.gazetteer import Gazetteer, load_gazetteer
from pipeline.analysis.objects import ObjectDetector
from pipeline.analysis.scenes import TopicSpaces
from pipeline.analysis.shots import TransNet
from pipeline.analysis.sounds import SoundClassifier
from pipeline.analysis.speakers import SpeakerEncoder
from pipeline.analysis.speech import SpeechRecognizer
from pipeline.analysis.summary import AbstractWriter
from pipeline.analysis.taxonomy import load_taxonomy
from pipeline.analysis.text import TextEncoder
from pipeline.analysis.vision import Captioner, FrameEncoder, TextReader
from pipeline.models import EMBEDDED_PREFIX, Roster, loading_faults, roster_of
from schemas.config import Config
from schemas.errors import ModelError, ModelOutputError
from schemas.stages import STAGES, Stage

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Models:
    """Loaded models; None for those that the configuration, or the stages to run, do not use."""

    stages: frozenset[Stage]
    """The stages that the models can run."""

    text: TextEncoder
    vision: FrameEncoder
    coordinated: CoordinatedSpace
    """Built from `text` and `vision`."""
    fusion: FusionMethod
    captions: Captioner | None
    topics: TopicSpaces | None
    shots: TransNet | None
    speech: SpeechRecognizer | None
    speakers: SpeakerEncoder | None
    sounds: SoundClassifier | None
    ocr: TextReader | None
    objects: ObjectDetector | None
    entities: EntityRecognizer | None
    known_names: KnownNames
    """Those of the gazetteer."""
    abstract: AbstractWriter | None

    @property
    def encoders(self) -> dict[str, Any]:
        """What makes the vectors of each space: ids and dimensions, as `pipeline.lake.Origin` takes them."""
        return {
            "text": (self.text.info.id, self.text.dimensions),
            "vision": (self.vision.info.id, self.vision.dimensions),
            "coordinated": self.coordinated.space,
            "fused": self.fusion.space,
        }


def load_models(config: Config, *, device: str, threads: int, stages: Collection[Stage] = STAGES) -> Models:
    """Load the models that the configuration names.

    Args:
        config: The whole configuration.
        device: `cpu` or `cuda`.
        threads: CPU threads of each model.
        stages: The stages to run. The encoders of texts and frames are always loaded: they define the vectors.

    Raises:
        ModelError: A model cannot be found or loaded, or fails on a tiny input.
        DeviceError: The GPU is broken, or has too little free memory.
        ConfigurationError: The taxonomy or the gazetteer cannot be read.
    """
    with loading_faults(device):
        models = _load(config, device, threads, frozenset(stages))
        logger.info("models run on: %s", check_models(models))
    return models


def check_models(models: Models) -> str:
    """Run each fast model on a tiny input, so that a broken device shows before any video is taken.

    Returns:
        Device, precision and batch of each model, for the log.

    Raises:
        ModelError: A model fails. What a broken GPU raises passes.
    """
    noise = np.random.default_rng(0)
    image = noise.integers(0, 256, (64, 64, 3), np.uint8)
    checks: dict[str, tuple[Any, Callable[[], Any]]] = {
        "text": (models.text, lambda: models.text.encode(["Is anybody there?"])),
        "vision": (models.vision, lambda: models.vision.encode([image]).embeddings),
    }
    if models.shots:
        checks["shots"] = models.shots, partial(models.shots.score, np.zeros((1, 27, 48, 3), np.uint8))
    if models.objects:
        checks["objects"] = models.objects, partial(models.objects.check, image)
    if models.speakers:
        speech = noise.normal(0.0, 0.1, 24_000).astype(np.float32)
        checks["speakers"] = models.speakers, partial(models.speakers.encode, [speech])
    if models.sounds:
        checks["sounds"] = models.sounds, models.sounds.check
    if models.speech:
        checks["speech"] = models.speech, models.speech.check
    # The text reader has read a page while it was loaded, and models that generate text are slow.
    others = {"ocr": models.ocr, "entities": models.entities, "captions": models.captions, "abstract": models.abstract}
    places: dict[str, str] = {}
    for role, (model, check) in checks.items():
        _check(role, model, check)
        places |= model.runs_on if isinstance(model.runs_on, dict) else {role: model.runs_on}
    places |= {role: model.runs_on for role, model in others.items() if model}
    return "; ".join(f"{role}: {place}" for role, place in places.items())


def _check(role: str, model: Any, check: Callable[[], Any]) -> None:  # noqa: ANN401 - a model of any role
    try:
        result = check()
    except ModelOutputError as error:
        raise ModelError(str(error)) from error  # what it cannot do for a tiny input, it can do for no video
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(f"{role}: {model.info.id} fails on a tiny input ({model.runs_on}): {error}") from error
    if result is not None and not np.isfinite(result).all():
        raise ModelError(
            f"{role}: {model.info.id} computes values that are not finite ({model.runs_on}). Check the device, or set "
            "workers.device to cpu."
        )


def _roster_of(config: Config, stages: frozenset[Stage]) -> Roster:
    """Return the models that some stages use."""
    roster = roster_of(config)
    if "picture" not in stages:
        roster = replace(roster, shots=None, ocr=None, objects=None, captions=None)
    if "sound" not in stages:
        roster = replace(roster, speech=None, speakers=None, sounds=None)
    if "text" not in stages and not (roster.entities or "").startswith(EMBEDDED_PREFIX):
        # The embedded model also tells nouns for the keyphrases of the understanding stage.
        roster = replace(roster, entities=None)
    if "understanding" not in stages:
        roster = replace(roster, taxonomy=None, summary=None, nli=None)
    return roster


def _load(config: Config, device: str, threads: int, stages: frozenset[Stage]) -> Models:
    text = TextEncoder(config.text, device=device, threads=threads)
    vision = FrameEncoder(config.vision, device=device, threads=threads)
    shared = coordinated_space(text, vision)
    roster, gazetteer = _roster_of(config, stages), config.entities.gazetteer
    sounds = config.sounds.model_copy(update={"model": roster.sounds or "none"})
    return Models(
        stages=stages,
        text=text,
        vision=vision,
        coordinated=shared,
        fusion=fusion_method(
            config.fusion,
            text=(text.info.id, text.dimensions),
            vision=(vision.info.id, vision.dimensions),
            coordinated=shared.space,
        ),
        captions=Captioner(config.captions, device=device, threads=threads) if roster.captions else None,
        topics=TopicSpaces(load_taxonomy(roster.taxonomy)) if roster.taxonomy else None,
        shots=TransNet(roster.shots, device=device, threads=threads) if roster.shots else None,
        speech=SpeechRecognizer(config.speech, device=device, threads=threads) if roster.speech else None,
        speakers=SpeakerEncoder(roster.speakers, device=device, threads=threads) if roster.speakers else None,
        sounds=SoundClassifier(sounds, device=device, threads=threads) if roster.sounds else None,
        ocr=TextReader(config.ocr, device=device, threads=threads) if roster.ocr else None,
        objects=ObjectDetector(config.objects, device=device, threads=threads) if roster.objects else None,
        entities=EntityRecognizer(config.entities, device=device, threads=threads) if roster.entities else None,
        known_names=KnownNames(load_gazetteer(gazetteer) if gazetteer and "text" in stages else Gazetteer()),
        abstract=AbstractWriter(config.summary, device=device, threads=threads) if roster.summary else None,
    )
