"""The hybrid fusion method, with trained weights from a folder or in closed form."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from pipeline.analysis.fusion.attention import Batch, CrossAttention
from pipeline.analysis.fusion.parts import SceneParts, Track
from schemas.errors import ModelError

WEIGHTS, SETTINGS = "model.safetensors", "config.json"
_KIND = "videolake-cross-attention"
_BATCH = 64
_MAX_NUMBERS = 1 << 24
"""Most numbers per batch, padding included. A single scene may have more."""


def closed_form(dimensions: int, text_weight: float) -> CrossAttention:
    """Return the module without corrections: scaled dot-product attention with no learned or random numbers."""
    return CrossAttention(dimensions, rank=0, text_weight=text_weight).eval()


def save(module: CrossAttention, folder: Path, *, space: str, about: dict[str, object]) -> None:
    """Write weights and settings.

    Args:
        module: The trained module.
        folder: Created if needed.
        space: Id of the coordinated space it was trained in.
        about: The training report, for the settings file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: value.contiguous() for name, value in module.state_dict().items()}, folder / WEIGHTS)
    settings = {"kind": _KIND, "dimensions": module.dimensions, "rank": module.rank, "space": space, "training": about}
    (folder / SETTINGS).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")


def load(folder: Path, *, space: str, dimensions: int) -> CrossAttention:
    """Read a module that `save` wrote.

    Args:
        folder: `fusion.hybrid_weights`.
        space: Id of the coordinated space it will work in.
        dimensions: Dimensions of that space.

    Raises:
        ModelError: The module is missing or damaged, or was trained in another space.
    """
    hint = "`videolake train-fusion` creates such a folder. Without fusion.hybrid_weights the closed form is used."
    try:
        settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
        if settings["kind"] != _KIND:
            raise ModelError(f"fusion.hybrid_weights: {folder} holds another kind of model. {hint}")
        if (settings["space"], settings["dimensions"]) != (space, dimensions):
            raise ModelError(
                f"fusion.hybrid_weights: {folder} was trained in the space {settings['space']} with "
                f"{settings['dimensions']} dimensions, but the models give {space} with {dimensions}. {hint}"
            )
        module = CrossAttention(dimensions, rank=int(settings["rank"]), text_weight=0.5)
        module.load_state_dict(load_file(folder / WEIGHTS))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise ModelError(f"fusion.hybrid_weights: {folder} cannot be read: {error}. {hint}") from error
    return module.eval()


@torch.inference_mode()
def fuse_hybrid(module: CrossAttention, scenes: Sequence[SceneParts]) -> NDArray[np.float32]:
    """Fuse scenes.

    Args:
        module: A trained module, or `closed_form`.
        scenes: Any number. Batching does not change the result.

    Returns:
        (n, d) of unit length; zeros for scenes without text and frames.
    """
    fused = np.zeros((len(scenes), module.dimensions), dtype=np.float32)
    for indices in _batches(scenes, module.dimensions):
        batch = padded([scenes[index].texts for index in indices], [scenes[index].frames for index in indices])
        fused[indices] = module(batch).numpy()
    return fused


def _batches(scenes: Sequence[SceneParts], dimensions: int) -> Iterator[list[int]]:
    """Yield indices of scenes of similar size, so that there is little padding. Each index occurs once."""
    batch: list[int] = []
    texts = frames = 0
    for index in sorted(range(len(scenes)), key=lambda index: len(scenes[index].texts) + len(scenes[index].frames)):
        texts, frames = max(texts, len(scenes[index].texts)), max(frames, len(scenes[index].frames))
        numbers = (len(batch) + 1) * (texts * frames + (texts + frames) * dimensions)
        if batch and (len(batch) == _BATCH or numbers > _MAX_NUMBERS):
            yield batch
            batch = []
            texts, frames = len(scenes[index].texts), len(scenes[index].frames)
        batch.append(index)
    if batch:
        yield batch


def padded(texts: Sequence[Track], frames: Sequence[Track]) -> Batch:
    """Pad the tracks of some scenes to one batch."""
    return Batch(*_pad(texts), *_pad(frames))


def _pad(tracks: Sequence[Track]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    longest, dimensions = max(map(len, tracks)), tracks[0].vectors.shape[1]
    vectors = np.zeros((len(tracks), longest, dimensions), dtype=np.float32)
    times_s, weights = np.zeros((2, len(tracks), longest), dtype=np.float32)
    for index, track in enumerate(tracks):
        vectors[index, : len(track)] = track.vectors
        times_s[index, : len(track)] = track.times_s
        weights[index, : len(track)] = track.weights
    return torch.from_numpy(vectors), torch.from_numpy(times_s), torch.from_numpy(weights)
