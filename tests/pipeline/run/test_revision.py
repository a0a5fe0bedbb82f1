from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.models import ModelInfo, settle
from pipeline.run.revision import STAGE_VERSIONS, models_of, recipe_of, revision_of, stage_revisions
from pipeline.run.stage_inputs import stages_of_role, stages_of_setting
from schemas.config import ANALYSIS_SECTIONS, Config
from schemas.stages import READS, STAGES, Stage

PICTURE, SOUND, TEXT, UNDERSTANDING = "picture", "sound", "text", "understanding"
READ_BY: Mapping[str, tuple[str, ...]] = {
    "media.sample_interval_s": (PICTURE,),
    "media.max_side_px": (PICTURE,),
    "media.audio_track": (PICTURE, SOUND),
    "shots.detector": (PICTURE,),
    "shots.model": (PICTURE,),
    "shots.threshold": (PICTURE,),
    "shots.slides": (PICTURE,),
    "shots.min_shot_s": (PICTURE,),
    "keyframes.interval_s": (PICTURE,),
    "keyframes.duplicate_distance": (PICTURE,),
    "keyframes.thumbnail_width_px": (PICTURE,),
    "keyframes.thumbnail_quality": (PICTURE,),
    "speech.engine": (SOUND,),
    "speech.model": (SOUND,),
    "speech.language": (SOUND,),
    "speech.channels": (SOUND,),
    "speech.beam_size": (SOUND,),
    "speech.min_greedy_logprob": (SOUND,),
    "speech.batch_size": (SOUND,),
    "speech.compute_type": (SOUND,),
    "speech.translate": (SOUND,),
    "speech.word_times": (SOUND,),
    "speech.vad_threshold": (SOUND,),
    "speech.min_speech_s": (SOUND,),
    "speech.max_no_speech_prob": (SOUND,),
    "speech.min_avg_logprob": (SOUND,),
    "speech.max_compression_ratio": (SOUND,),
    "speakers.model": (),
    "speakers.threshold": (SOUND,),
    "speakers.max_speakers": (SOUND,),
    "sounds.model": (),
    "sounds.min_score": (SOUND,),
    "sounds.names": (SOUND,),
    "sounds.batch_size": (SOUND,),
    "text.model": (TEXT,),
    "text.english_model": (TEXT,),
    "text.multilingual_model": (TEXT,),
    "text.pooling": (TEXT,),
    "text.multilingual_pooling": (TEXT,),
    "text.batch_tokens": (TEXT,),
    "text.max_tokens": (TEXT,),
    "vision.model": (PICTURE,),
    "vision.batch_size": (PICTURE,),
    "vision.precision": (PICTURE,),
    "vision.labels": (PICTURE,),
    "vision.min_label_score": (PICTURE,),
    "ocr.engine": (PICTURE,),
    "ocr.min_score": (PICTURE,),
    "ocr.max_side_px": (PICTURE,),
    "objects.model": (PICTURE,),
    "objects.batch_size": (PICTURE,),
    "objects.precision": (PICTURE,),
    "objects.min_score": (PICTURE,),
    "captions.model": (PICTURE,),
    "captions.batch_size": (PICTURE,),
    "captions.max_tokens": (PICTURE,),
    "captions.beam_size": (PICTURE,),
    "captions.precision": (PICTURE,),
    "captions.prompt": (PICTURE,),
    "entities.model": (TEXT,),
    "entities.gazetteer": (),
    "entities.respell": (TEXT,),
    "entities.min_score": (TEXT,),
    "entities.batch_size": (TEXT,),
    "scenes.min_scene_s": (UNDERSTANDING,),
    "scenes.max_scene_s": (UNDERSTANDING,),
    "scenes.similarity": (UNDERSTANDING,),
    "fusion.method": (UNDERSTANDING,),
    "fusion.text_weight": (UNDERSTANDING,),
    "fusion.hybrid_weights": (UNDERSTANDING,),
    "topics.taxonomy": (),
    "topics.count": (UNDERSTANDING,),
    "topics.min_score": (UNDERSTANDING,),
    "keyphrases.count": (UNDERSTANDING,),
    "keyphrases.diversity": (UNDERSTANDING,),
    "summary.sentences": (UNDERSTANDING,),
    "summary.redundancy": (UNDERSTANDING,),
    "summary.highlights": (UNDERSTANDING,),
    "summary.keyframes": (UNDERSTANDING,),
    "summary.min_chapter_s": (UNDERSTANDING,),
    "summary.model": (UNDERSTANDING,),
    "summary.nli_model": (UNDERSTANDING,),
    "summary.max_input_tokens": (UNDERSTANDING,),
    "summary.batch_size": (UNDERSTANDING,),
}
"""Every setting of the analysis with the stages that read it. Whoever adds a setting decides here."""

