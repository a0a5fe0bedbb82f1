"""The revision: a digest of everything that decides what the lake says of a video."""

import hashlib
import json
from collections.abc import Sequence

from pipeline.fusion.methods import fusion_model
from pipeline.models import ModelInfo, resolve
from pipeline.speakers import chosen_speaker_model
from pipeline.text import chosen_text_configs
from pipeline.understanding.taxonomy import NO_TAXONOMY, taxonomy_info
from schemas.config import ANALYSIS_SECTIONS, COMPOSED, Config
from schemas.tables import FORMAT_VERSION

ANALYSIS_VERSION = 3
"""Raised when the same configuration and models would give another result, so that videos are analysed again."""


def models_of(config: Config) -> tuple[ModelInfo, ...]:
    """Find every model that the configuration names, and the taxonomy, with licence and digest, loading none.

    Raises:
        ModelError: One cannot be found.
        ConfigurationError: The taxonomy cannot be read.
    """
    wanted: list[tuple[str, str]] = [("text", text.model) for text in chosen_text_configs(config.text)]
    wanted.append(("vision", config.vision.model))
    if config.shots.detector != "content":
        wanted.append(("shots", config.shots.model))
    if config.speech.engine != "none":
        wanted.append(("speech", config.speech.model))
    speakers = chosen_speaker_model(config)
    if speakers is not None:
        wanted.append(("speakers", speakers))
    if config.ocr.engine != "none":
        wanted.append(("ocr", "embedded:pp-ocrv6"))
    if config.captions.model != COMPOSED:
        wanted.append(("captions", config.captions.model))
    if config.summary.model is not None:
        wanted.append(("summary", config.summary.model))
        if config.summary.nli_model is not None:
            wanted.append(("nli", config.summary.nli_model))
    fusion = fusion_model(config.fusion)
    found = [*([fusion] if fusion else []), *(resolve(role, model_id) for role, model_id in sorted(wanted))]
    if config.topics.taxonomy != NO_TAXONOMY:
        found.append(taxonomy_info(config.topics.taxonomy))
    return tuple(found)


def revision_of(config: Config, models: Sequence[ModelInfo]) -> str:
    """Digest configuration and models.

    Args:
        config: Only its `ANALYSIS_SECTIONS` count: moving work to other machines changes no result.
        models: As `models_of` found them.

    Returns:
        16 hexadecimal characters.
    """
    analysis = config.model_dump(mode="json", include=set(ANALYSIS_SECTIONS))
    del analysis["topics"]["taxonomy"]  # its content counts, wherever the file is
    del analysis["speakers"]["model"]  # what `auto` found counts, and is among the models
    digests = [(model.role, model.id, model.digest) for model in models]
    stated = json.dumps([ANALYSIS_VERSION, FORMAT_VERSION, analysis, digests], sort_keys=True)
    return hashlib.sha256(stated.encode()).hexdigest()[:16]
