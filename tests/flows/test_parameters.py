"""The parameters of the flow and the names of its runs."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import pytest

from flows.archive import analyze_archive
from flows.naming import artifact_key, planned_name
from flows.parameters import Profile, config_of
from pipeline.models import allow_python_models
from pipeline.run import Changes, allow_setting_files, profile_names
from schemas.errors import ConfigurationError

pytestmark = pytest.mark.prefect


def test_the_run_form_asks_for_four_things() -> None:
    form = analyze_archive.parameters.model_dump()
    assert list(form["properties"]) == ["archive", "lake", "profile", "settings"]
    assert form["required"] == ["archive", "lake"]
    assert all(field.get("description") for field in form["properties"].values())
    assert not form["definitions"]


def test_the_form_offers_every_profile() -> None:
    assert sorted(get_args(Profile)) == list(profile_names())


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        (Changes(1200, 3, 0), "films: 1,200 new, 3 changed"),
        (Changes(0, 0, 2), "films: 2 retried"),
        (Changes(0, 0, 0), "films: no change"),
    ],
)
def test_a_run_is_named_by_what_it_does(changes: Changes, name: str) -> None:
    assert planned_name("/data/films/", changes) == name


def test_each_lake_has_its_own_artifacts_however_it_is_written(tmp_path: Path) -> None:
    lake = tmp_path / "a" / "Films 2026"
    lake.mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "a")
    key = artifact_key("result", str(lake))
    assert key.startswith("videolake-result-films-2026-")
    assert artifact_key("result", f"{tmp_path}/link/Films 2026/") == key
    assert artifact_key("result", lake.as_uri()) == key
    keys = {artifact_key("result", place) for place in ("/a/films", "/b/films", "s3://b/films", "/Ünï/…", "/a/日本")}
    assert len(keys) == 5
    assert all(set(key) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") for key in keys)
    assert artifact_key("result", "s3://b/films/") == artifact_key("result", "s3://b/films")


@pytest.mark.parametrize("address", ["10.0.0.5:6379", "evil.example.com:6379", "ray://10.0.0.5:10001"])
def test_whoever_starts_a_run_of_a_deployment_cannot_choose_its_cluster(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    settings = f'[workers]\nray_address = "{address}"'
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    assert config_of("embedded", settings).workers.ray_address == address  # `videolake run` is the operator's
    monkeypatch.setattr("flows.parameters.deployment", SimpleNamespace(id="some deployment"))
    with pytest.raises(ConfigurationError, match="may not be joined"):
        config_of("embedded", settings)
    config_of("embedded", '[workers]\nray_address = "auto"')
    with monkeypatch.context() as operator:
        operator.setenv("RAY_ADDRESS", address)
        config_of("embedded", settings)


def test_the_operator_can_allow_the_cluster_of_a_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.parameters.deployment", SimpleNamespace(id="some deployment"))
    monkeypatch.setenv("VIDEOLAKE_ALLOWED_HOSTS", "head.internal,10.0.0.0/24")
    for address in ("head.internal:6379", "10.0.0.5:6379"):
        config_of("embedded", f'[workers]\nray_address = "{address}"')


@pytest.mark.parametrize("setting", ["captions.model", "fusion.method", "text.multilingual_model", "speakers.model"])
def test_whoever_starts_a_run_of_a_deployment_cannot_choose_what_workers_import(
    monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    section, key = setting.split(".")
    settings = f'[{section}]\n{key} = "python:os:system"'
    named = config_of("embedded", settings)  # `videolake run` is the operator's
    monkeypatch.setattr("flows.parameters.deployment", SimpleNamespace(id="some deployment"))
    monkeypatch.setenv("VIDEOLAKE_ALLOWED_PYTHON_MODELS", "python:os:sys, python:my_package:Model")
    with pytest.raises(ConfigurationError, match=f"{setting}: python:os:system may not be imported"):
        config_of("embedded", settings)
    config_of("embedded", settings.replace("os:system", "my_package:Model"))
    config_of("embedded", settings.replace("python:os:system", "plugin:sum"))
    allow_python_models(named)  # as `videolake serve` does for its own settings
    config_of("embedded", settings)
    config_of("embedded", settings.replace("os:system", "my_package:Model"))


@pytest.mark.parametrize("setting", ["topics.taxonomy", "entities.gazetteer"])
def test_whoever_starts_a_run_of_a_deployment_cannot_choose_which_files_are_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, setting: str
) -> None:
    section, key = setting.split(".")
    secret, allowed = tmp_path / "secret.txt", tmp_path / "names"
    secret.write_text("password")
    allowed.mkdir()
    (allowed / "mine").write_text("")
    (allowed / "link").symlink_to(secret)

    def settings(path: Path | str) -> str:
        return f'[{section}]\n{key} = "{path}"'

    named = config_of("embedded", settings(secret))  # `videolake run` is the operator's
    monkeypatch.setattr("flows.parameters.deployment", SimpleNamespace(id="some deployment"))
    monkeypatch.delenv("VIDEOLAKE_ALLOWED_FILES", raising=False)
    with pytest.raises(ConfigurationError, match="may not be read"):
        config_of("embedded", settings(secret))
    monkeypatch.setenv("VIDEOLAKE_ALLOWED_FILES", f"/nowhere, {allowed}")
    config_of("embedded", settings(allowed / "mine"))
    for path in (secret, allowed / "link", f"{allowed}/../secret.txt", tmp_path / "names-of-others", "general.toml"):
        with pytest.raises(ConfigurationError, match=f"{setting}: .* may not be read"):
            config_of("embedded", settings(path))
    config_of("embedded", '[topics]\ntaxonomy = "general"')
    config_of("embedded", '[topics]\ntaxonomy = "none"')
    allow_setting_files(named)  # as `videolake serve` does for its own settings
    config_of("embedded", settings(secret))
    config_of("embedded", settings(allowed / "mine"))


@pytest.mark.parametrize("path", ["~nobody-of-this-name/names", "link", "a\\u0000b"])
def test_a_path_that_leads_nowhere_is_an_error_of_the_settings(
    path: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("flows.parameters.deployment", SimpleNamespace(id="some deployment"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to("link")
    with pytest.raises(ConfigurationError):
        config_of("embedded", f'[entities]\ngazetteer = "{path}"')


def test_a_comma_in_a_path_of_the_operator_allows_no_other_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VIDEOLAKE_ALLOWED_FILES", "")
    named = config_of("embedded", f'[entities]\ngazetteer = "{tmp_path}/,names.csv"')
    with pytest.raises(ConfigurationError, match="has a comma"):
        allow_setting_files(named)
    assert os.environ["VIDEOLAKE_ALLOWED_FILES"] == ""
