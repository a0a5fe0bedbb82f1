"""Whisper checkpoints: CTranslate2, Transformers or OpenAI files, converted once to OpenAI's layout and cached."""

import base64
import gzip
import json
import os
import pickle
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pipeline.analysis.speech.engines.interface import is_ctranslate2
from pipeline.analysis.speech.engines.tensor_names import from_ctranslate2, from_transformers, read_ctranslate2
from pipeline.models import ModelInfo, cache_dir
from schemas.errors import ModelError

Heads = tuple[tuple[int, int], ...]
"""(layer, head) pairs of the decoder whose cross-attention follows the audio."""


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """A Whisper model in OpenAI's layout."""

    dims: Mapping[str, int]
    """Arguments of `whisper.model.ModelDimensions`."""
    state: Mapping[str, Tensor]
    """For `whisper.model.Whisper(dims).load_state_dict`; float32."""
    alignment_heads: Heads
    """Empty if the source does not state them."""


def cached_checkpoint(info: ModelInfo) -> Checkpoint:
    """Return the model in OpenAI's layout. The first call converts it and caches the result.

    Processes may convert at the same time: each moves a complete file into place.

    Raises:
        ModelError: The model cannot be read.
    """
    if not is_ctranslate2(info.path):
        return read_checkpoint(info)
    target = cache_dir() / "openai-whisper" / f"{info.digest}.safetensors"
    if not target.is_file():
        checkpoint = read_checkpoint(info)
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, suffix=".part")
        os.close(handle)
        save_checkpoint(checkpoint, Path(name))
        Path(name).replace(target)
    return open_checkpoint(target)


def read_checkpoint(info: ModelInfo) -> Checkpoint:
    """Read a CTranslate2 folder, a Transformers folder, or one of OpenAI's `.pt` files.

    Raises:
        ModelError: The path holds none of these, or a damaged one.
    """
    path = info.path
    try:
        if is_ctranslate2(path):
            return _ctranslate2_checkpoint(path)
        if list(path.glob("model*.safetensors")):
            return _transformers_checkpoint(path)
        pickled = [path] if path.suffix == ".pt" else sorted(path.glob("*.pt"))
        if len(pickled) == 1:
            return _openai_checkpoint(pickled[0])
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"{path} holds Python objects besides tensors, which are never loaded; set speech.model to another file"
        ) from error
    except (KeyError, ValueError, OSError, RuntimeError) as error:
        raise ModelError(f"cannot read speech.model {info.id} from {path}: {error}") from error
    raise ModelError(
        f"{path} holds no Whisper model that openai-whisper can read: it needs model.bin (CTranslate2), "
        "model.safetensors (Transformers), or exactly one .pt file (OpenAI); set speech.model to such a folder"
    )


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write a checkpoint as safetensors; tensors that float16 holds exactly are stored in float16."""
    from safetensors.torch import save_file

    header = {"dims": json.dumps(dict(checkpoint.dims)), "alignment_heads": json.dumps(checkpoint.alignment_heads)}
    save_file({name: _compact(tensor) for name, tensor in checkpoint.state.items()}, str(path), metadata=header)


def open_checkpoint(path: Path) -> Checkpoint:
    """Read a file that `save_checkpoint` wrote."""
    from safetensors import safe_open

    with safe_open(str(path), framework="pt") as file:
        header = file.metadata()
        state = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118 (not a dict)
    return Checkpoint(json.loads(header["dims"]), state, _heads(json.loads(header["alignment_heads"])))


def _compact(tensor: Tensor) -> Tensor:
    half = tensor.half()
    return (half if torch.equal(half.float(), tensor) else tensor).contiguous()


def _heads(pairs: object) -> Heads:
    return tuple((int(layer), int(head)) for layer, head in pairs) if isinstance(pairs, list) else ()


def _ctranslate2_checkpoint(folder: Path) -> Checkpoint:
    with (folder / "model.bin").open("rb") as file:
        source = read_ctranslate2(file)
    state = from_ctranslate2(source)
    heads = {side: int(source[f"{side}/num_heads"]) for side in ("encoder", "decoder")}
    config = json.loads((folder / "config.json").read_text("utf-8"))
    return Checkpoint(_dims(state, heads["encoder"], heads["decoder"]), state, _heads(config.get("alignment_heads")))


def _transformers_checkpoint(folder: Path) -> Checkpoint:
    from safetensors.torch import load_file

    config = json.loads((folder / "config.json").read_text("utf-8"))
    generation = folder / "generation_config.json"
    hints = json.loads(generation.read_text("utf-8")) if generation.is_file() else {}
    source: dict[str, Tensor] = {}
    for file in _shards(folder):
        source.update(load_file(str(file)))
    state = from_transformers(source)
    dims = _dims(state, config["encoder_attention_heads"], config["decoder_attention_heads"])
    return Checkpoint(dims, state, _heads(hints.get("alignment_heads")))


def _shards(folder: Path) -> Sequence[Path]:
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return [folder / "model.safetensors"]
    return [folder / name for name in sorted(set(json.loads(index.read_text("utf-8"))["weight_map"].values()))]


def _openai_checkpoint(path: Path) -> Checkpoint:
    from whisper import _ALIGNMENT_HEADS

    content = torch.load(path, map_location="cpu", weights_only=True)
    dims: dict[str, int] = content["dims"]
    state = {name: tensor.float() for name, tensor in content["model_state_dict"].items()}
    heads: Heads = ()
    if path.stem in _ALIGNMENT_HEADS:
        published = np.frombuffer(gzip.decompress(base64.b85decode(_ALIGNMENT_HEADS[path.stem])), dtype=bool)
        grid = published.reshape(dims["n_text_layer"], dims["n_text_head"])
        heads = tuple((int(layer), int(head)) for layer, head in np.argwhere(grid))
    return Checkpoint(dims, state, heads)


def _dims(state: Mapping[str, Tensor], audio_heads: int, text_heads: int) -> dict[str, int]:
    n_audio_ctx, n_audio_state = state["encoder.positional_embedding"].shape
    n_text_ctx, n_text_state = state["decoder.positional_embedding"].shape
    return {
        "n_mels": state["encoder.conv1.weight"].shape[1],
        "n_audio_ctx": n_audio_ctx,
        "n_audio_state": n_audio_state,
        "n_audio_head": audio_heads,
        "n_audio_layer": _layers(state, "encoder"),
        "n_vocab": state["decoder.token_embedding.weight"].shape[0],
        "n_text_ctx": n_text_ctx,
        "n_text_state": n_text_state,
        "n_text_head": text_heads,
        "n_text_layer": _layers(state, "decoder"),
    }


def _layers(state: Mapping[str, Tensor], side: str) -> int:
    return len({name.split(".")[2] for name in state if name.startswith(f"{side}.blocks.")})
