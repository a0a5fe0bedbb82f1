"""Which stages of a video to redo, and why: a pure comparison of what it was made with and what a run would use."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.run.history import History
from pipeline.run.revision import Recipe
from pipeline.run.stage_inputs import models_for, settings_of
from schemas.errors import ErrorKind
from schemas.records import StageState
from schemas.stages import READS, STAGES, Stage

UNRECORDED = "made with settings that no run recorded"
NEW_VERSION = "new version of the analysis"
_MAX_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Redo:
    """A reason to redo a stage."""

    stage: Stage
    reason: str
    """In words, as in `speech.beam_size 5 -> 1`."""


def redo_reasons(
    made: Iterable[StageState],
    recipe: Recipe,
    history: History,
    *,
    also: Mapping[Stage, str] | None = None,
    retry_failed: bool = False,
    hopeless: Collection[Stage] = (),
) -> tuple[Redo, ...]:
    """Return why stages of a video must be redone: nothing if its results are those of the recipe.

    Args:
        made: What the stages of the video were made with.
        recipe: What the run would use.
        history: What earlier runs used.
        also: Other reasons by stage, such as subtitle files that have changed.
        retry_failed: Whether to retry stages that failed with a permanent error.
        hopeless: Stages that would fail again. They keep their results, and those that read them start from these.

    Returns:
        One or more reasons for each stage to redo, in the order of the stages. A stage that is only redone because it
        reads another one says so.
    """
    states = {state.name: state for state in made}
    reasons: dict[Stage, list[str]] = {}
    for stage in STAGES:
        if stage in hopeless:
            continue
        found = _own_reasons(stage, states.get(stage), recipe, history, retry_failed=retry_failed)
        found += [also[stage]] if also and stage in also else []
        redone = [each for each in READS[stage] if each in reasons]
        if not found and redone:
            found = [f"reads {' and '.join(redone)}"]
        elif not found and not _made_from(stage, states, recipe, history, hopeless):
            found = [UNRECORDED]
        if found:
            reasons[stage] = found
    return tuple(Redo(stage, reason) for stage, found in reasons.items() for reason in found)


def hopeless_stages(
    tried: Sequence[StageState], kinds: Iterable[str], recipe: Recipe, history: History
) -> tuple[Stage, ...]:
    """Return the stages of a failed attempt if they would fail again for the same reason.

    Args:
        tried: What the failed attempt used.
        kinds: Kinds of its errors.
        recipe: What the run would use.
        history: What earlier runs used.
    """
    same = all(_is_made(state, recipe, history) for state in tried)
    permanent = all(ErrorKind(kind).permanent for kind in kinds)
    return tuple(state.name for state in tried) if same and permanent else ()


def _made_from(
    stage: Stage, states: Mapping[Stage, StageState], recipe: Recipe, history: History, hopeless: Collection[Stage]
) -> bool:
    """Return whether a stage without other reasons is made with the recipe, apart from stages that cannot be."""
    reads_hopeless = not set(hopeless).isdisjoint(READS[stage])
    return reads_hopeless or stage not in states or _is_made(states[stage], recipe, history)


def _is_made(state: StageState, recipe: Recipe, history: History) -> bool:
    return history.is_made(state.name, state.revision, recipe.stages[state.name])


def _own_reasons(
    stage: Stage, state: StageState | None, recipe: Recipe, history: History, *, retry_failed: bool
) -> list[str]:
    """Return the reasons to redo a stage that do not come from the stages that it reads."""
    if state is None:
        return ["not made yet"]
    if not _is_made(state, recipe, history):
        before = history.recipe(stage, state.revision)
        return [UNRECORDED] if before is None else _differences(stage, before, recipe)
    if state.error is not None and (retry_failed or not ErrorKind(state.error).permanent):
        return [f"failed ({state.error})"]
    return []


def _differences(stage: Stage, before: Recipe, now: Recipe) -> list[str]:
    old, new = settings_of(stage, before.settings), settings_of(stage, now.settings)
    changed = [(name, old.get(name), new.get(name)) for name in new if old.get(name) != new.get(name)]
    found = [f"{name} {_shown(was)} -> {_shown(value)}" for name, was, value in changed]
    named = [(was, value) for _, was, value in changed]
    found += [reason for pair, reason in _other_models(stage, before, now) if pair not in named]
    return found + ([NEW_VERSION] if before.versions[stage] != now.versions[stage] else [])


def _other_models(stage: Stage, before: Recipe, now: Recipe) -> list[tuple[tuple[str, str], str]]:
    """Return the models that differ: the ids before and now, and the difference in words."""
    old, new = models_for(stage, before.models), models_for(stage, now.models)
    gone, come = [each for each in old if each not in new], [each for each in new if each not in old]
    found = []
    for role in sorted({role for role, *_ in (*gone, *come)}):
        was = " + ".join(name for each, name, _ in gone if each == role) or "none"
        value = " + ".join(name for each, name, _ in come if each == role) or "none"
        words = f"{role} model {was} -> {value}" if was != value else f"{role} model {value} has other weights"
        found.append(((was, value), words))
    return found


def _shown(value: Any) -> str:  # noqa: ANN401 - of any setting
    if value is None:
        return "unset"
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"
