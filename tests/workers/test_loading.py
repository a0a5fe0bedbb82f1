"""Models that were loaded ahead are used by the run they were loaded for, and by no other."""

from collections.abc import Collection, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.models import settle
from schemas.config import Config, SpeechConfig
from schemas.stages import STAGES, Stage
from workers import loading
from workers.loading import load, load_ahead

CONFIG = settle(Config())


@pytest.fixture(autouse=True)
def loaded(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """What was loaded, in order."""
    made: list[Any] = []

    def fake(_config: Config, *, stages: Collection[Stage], **_options: object) -> Any:
        made.append(SimpleNamespace(stages=frozenset(stages)))
        return made[-1]

    monkeypatch.setattr(loading, "load_models", fake)
    yield made
    loading._ahead.clear()


@pytest.mark.parametrize("stages", [STAGES, ("understanding",)])
def test_what_was_loaded_ahead_is_used_once(loaded: list[Any], stages: tuple[Stage, ...]) -> None:
    load_ahead(Config(), 2, STAGES)
    assert load(CONFIG, 2, stages).models is loaded[0]
    assert load(CONFIG, 2, stages).models is loaded[1]


@pytest.mark.parametrize(
    ("config", "threads", "stages"),
    [
        (CONFIG.model_copy(update={"speech": SpeechConfig(language="de")}), 2, ("picture",)),
        (CONFIG, 1, ("picture",)),
        (CONFIG, 2, ("picture", "sound")),
    ],
)
def test_models_of_other_settings_are_dropped_before_others_are_loaded(
    loaded: list[Any], config: Config, threads: int, stages: tuple[Stage, ...]
) -> None:
    load_ahead(Config(), 2, ("picture",))
    found = load(config, threads, stages)
    assert found.models is loaded[1]
    assert found.models.stages == set(stages)
    assert not loading._ahead
