from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.run.configuration import load_config
from pipeline.run.history import History, history_of
from pipeline.run.redo import NEW_VERSION, UNRECORDED, Redo, hopeless_stages, redo_reasons
from pipeline.run.revision import Recipe, recipe_of
from schemas.config import Config
from schemas.records import StageState
from schemas.stages import READS, STAGES, Stage
from tests.pipeline.run.test_revision import MODELS, READ_BY, model, readers, with_other

NOW = recipe_of(Config(), MODELS)


def recipe(*settings: str) -> Recipe:
    return recipe_of(load_config(environment={}, settings=list(settings)), MODELS)


def states(made: Recipe, **errors: str) -> list[StageState]:
    return [StageState(stage, revision, errors.get(stage)) for stage, revision in made.stages.items()]


def history(*recipes: Recipe) -> History:
    return History({(stage, each.stages[stage]): each for each in recipes for stage in STAGES})


def why(before: Recipe, now: Recipe = NOW, **options: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for redo in redo_reasons(states(before), now, history(before), **options):
        found.setdefault(redo.stage, []).append(redo.reason)
    return found


def test_results_of_the_recipe_are_kept() -> None:
    assert redo_reasons(states(NOW), NOW, History()) == ()


def test_a_reason_names_the_settings_that_differ() -> None:
    assert why(recipe(), recipe("speech.beam_size=1", 'speech.language="de"')) == {
        "sound": ["speech.language unset -> de", "speech.beam_size 5 -> 1"],
        "text": ["reads sound"],
        "understanding": ["reads sound and text"],
    }
    assert why(recipe("shots.slides=false")) == {
        "picture": ["shots.slides false -> true"],
        "text": ["reads picture"],
        "understanding": ["reads picture and text"],
    }
    assert why(recipe("summary.sentences=7")) == {"understanding": ["summary.sentences 7 -> 5"]}


def test_a_model_that_differs_is_named_once() -> None:
    others = [model(each.role, "f" * 16) if each.role == "speech" else each for each in MODELS]
    assert why(NOW, recipe_of(Config(), others))["sound"] == ["speech model some speech has other weights"]
    named = replace(model("speech"), id="embedded:whisper-base")
    large = [*(each for each in MODELS if each.role != "speech"), replace(named, id="large")]
    base = [*(each for each in MODELS if each.role != "speech"), named]
    config = load_config(environment={}, settings=['speech.model="large"'])
    assert why(recipe_of(Config(), base), recipe_of(config, large))["sound"] == [
        "speech.model embedded:whisper-base -> large"
    ]
    without = [each for each in MODELS if each.role != "speakers"]
    assert why(recipe_of(Config(), without))["sound"] == ["speakers model none -> some speakers"]


def test_a_new_version_of_a_stage_is_a_reason() -> None:
    newer = recipe_of(Config(), MODELS, {**NOW.versions, "text": NOW.versions["text"] + 1})
    assert why(NOW, newer) == {"text": [NEW_VERSION], "understanding": ["reads text"]}


def test_a_stage_that_failed_is_retried_unless_it_would_fail_again() -> None:
    made = states(NOW, picture="internal", sound="unsupported")
    assert redo_reasons(made, NOW, History()) == (
        Redo("picture", "failed (internal)"),
        Redo("text", "reads picture"),
        Redo("understanding", "reads picture and text"),
    )
    assert Redo("sound", "failed (unsupported)") in redo_reasons(made, NOW, History(), retry_failed=True)
    other = recipe("speech.beam_size=1")
    found = redo_reasons(states(NOW, sound="unsupported"), other, history(NOW))
    assert found[0] == Redo("sound", "speech.beam_size 5 -> 1"), "with other settings it may succeed"


def test_results_that_no_run_explains_are_redone() -> None:
    assert redo_reasons([StageState(stage, "?") for stage in STAGES], NOW, History()) == tuple(
        Redo(stage, UNRECORDED) for stage in STAGES
    )
    assert {redo.stage for redo in redo_reasons([], NOW, History())} == set(STAGES)


def test_a_caller_may_add_reasons() -> None:
    assert why(NOW, also={"text": "subtitle files have changed"}) == {
        "text": ["subtitle files have changed"],
        "understanding": ["reads text"],
    }


def test_stages_of_different_runs_are_compared_each_with_its_own() -> None:
    first, second = recipe("speech.beam_size=2"), recipe("speech.beam_size=2", "summary.sentences=7")
    made = [*states(first)[:3], states(second)[3]]
    assert redo_reasons(made, second, history(first, second)) == ()
    found = redo_reasons(made, NOW, history(first, second))
    assert [(redo.stage, redo.reason) for redo in found if redo.stage != "text"] == [
        ("sound", "speech.beam_size 2 -> 5"),
        ("understanding", "summary.sentences 7 -> 5"),
    ]


@given(st.sampled_from(sorted(READ_BY)), st.booleans())
def test_what_is_redone_is_what_a_setting_decides_and_its_readers(name: str, recorded: bool) -> None:
    before = recipe_of(with_other(Config(), name), MODELS)
    found = redo_reasons(states(before), NOW, history(before) if recorded else History())
    redone: set[Stage] = {redo.stage for redo in found}
    assert redone == readers(READ_BY[name])
    assert all(set(READS[stage]).isdisjoint(redone) or stage in redone for stage in STAGES)
    if recorded:
        assert all(redo.reason != UNRECORDED for redo in found)


def run_row(config: Config, **changes: Any) -> dict[str, Any]:
    """Return the columns of a run's row as `flows.record` writes them."""
    made = recipe_of(config, MODELS)
    return {
        "revision": made.revision,
        "stages": [
            {"name": stage, "revision": revision, "version": made.versions[stage]}
            for stage, revision in made.stages.items()
        ],
        "configuration": config.model_dump_json(),
        "models": [{name: getattr(each, name) for name in ("role", "id", "licence", "digest")} for each in MODELS],
    } | changes


def test_a_setting_that_is_newer_than_the_results_counts_with_its_default() -> None:
    row = run_row(Config())
    older = '"beam_size":5,'
    assert older in row["configuration"]
    digests = dict.fromkeys(STAGES, "0123456789abcdef")
    row["stages"] = [{**each, "revision": digests[each["name"]]} for each in row["stages"]]
    row["configuration"] = row["configuration"].replace(older, '"dropped_setting":1,')
    made = [StageState(stage, revision) for stage, revision in digests.items()]
    assert redo_reasons(made, NOW, history_of([row])) == ()
    other = recipe("speech.beam_size=1")
    assert Redo("sound", "speech.beam_size 5 -> 1") in redo_reasons(made, other, history_of([row]))


@pytest.mark.parametrize("damage", ["", "{}", '{"speech": 1}', "[1]", "null"])
def test_a_run_that_another_program_wrote_explains_nothing(damage: str) -> None:
    assert history_of([run_row(Config(), configuration=damage, stages=None)]).recipes == {}
    assert history_of([run_row(Config(), stages=[])]).recipes == {}


def test_a_stage_that_would_fail_again_keeps_its_results_and_holds_up_no_other() -> None:
    before = recipe("ocr.min_score=0.9")
    tried = [StageState("picture", NOW.stages["picture"])]
    hopeless = hopeless_stages(tried, ["corrupt"], NOW, history(before))
    assert hopeless == ("picture",)
    assert hopeless_stages(tried, ["internal"], NOW, history(before)) == ()
    assert hopeless_stages(tried, ["corrupt"], before, history(before)) == ()
    assert redo_reasons(states(before), NOW, history(before), hopeless=hopeless) == ()
    changed = redo_reasons(states(before), NOW, history(before), also={"text": "corrected"}, hopeless=hopeless)
    assert changed == (Redo("text", "corrected"), Redo("understanding", "reads text"))
