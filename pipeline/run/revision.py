"""The revision: a digest of everything that decides what the lake says of a video."""

import hashlib
import json
from collections.abc import Sequence

from pipeline.analysis.scenes import taxonomy_info
from pipeline.models import ModelInfo, fusion_model, resolve, roster_of
from schemas.config import ANALYSIS_SECTIONS, Config
from schemas.tables import FORMAT_VERSION

ANALYSIS_VERSION = 3
"""Raised when the same configuration and models would give another result, so that videos are analysed again."""


def models_of(config: Config) -> tuple[ModelInfo, ...]:
    """Find every model that the configuration names, and the taxonomy, with licence and digest, loading none.

    Raises:
        ModelError: One cannot be found.
        ConfigurationError: The taxonomy cannot be read.
    """
    roster = roster_of(config)
    fusion = fusion_model(config.fusion)
    found = [*([fusion] if fusion else []), *(resolve(role, model_id) for role, model_id in roster.ids)]
    if roster.taxonomy is not None:
        found.append(taxonomy_info(roster.taxonomy))
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
