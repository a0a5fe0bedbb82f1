"""Models that the tests of a file load once, instead of once for each run."""

from collections.abc import Iterator
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
    """Let `load_models` take a model that was loaded with the same settings before.

    Args:
        made: Where they are kept.
    """

    def kept(model: type) -> Any:
        def make(section: Any, **options: Any) -> Any:
            key = f"{model.__name__} {section!r} {options!r}"
            if key not in made:
                made[key] = model(section, **options)
            return made[key]

        return make

    with patch.multiple(models, **{name: kept(getattr(models, name)) for name in _KEPT}):
        yield
