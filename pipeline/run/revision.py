"""The revision: a digest of everything that determines the results of an analysis."""

import hashlib
import json
from collections.abc import Sequence

from pipeline.analysis.taxonomy import taxonomy_info
from pipeline.models import ModelInfo, fusion_model, resolve, roster_of
from schemas.config import ANALYSIS_SECTIONS, Config
from schemas.tables import FORMAT_VERSION

ANALYSIS_VERSION = 6
"""Increased when the same configuration and models give different results, so that videos are analysed again."""


def models_of(config: Config) -> tuple[ModelInfo, ...]:
    """Return every model of a configuration, and its taxonomy, with licence and digest, without loading any.

    Raises:
        ModelError: A model cannot be found.
        ConfigurationError: The taxonomy cannot be read.
    """
    roster = roster_of(config)
    fusion = fusion_model(config.fusion)
    found = [*([fusion] if fusion else []), *(resolve(role, model_id) for role, model_id in roster.ids)]
    if roster.taxonomy is not None:
        found.append(taxonomy_info(roster.taxonomy))
    return tuple(found)


def revision_of(config: Config, models: Sequence[ModelInfo]) -> str:
    """Digest a configuration and its models.

    Args:
        config: Only its `ANALYSIS_SECTIONS` count, because the others do not change results.
        models: The result of `models_of`.

    Returns:
        16 hexadecimal characters.
    """
    analysis = config.model_dump(mode="json", include=set(ANALYSIS_SECTIONS))
    del analysis["topics"]["taxonomy"]  # its content counts, not its path
    del analysis["speakers"]["model"]  # the model that `auto` resolves to counts, and is in `models`
    digests = [(model.role, model.id, model.digest) for model in models]
    stated = json.dumps([ANALYSIS_VERSION, FORMAT_VERSION, analysis, digests], sort_keys=True)
    return hashlib.sha256(stated.encode()).hexdigest()[:16]
