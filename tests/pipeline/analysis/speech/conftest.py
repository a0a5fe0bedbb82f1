"""What tests of speech share."""

from collections.abc import Iterator
from functools import cache

import pytest

from pipeline.analysis.speech import recognizer


@pytest.fixture(scope="module")
def kept_whisper() -> Iterator[None]:
    """Load the weights of each engine once for a file. The settings of a recognizer that do not load are its own."""
    load = recognizer.load_engine

    @cache
    def kept(engine: str, compute_type: str, info: object, device: str, threads: int) -> object:
        config = recognizer.SpeechConfig(engine=engine, compute_type=compute_type)
        return load(config, info, device=device, threads=threads)

    def loaded(config: recognizer.SpeechConfig, info: object, *, device: str, threads: int) -> object:
        return kept(config.engine, config.compute_type, info, device, threads)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recognizer, "load_engine", loaded)
        yield
