"""Revisions: digests of everything that decides the results of an analysis, one per stage and one of them all."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.analysis.gazetteer import gazetteer_info
from pipeline.analysis.taxonomy import taxonomy_info
from pipeline.models import ModelInfo, fusion_model, resolve, roster_of
from pipeline.run.stage_inputs import Settings, analysis_settings, models_for, settings_of
from schemas.config import Config
from schemas.stages import READS, STAGES, Stage

STAGE_VERSIONS: Mapping[Stage, int] = {"picture": 3, "sound": 5, "text": 2, "understanding": 3}
"""Increased when the same settings and models give a stage other results, so that it is redone for all videos."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What decides the results of a run."""

    settings: Settings
    """The settings that can change results, by name."""
    models: tuple[ModelInfo, ...]
    """All models and the taxonomy, from `models_of`."""
    versions: Mapping[Stage, int]
    """`STAGE_VERSIONS` of the Videolake that ran."""
    stages: Mapping[Stage, str]
    """Revision of each stage."""

    @property
    def revision(self) -> str:
        """Digest over all stages, 16 hexadecimal characters."""
        return _digest(list(self.stages.values()))


def models_of(config: Config) -> tuple[ModelInfo, ...]:
    """Return every model of a configuration, its taxonomy and its gazetteer, with licence and digest.

    None of them is loaded.

    Raises:
        ModelError: A model cannot be found.
        ConfigurationError: The taxonomy or the gazetteer cannot be read.
    """
    roster = roster_of(config)
    fusion = fusion_model(config.fusion)
    found = [*([fusion] if fusion else []), *(resolve(role, model_id) for role, model_id in roster.ids)]
    if roster.taxonomy is not None:
        found.append(taxonomy_info(roster.taxonomy))
    if config.entities.gazetteer is not None:
        found.append(gazetteer_info(config.entities.gazetteer))
    return tuple(found)


def recipe_of(config: Config, models: Iterable[ModelInfo], versions: Mapping[Stage, int] = STAGE_VERSIONS) -> Recipe:
    """Return what decides the results of a configuration.

    Args:
        config: Only its `ANALYSIS_SECTIONS` count, because the others do not change results.
        models: The result of `models_of`.
        versions: Versions of the stages.
    """
    settings, models = analysis_settings(config), tuple(models)
    stages: dict[Stage, str] = {}
    for stage in STAGES:
        read = [stages[each] for each in READS[stage]]
        stages[stage] = _digest([stage, versions[stage], settings_of(stage, settings), models_for(stage, models), read])
    return Recipe(settings, models, dict(versions), stages)


def stage_revisions(config: Config, models: Iterable[ModelInfo]) -> Mapping[Stage, str]:
    """Return the revision of each stage, 16 hexadecimal characters: a digest of its settings, models and version.

    The revision of a stage covers those of the stages that it reads.
    """
    return recipe_of(config, models).stages


def revision_of(config: Config, models: Sequence[ModelInfo]) -> str:
    """Digest a configuration and its models: the revisions of all stages, in 16 hexadecimal characters."""
    return recipe_of(config, models).revision


def _digest(stated: Any) -> str:  # noqa: ANN401 - whatever JSON can hold
    return hashlib.sha256(json.dumps(stated, sort_keys=True).encode()).hexdigest()[:16]