ROLES = (
    "captions", "entities", "fusion", "gazetteer", "nli", "objects", "ocr", "shots", "sounds", "speakers", "speech",
    "summary", "text", "topics", "vision",
)  # fmt: skip


def model(role: str, digest: str = "0" * 16) -> ModelInfo:
    return ModelInfo(role, f"some {role}", __file__, "MIT", digest)  # type: ignore[arg-type]


MODELS = tuple(model(role) for role in ROLES)


def with_other(config: Config, name: str) -> Config:
    """Return the configuration with another value of one setting."""
    section, _, key = name.partition(".")
    before = getattr(config, section)
    value: Any = getattr(before, key)
    other = not value if isinstance(value, bool) else value + 1 if isinstance(value, int | float) else f"{value}x"
    return config.model_copy(update={section: before.model_copy(update={key: other})})


def readers(stages: tuple[str, ...]) -> set[Stage]:
    """Return some stages and those that read their results."""
    found = {stage for stage in STAGES if stage in stages}
    for stage in STAGES:
        if found & set(READS[stage]):
            found.add(stage)
    return found


def changed(before: Mapping[Stage, str], after: Mapping[Stage, str]) -> set[Stage]:
    return {stage for stage in STAGES if before[stage] != after[stage]}


def test_every_setting_is_assigned_to_the_stages_that_read_it() -> None:
    names = {
        f"{section}.{key}" for section in ANALYSIS_SECTIONS for key in type(getattr(Config(), section)).model_fields
    }
    assert names == set(READ_BY), "decide which stages read a new setting"
    assert {name: stages_of_setting(name) for name in names} == dict(READ_BY)


@pytest.mark.parametrize("name", READ_BY)
def test_a_setting_changes_the_revisions_of_its_stages_and_of_those_that_read_them(name: str) -> None:
    before = stage_revisions(Config(), MODELS)
    after = stage_revisions(with_other(Config(), name), MODELS)
    assert changed(before, after) == readers(READ_BY[name])


def test_settings_of_where_and_how_to_run_change_no_stage() -> None:
    before = stage_revisions(Config(), MODELS)
    for section in set(Config.model_fields) - set(ANALYSIS_SECTIONS):
        for key in type(getattr(Config(), section)).model_fields:
            assert stage_revisions(with_other(Config(), f"{section}.{key}"), MODELS) == before, f"{section}.{key}"


@pytest.mark.parametrize("role", ROLES)
def test_a_models_weights_change_the_stages_that_use_it_and_their_readers(role: str) -> None:
    before = stage_revisions(Config(), MODELS)
    others = [model(each.role, "f" * 16) if each.role == role else each for each in MODELS]
    assert changed(before, stage_revisions(Config(), others)) == readers(stages_of_role(role))
    without = [each for each in MODELS if each.role != role]
    assert changed(before, stage_revisions(Config(), without)) == readers(stages_of_role(role))


def test_all_models_of_a_configuration_have_a_stage() -> None:
    assert all(stages_of_role(each.role) for each in models_of(settle(Config())))


@pytest.mark.parametrize("stage", STAGES)
def test_a_new_version_of_a_stage_redoes_it_and_its_readers(stage: Stage) -> None:
    before = recipe_of(Config(), MODELS)
    after = recipe_of(Config(), MODELS, {**STAGE_VERSIONS, stage: STAGE_VERSIONS[stage] + 1})
    assert changed(before.stages, after.stages) == readers((stage,))
    assert before.revision != after.revision


@settings(max_examples=30)
@given(st.permutations(MODELS), st.sampled_from(sorted(READ_BY)))
def test_revisions_depend_on_what_is_used_and_not_on_its_order(models: list[ModelInfo], name: str) -> None:
    config = with_other(Config(), name)
    assert stage_revisions(config, models) == stage_revisions(config, MODELS)
    assert revision_of(config, models) == revision_of(config, MODELS)
    moved = [replace(each, path=each.role, licence="other") for each in models]  # type: ignore[arg-type]
    assert stage_revisions(config, moved) == stage_revisions(config, MODELS)
