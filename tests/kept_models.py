"""Models that tests load once, instead of once for each run."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from pipeline.analysis.video import models

_KEPT = (
    "TextEncoder",
    "FrameEncoder",
    "TransNet",
    "SpeechRecognizer",
    "SpeakerEncoder",
    "SoundClassifier",
    "TextReader",
    "ObjectDetector",
    "EntityRecognizer",
    "TopicSpaces",
)


@contextmanager
def models_kept(made: dict[str, Any]) -> Iterator[None]:
    """Let `load_models` take a model that was loaded, and found to work, with the same settings before.

    How many threads it has does not count: that changes no result.

    Args:
        made: Where they are kept.
    """

    def kept(name: str) -> Any:
        model = getattr(models, name)

        def make(section: Any, **options: Any) -> Any:
            others = {option: value for option, value in options.items() if option != "threads"}
            key = f"{name} {section!r} {others!r}"
            if key not in made:
                made[key] = model(section, **options)
            return made[key]

        return make

    check = models._check

    def check_once(role: str, model: Any, run: Callable[[], Any]) -> None:
        key = f"checked as {role} {id(model)}"
        if key not in made:
            check(role, model, run)
            made[key] = model

    with patch.multiple(models, _check=check_once, **{name: kept(name) for name in _KEPT}):
        yield
