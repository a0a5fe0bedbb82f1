from pathlib import Path

import numpy as np
import pytest

from pipeline.analysis.vision import Captioner
from pipeline.analysis.vision.captioner import sentence
from pipeline.models import resolve
from pipeline.run.revision import models_of, revision_of
from schemas.config import CaptionsConfig, Config
from schemas.errors import ModelError
from tests.pipeline.analysis.vision.tiny_captioners import WORDS, tiny_captioner

pytestmark = pytest.mark.slow

ARCHITECTURES = ("blip", "git", "vision-encoder-decoder", "llava", "idefics3")


def captioner(**settings: object) -> Captioner:
    return Captioner(CaptionsConfig(precision="float32", **settings), device="cpu", threads=1)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("captioners")
    return {name: tiny_captioner(root / name, name) for name in ARCHITECTURES}


@pytest.fixture
def noise() -> list[np.ndarray]:
    generator = np.random.default_rng(7)
    return [generator.integers(0, 255, (*size, 3), dtype=np.uint8) for size in ((72, 128), (90, 50), (33, 33))]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_image_to_text_models_write_a_sentence_a_frame_with_random_weights(
    folders: dict[str, Path], architecture: str, noise: list[np.ndarray]
):
    found = captioner(model=str(folders[architecture]), max_tokens=6)
    captions = found.caption(noise)
    assert len(captions) == 3
    assert any(captions)
    for caption in captions:
        words = caption.lower().rstrip(".").split()
        assert set(words) <= {*WORDS, "[unk]"}
        assert len(words) <= 6
        assert not caption or (caption[0] == caption[0].upper() and caption.endswith("."))
    assert found.source == f"model:{folders[architecture]}"


@pytest.mark.parametrize("architecture", ["blip", "llava", "idefics3"])
def test_captions_do_not_depend_on_the_batch_with_random_weights(
    folders: dict[str, Path], architecture: str, noise: list[np.ndarray]
):
    together = captioner(model=str(folders[architecture]), max_tokens=6).caption(noise)
    one_by_one = captioner(model=str(folders[architecture]), max_tokens=6, batch_size=1).caption(noise)
    assert together == one_by_one
    assert any(together)


def test_a_blank_frame_is_not_asked_about_with_random_weights(folders: dict[str, Path], noise: list[np.ndarray]):
    black = np.zeros((40, 60, 3), dtype=np.uint8)
    found = captioner(model=str(folders["blip"]), max_tokens=6)
    assert found.caption([black, noise[0], black]) == ["", found.caption([noise[0]])[0], ""]
    assert found.caption([]) == []


def test_the_same_frames_get_the_same_captions_again_with_random_weights(
    folders: dict[str, Path], noise: list[np.ndarray]
):
    found = captioner(model=str(folders["blip"]), beam_size=3, max_tokens=5)
    assert found.caption(noise) == found.caption(noise)


def test_weights_that_are_pickles_are_refused(folders: dict[str, Path], tmp_path: Path):
    import torch

    for file in folders["blip"].iterdir():
        if file.suffix != ".safetensors":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    torch.save({}, tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"cannot be loaded as an image-to-text model"):
        captioner(model=str(tmp_path))


def test_a_model_of_another_kind_is_refused(tmp_path: Path):
    (tmp_path / "model.safetensors").write_bytes(b"no weights")
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(ModelError, match=r"captions\.model: .* cannot be loaded as an image-to-text model"):
        captioner(model=str(tmp_path))


def test_the_captioner_is_among_the_models_and_in_the_revision(folders: dict[str, Path], tmp_path: Path):
    def revision(model: str) -> str:
        config = Config(captions=CaptionsConfig(model=model))
        return revision_of(config, models_of(config))

    other = tiny_captioner(tmp_path / "other", "blip", seed=8)
    config = Config(captions=CaptionsConfig(model=str(folders["blip"])))
    assert resolve("captions", str(folders["blip"])) in models_of(config)
    assert len({revision("composed"), revision(str(folders["blip"])), revision(str(other))}) == 3
    assert {model.role for model in models_of(Config())}.isdisjoint({"captions"})


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (" a cat  on\na mat", "A cat on a mat."),
        ("Two dogs!", "Two dogs!"),
        ("...", ""),
        ("", ""),
        ("a man and a ,", "A man and a."),
        ("一只猫。", "一只猫。"),
    ],
)
def test_what_a_model_writes_becomes_one_sentence(written: str, said: str):
    assert sentence(written) == said
