"""Which settings and which models decide the results of each stage."""

from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.models import ModelInfo
from schemas.config import ANALYSIS_SECTIONS, Config
from schemas.stages import STAGES, Stage

_SECTIONS: Mapping[str, tuple[Stage, ...]] = {
    "shots": ("picture",),
    "keyframes": ("picture",),
    "vision": ("picture",),
    "ocr": ("picture",),
    "objects": ("picture",),
    "captions": ("picture",),
    "speech": ("sound",),
    "speakers": ("sound",),
    "sounds": ("sound",),
    "text": ("text",),
    "entities": ("text",),
    "scenes": ("understanding",),
    "fusion": ("understanding",),
    "topics": ("understanding",),
    "keyphrases": ("understanding",),
    "summary": ("understanding",),
}
"""Stages of all settings of a section. A stage that only reads the results of these stages is not listed."""
_FIELDS: Mapping[str, tuple[Stage, ...]] = {
    "media.sample_interval_s": ("picture",),
    "media.max_side_px": ("picture",),
    # The last shot ends with the audio.
    "media.audio_track": ("picture", "sound"),
}
"""Stages of settings whose section has several."""
_ELSEWHERE = frozenset({"topics.taxonomy", "entities.gazetteer", "speakers.model", "sounds.model"})
"""Taxonomy and gazetteer count with their content, and models that `auto` stands for with their weights: as models."""
_ROLES: Mapping[str, tuple[Stage, ...]] = {
    "shots": ("picture",),
    "vision": ("picture",),
    "ocr": ("picture",),
    "objects": ("picture",),
    "captions": ("picture",),
    "speech": ("sound",),
    "speakers": ("sound",),
    "sounds": ("sound",),
    # Also places frames in its space, by the names of their labels (ConSE).
    "text": ("text",),
    "entities": ("text",),
    "gazetteer": ("text",),
    "fusion": ("understanding",),
    "topics": ("understanding",),
    "summary": ("understanding",),
    "nli": ("understanding",),
}

Settings = Mapping[str, Any]
"""JSON values of settings by name, as in `speech.beam_size`."""


def analysis_settings(config: Config) -> dict[str, Any]:
    """Return the settings that can change results, by name."""
    sections = config.model_dump(mode="json", include=set(ANALYSIS_SECTIONS))
    named = {f"{section}.{key}": value for section, fields in sections.items() for key, value in fields.items()}
    return {name: value for name, value in named.items() if name not in _ELSEWHERE}


def stages_of_setting(name: str) -> tuple[Stage, ...]:
    """Return the stages that read a setting, such as `speech.beam_size`; none if its results count as a model.

    Raises:
        KeyError: A new setting of a section with several stages was not assigned.
    """
    if name in _ELSEWHERE:
        return ()
    return _FIELDS[name] if name in _FIELDS else _SECTIONS[name.partition(".")[0]]


def settings_of(stage: Stage, settings: Settings) -> dict[str, Any]:
    """Return the settings that a stage reads."""
    return {name: value for name, value in settings.items() if stage in stages_of_setting(name)}


def models_for(stage: Stage, models: Iterable[ModelInfo]) -> list[tuple[str, str, str]]:
    """Return role, id and digest of the models that a stage uses, sorted."""
    return sorted((model.role, model.id, model.digest) for model in models if stage in _ROLES[model.role])


def stages_of_role(role: str) -> tuple[Stage, ...]:
    """Return the stages that use the model of a role."""
    return tuple(stage for stage in STAGES if stage in _ROLES[role])
