"""The models of the profiles: each architecture with tiny random weights, in the Hub's layout, whole and damaged."""

import json
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.analysis.entities import EntityRecognizer
from pipeline.analysis.objects import ObjectDetector
from pipeline.analysis.sounds import SoundClassifier
from pipeline.analysis.text import TextEncoder
from pipeline.analysis.vision import Captioner, FrameEncoder
from schemas.config import Config
from schemas.errors import ModelError
from tests.pipeline.analysis.objects.tiny_detectors import tiny_detector
from tests.pipeline.analysis.sounds.tiny_models import tiny_ast
from tests.pipeline.analysis.vision.tiny_captioners import tiny_captioner
from tests.pipeline.analysis.vision.tiny_models import tiny_contrastive

pytestmark = pytest.mark.models
PROFILES = Path(__file__).parents[3] / "pipeline" / "run" / "profiles"
IMAGE = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)


def tiny_xlm_roberta(folder: Path) -> Path:
    """Save the architecture of multilingual E5 base and large, with a Unigram tokenizer as theirs."""
    import transformers as hf
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    words = [
        "<s>",
        "<pad>",
        "</s>",
        "<unk>",
        "▁query",
        "▁passage",
        ":",
        "▁the",
        "▁film",
        "▁der",
        "▁Film",
        "▁",
        "e",
        "n",
    ]
    inner = Tokenizer(models.Unigram([(word, -1.0 - place) for place, word in enumerate(words)], unk_id=3))
    inner.pre_tokenizer = pre_tokenizers.Metaspace()
    inner.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    tokenizer = hf.PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token="<s>", eos_token="</s>", unk_token="<unk>", pad_token="<pad>",
        cls_token="<s>", sep_token="</s>", model_max_length=512,
    )  # fmt: skip
    tokenizer.save_pretrained(folder)
    config = hf.XLMRobertaConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=40,
    )  # fmt: skip
    hf.XLMRobertaModel(config).save_pretrained(folder)
    return folder


