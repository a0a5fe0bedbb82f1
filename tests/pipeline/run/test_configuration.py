import tomllib
from pathlib import Path

import pytest

from flows.commands.settings import settings_toml
from pipeline.run.configuration import load_config, parse_settings, profile_names, write_settings
from pipeline.run.revision import models_of, revision_of
from schemas.config import Config
from schemas.errors import ConfigurationError


def test_each_source_overrides_the_one_before(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[speech]\nbeam_size = 2\nbatch_size = 3\n[ocr]\nengine = 'rapidocr'\n")
    environment = {"VIDEOLAKE_SPEECH__BATCH_SIZE": "4", "VIDEOLAKE_CACHE": "/not/a/setting"}
    config = load_config(
        profile="fast",
        file=file,
        environment=environment,
        settings=["vision.batch_size=7"],
        overrides={"text": {"max_tokens": 99}},
    )
    assert config.media.sample_interval_s == 2.0, "the profile"
    assert config.ocr.engine == "rapidocr", "the file, over the profile"
    assert config.speech.beam_size == 2
    assert config.speech.batch_size == 4, "the environment, over the file"
    assert config.vision.batch_size == 7, "--set"
    assert config.text.max_tokens == 99, "flags"


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (["speech.beam=1"], "speech.beam"),
        (["nothing.here=1"], "nothing"),
        (["speech.beam_size=0"], "speech.beam_size"),
        (["speech.beam_size=many"], "speech.beam_size"),
        (["speech"], "section.key=value"),
    ],
)
def test_a_wrong_setting_is_an_error_that_names_it(settings: list[str], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        load_config(environment={}, settings=settings)


def test_a_missing_profile_or_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="embedded"):
        load_config(profile="best", environment={})
    with pytest.raises(ConfigurationError, match=r"none\.toml"):
        load_config(file=tmp_path / "none.toml", environment={})
    (tmp_path / "bad.toml").write_text("[speech\n")
    with pytest.raises(ConfigurationError, match="not valid TOML"):
        load_config(file=tmp_path / "bad.toml", environment={})


@pytest.mark.parametrize("profile", profile_names())
def test_every_profile_is_valid(profile: str) -> None:
    load_config(profile=profile, environment={})


def test_the_path_of_a_taxonomy_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text('[[topics]]\nname = "tides"\n')
    config = load_config(environment={}, settings=["topics.taxonomy=mine.toml"])
    assert config.topics.taxonomy == str(tmp_path / "mine.toml")
    assert load_config(environment={}, settings=["topics.taxonomy=general"]).topics.taxonomy == "general"


def test_the_printed_configuration_can_be_loaded_and_explains_every_setting(tmp_path: Path) -> None:
    config = load_config(environment={}, settings=["speech.beam_size=1", 'archive.extensions=["mp4"]'])
    printed = settings_toml(config)
    file = tmp_path / "printed.toml"
    file.write_text(printed)
    assert load_config(file=file, environment={}) == config
    assert tomllib.loads(printed)["archive"]["extensions"] == ["mp4"]
    for section in Config.model_fields:
        for key, field in type(getattr(config, section)).model_fields.items():
            assert field.description, f"{section}.{key} has no meaning"


def test_a_revision_depends_on_the_analysis_and_not_on_the_workers() -> None:
    config = Config()
    models = models_of(config)
    revision = revision_of(config, models)
    assert len(revision) == 16
    assert revision_of(load_config(environment={}, settings=["workers.threads=3"]), models) == revision
    assert revision_of(load_config(environment={}, settings=["speech.beam_size=1"]), models) != revision
    assert revision_of(config, models[1:]) != revision
    assert {model.role for model in models} == {
        "text", "vision", "shots", "speech", "speakers", "sounds", "ocr", "objects", "entities", "topics",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("profile", "settings", "text"),
    [
        (None, [], ""),
        ("fast", [], ""),
        ("fast", ["speech.beam_size=3"], "[speech]\nbeam_size = 3\n"),
        (None, ["limits.timeout_s=inf", "speech.word_times=false"],
         "[speech]\nword_times = false\n\n[limits]\ntimeout_s = inf\n"),
        (None, ['archive.extensions=["mp4", "mkv"]'], '[archive]\nextensions = ["mp4", "mkv"]\n'),
        (None, ['captions.prompt="Say \\u007f \\"it\\" 😀\\n\\u0001"'],
         '[captions]\nprompt = "Say \\u007f \\"it\\" 😀\\n\\u0001"\n'),
    ],
)  # fmt: skip
def test_a_configuration_is_a_profile_and_a_short_text(profile: str | None, settings: list[str], text: str) -> None:
    config = load_config(profile=profile, environment={}, settings=settings)
    assert write_settings(config) == (profile or "embedded", text)
    assert parse_settings(*write_settings(config)) == config
    assert parse_settings("embedded", settings_toml(config)) == config, "what `videolake config` prints"


def test_the_environment_of_the_machine_does_not_change_a_written_configuration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VIDEOLAKE_SPEECH__BEAM_SIZE", "1")
    assert parse_settings("embedded", "").speech.beam_size == 5
    assert parse_settings(*write_settings(load_config())) == load_config()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[speech]\nbeam_size 3", "at line 2"),
        ("[speech]\n\nbeam_size = 0", r"line 3, speech\.beam_size"),
        ("[media]\n[speech]  # greedy\n'beams' = 1", r"line 3, speech\.beams: there is no such setting"),
        ("ocr.engine = 'none'\nspeech.beam_size = 'many'", r"line 2, speech\.beam_size"),
        ("[archive]\nextensions = [\n'mp4',\n3]", r"line 2, archive\.extensions"),
        ("[nothing]\nhere = 1", "line 1, nothing: there is no such setting"),
        ("speech = 3", "line 1, speech"),
        ("a = " + "[" * 100_000, "not valid TOML"),
        ("--set speech.beam_size=1", r"line 1(.|\n)*Write settings like this:\n\[speech\]"),
    ],
)
def test_a_wrong_text_is_an_error_that_names_the_line(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        parse_settings("embedded", text)
