"""What earlier runs made: the settings, models and versions behind each stage revision in a lake.

Version 6 of the analysis, the last one without stages, gave a video one revision. Its runs recorded their configuration
and models, so the revision can be computed again: if it is the recorded one, the run had the first version of each
stage, and its results are compared stage by stage like any others.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.lake import Lake
from pipeline.models import ModelInfo
from pipeline.run.revision import Recipe, recipe_of
from schemas.config import ANALYSIS_SECTIONS, Config
from schemas.stages import STAGES, Stage

_RUNS = """
SELECT revision, stages, arg_max(configuration, finished_at) AS configuration, arg_max(models, finished_at) AS models
FROM runs GROUP BY revision, stages ORDER BY max(finished_at)
"""
"""Runs with the same results. Their configurations differ at most in where and how they ran."""
_LAST_UNSTAGED = (6, 2)
"""The analysis and the tables of the last version without stages; both were part of its revisions."""
_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)
"""Raised by configurations that other programs or much older versions wrote. Nothing is known of their runs."""
_FIRST_VERSIONS: Mapping[Stage, int] = dict.fromkeys(STAGES, 1)


@dataclass(frozen=True, slots=True)
class History:
    """The recipes of earlier runs by what they wrote."""

    recipes: Mapping[tuple[Stage, str], Recipe] = field(default_factory=dict)
    """By stage and revision, as videos name them. Their own revisions are computed as today."""

    def recipe(self, stage: Stage, revision: str) -> Recipe | None:
        """Return what a stage was made with; None if no run says so."""
        return self.recipes.get((stage, revision))

    def is_made(self, stage: Stage, revision: str, wanted: str) -> bool:
        """Return whether a stage's results are those of the wanted revision.

        A setting that is newer than the results counts with its default value.
        """
        if revision == wanted:
            return True
        found = self.recipe(stage, revision)
        return found is not None and found.stages[stage] == wanted


def read_history(lake: Lake) -> History:
    """Return what the runs of a lake made.

    Raises:
        LakeError: The lake cannot be read.
    """
    return history_of(lake.sql(_RUNS).to_pylist())


def history_of(runs: Iterable[Mapping[str, Any]]) -> History:
    """Return what some runs made.

    Args:
        runs: `revision`, `stages`, `configuration` and `models` of rows of the table `runs`, the oldest first.
    """
    recipes: dict[tuple[Stage, str], Recipe] = {}
    for run in runs:
        with suppress(*_UNREADABLE):
            recorded = json.loads(run["configuration"])
            models = [_model(each) for each in run["models"]]
            if run["stages"]:
                versions = {each["name"]: each["version"] for each in run["stages"]}
                written = {each["name"]: each["revision"] for each in run["stages"]}
            elif run["revision"] == _unstaged_revision(recorded, models):
                versions, written = dict(_FIRST_VERSIONS), dict.fromkeys(STAGES, run["revision"])
            else:
                continue
            recipe = recipe_of(recorded_config(recorded), models, versions)
            recipes |= {(stage, written[stage]): recipe for stage in STAGES}
    return History(recipes)


def _model(recorded: Mapping[str, Any]) -> ModelInfo:
    return ModelInfo(path=Path(), **recorded)


def recorded_config(recorded: Mapping[str, Any]) -> Config:
    """Return a configuration that an older version wrote, with the defaults of new settings, without dropped ones."""
    defaults = Config()
    kept = {
        name: {key: value for key, value in section.items() if key in type(getattr(defaults, name)).model_fields}
        for name, section in recorded.items()
        if name in ANALYSIS_SECTIONS
    }
    return Config.model_validate(kept)


def _unstaged_revision(recorded: Mapping[str, Any], models: Sequence[ModelInfo]) -> str:
    """Return the revision that version 6 of the analysis computed from a configuration and models."""
    dropped = {("topics", "taxonomy"), ("speakers", "model")}
    analysis = {
        name: {key: value for key, value in recorded[name].items() if (name, key) not in dropped}
        for name in ANALYSIS_SECTIONS
        if name in recorded
    }
    digests = [(model.role, model.id, model.digest) for model in models]
    stated = json.dumps([*_LAST_UNSTAGED, analysis, digests], sort_keys=True)
    return hashlib.sha256(stated.encode()).hexdigest()[:16]