def tiny_distilbert(folder: Path) -> Path:
    """Save the architecture of the recogniser of names, which has no segments, with its classes."""
    import transformers as hf

    folder.mkdir(exist_ok=True)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "Is", "Ada", "Lovelace", "in", "London", "?"]
    (folder / "vocab.txt").write_text("\n".join(words))
    hf.BertTokenizer(str(folder / "vocab.txt"), do_lower_case=False).save_pretrained(folder)
    labels = ["O", "B-DATE", "I-DATE", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"]
    config = hf.DistilBertConfig(
        vocab_size=len(words), dim=16, n_layers=1, n_heads=2, hidden_dim=32, max_position_embeddings=16,
        id2label=dict(enumerate(labels)), label2id={name: place for place, name in enumerate(labels)},
    )  # fmt: skip
    hf.DistilBertForTokenClassification(config).save_pretrained(folder)
    return folder


@dataclass(frozen=True, slots=True)
class Tiny:
    """A tiny model of an architecture, and what its role makes of it."""

    save: Callable[[Path], Path]
    use: Callable[[Any], object]
    role: type


def siglip(folder: Path) -> Path:
    return tiny_contrastive(folder, "siglip", tokenizer=True)


TINY: dict[str, Tiny] = {
    "intfloat/multilingual-e5": Tiny(tiny_xlm_roberta, lambda model: model.encode(["der Film"]), TextEncoder),
    "google/siglip2": Tiny(siglip, lambda model: model.encode([IMAGE]).embeddings, FrameEncoder),
    "microsoft/git": Tiny(
        lambda folder: tiny_captioner(folder, "git"), lambda model: model.caption([IMAGE]), Captioner
    ),
    "HuggingFaceTB/SmolVLM": Tiny(
        lambda folder: tiny_captioner(folder, "idefics3"), lambda model: model.caption([IMAGE]), Captioner
    ),
    "PekingU/rtdetr": Tiny(
        lambda folder: tiny_detector(folder, "rt_detr"), lambda model: model.detect([IMAGE], [()]), ObjectDetector
    ),
    "MIT/ast": Tiny(tiny_ast, lambda model: model.check(), SoundClassifier),
    "Davlan/distilbert": Tiny(
        tiny_distilbert, lambda model: model.recognize(["Is Ada in London?"], ["de"]), EntityRecognizer
    ),
}
"""By how the ids of the models begin. The tests of speech load Whisper's architecture in the layout of CTranslate2."""

SECTIONS = {
    TextEncoder: "text", FrameEncoder: "vision", Captioner: "captions", ObjectDetector: "objects",
    SoundClassifier: "sounds", EntityRecognizer: "entities",
}  # fmt: skip


def loaded(tiny: Tiny, folder: Path) -> Any:
    name = SECTIONS[tiny.role]
    section = getattr(Config.model_validate({name: {"model": str(folder)}}), name)
    return tiny.role(section, device="cpu", threads=1)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("hub")
    return {name: tiny.save(root / name.replace("/", "--")) for name, tiny in TINY.items()}


def test_every_model_of_a_profile_has_its_architecture_here() -> None:
    named = {
        (role, section["model"])
        for profile in ("network", "gpu")
        for role, section in tomllib.loads((PROFILES / f"{profile}.toml").read_text()).items()
        if "model" in section
    }
    assert {role for role, _ in named} == {*SECTIONS.values(), "speech"}
    for role, model_id in named:
        tiny = next((tiny for name, tiny in TINY.items() if model_id.startswith(name)), None)
        assert model_id.startswith("Systran/faster-whisper") if tiny is None else SECTIONS[tiny.role] == role, model_id


@pytest.mark.parametrize("name", TINY)
def test_a_tiny_random_model_of_the_architecture_is_loaded_and_used(name: str, folders: dict[str, Path]) -> None:
    model = loaded(TINY[name], folders[name])
    assert len(TINY[name].use(model)) >= 1  # type: ignore[arg-type]
    assert model.info.path == folders[name]


def _without_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def _of_another_architecture(folder: Path) -> None:
    """Replace the weights by others, of which transformers uses none."""
    from safetensors.numpy import save_file

    save_file({"something.else": np.ones(3, np.float32)}, folder / "model.safetensors", metadata={"format": "pt"})


def _of_another_size(folder: Path) -> None:
    file = folder / "config.json"
    text = file.read_text().replace('"hidden_size": 16', '"hidden_size": 32').replace('"dim": 16', '"dim": 32')
    text = text.replace('"d_model": 16', '"d_model": 32')
    assert text != file.read_text()
    file.write_text(text)


def _not_finite(folder: Path) -> None:
    from safetensors.numpy import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    broken = {name: np.full_like(each, np.nan) if each.dtype.kind == "f" else each for name, each in weights.items()}
    save_file(broken, folder / "model.safetensors", metadata={"format": "pt"})


def _cut_off(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


@pytest.mark.parametrize(
    "damage", [_without_weights, _of_another_architecture, _of_another_size, _not_finite, _cut_off]
)
@pytest.mark.parametrize("name", TINY)
def test_a_damaged_model_is_refused_before_it_computes_anything(
    name: str, damage: Callable[[Path], None], folders: dict[str, Path], tmp_path: Path
) -> None:
    import shutil

    folder = Path(shutil.copytree(folders[name], tmp_path / "model"))
    damage(folder)
    with pytest.raises(ModelError, match=rf"^{SECTIONS[TINY[name].role]}\.model"):
        loaded(TINY[name], folder)


@pytest.mark.parametrize("name", ["PekingU/rtdetr", "MIT/ast", "Davlan/distilbert"])
@pytest.mark.parametrize("labels", [{}, {"0": "LABEL_0"}])
def test_a_model_without_a_name_for_each_of_its_classes_is_refused(
    name: str, labels: dict[str, str], folders: dict[str, Path], tmp_path: Path
) -> None:
    import shutil

    folder = Path(shutil.copytree(folders[name], tmp_path / "model"))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"id2label": labels, "label2id": {}}))
    with pytest.raises(ModelError, match=rf"^{SECTIONS[TINY[name].role]}\.model"):
        loaded(TINY[name], folder)
