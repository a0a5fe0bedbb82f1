"""Fetching: what is on this disk afterwards is what the Hub has, or the error says why not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.models import fetch
from schemas.errors import ModelError
from tests.hub import COMMIT, FakeHub, running_hub

MODEL = "someone/tiny"
WEIGHTS = b"weights" * 100


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    folder = tmp_path / "hub" / MODEL
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(WEIGHTS)
    (folder / "config.json").write_text("{}")
    (folder / "pytorch_model.bin").write_bytes(b"not needed")
    (folder / "README.md").write_text("---\nlicense: mit\n---\n")
    with running_hub(tmp_path / "hub") as server:
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", server.endpoint)
        monkeypatch.setattr(
            "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE",
            server.endpoint + "/{repo_id}/resolve/{revision}/{filename}",
        )
        yield server


def test_a_model_is_downloaded_once_without_files_of_other_frameworks(hub: FakeHub) -> None:
    info = fetch("text", MODEL)
    assert sorted(file.name for file in info.path.iterdir()) == ["README.md", "config.json", "model.safetensors"]
    assert (info.licence, info.size_bytes) == ("MIT", len(WEIGHTS))
    hub.requests.clear()
    assert fetch("text", MODEL) == info
    assert not [path for path in hub.requests if path.endswith(".safetensors")]


def test_a_download_that_arrived_damaged_is_repeated(hub: FakeHub) -> None:
    hub.damage = [str(hub.root / MODEL / "model.safetensors")]
    info = fetch("text", MODEL)
    assert (info.path / "model.safetensors").read_bytes() == WEIGHTS


def test_a_file_that_was_damaged_on_this_disk_is_downloaded_again(hub: FakeHub) -> None:
    file = fetch("text", MODEL).path / "model.safetensors"
    file.resolve().write_bytes(b"damaged")
    info = fetch("text", MODEL)
    assert (info.path / "model.safetensors").read_bytes() == WEIGHTS


def test_what_arrives_damaged_twice_is_an_error_that_names_the_file(hub: FakeHub) -> None:
    hub.damage = [str(hub.root / MODEL / "model.safetensors")] * 2
    with pytest.raises(ModelError, match=rf"{MODEL}: the download of model\.safetensors is damaged.*/{COMMIT}"):
        fetch("text", MODEL)


def test_a_model_that_the_hub_does_not_have_is_named(hub: FakeHub) -> None:
    with pytest.raises(ModelError, match=r"text\.model: someone/nothing is neither a folder here nor a model"):
        fetch("text", "someone/nothing")


def test_without_the_hub_a_model_that_is_here_cannot_be_verified(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    fetch("text", MODEL)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match=r"could not be reached for its checksums"):
        fetch("text", MODEL)


def test_a_folder_needs_no_hub(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(WEIGHTS)
    assert fetch("text", str(tmp_path)).path == tmp_path
