"""The hybrid as a method of fusion: trained weights from a folder, or the closed form where there are none."""

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
"""Numbers of a batch at most, padding included; a single scene may have more."""


def closed_form(dimensions: int, text_weight: float) -> CrossAttention:
    """Return the module without corrections: scaled dot-product attention with nothing learned, and nothing random."""
    return CrossAttention(dimensions, rank=0, text_weight=text_weight).eval()


def save(module: CrossAttention, folder: Path, *, space: str, about: dict[str, object]) -> None:
    """Write weights and settings.

    Args:
        module: Trained.
        folder: Made if need be.
        space: Id of the coordinated space that it was trained in.
        about: What else is worth knowing of the training.
    """
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: value.contiguous() for name, value in module.state_dict().items()}, folder / WEIGHTS)
    settings = {"kind": _KIND, "dimensions": module.dimensions, "rank": module.rank, "space": space, "training": about}
    (folder / SETTINGS).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")


def load(folder: Path, *, space: str, dimensions: int) -> CrossAttention:
    """Read what `save` wrote.

    Args:
        folder: `fusion.hybrid_weights`.
        space: Id of the coordinated space it shall work in.
        dimensions: Of that space.

    Raises:
        ModelError: It is not there, is damaged, or was trained in another space.
    """
    hint = "`videolake train-fusion` makes such a folder; without fusion.hybrid_weights the closed form is used."
    try:
        settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
        if settings["kind"] != _KIND:
            raise ModelError(f"fusion.hybrid_weights: {folder} holds another kind of model. {hint}")
        if (settings["space"], settings["dimensions"]) != (space, dimensions):
            raise ModelError(
                f"fusion.hybrid_weights: {folder} was trained in the space {settings['space']} of "
                f"{settings['dimensions']} dimensions, and the models make {space} of {dimensions}. {hint}"
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
        module: Trained, or `closed_form`.
        scenes: How they are batched does not change the result.

    Returns:
        (n, d) of unit length; zeros where a scene has neither text nor pictures.
    """
    fused = np.zeros((len(scenes), module.dimensions), dtype=np.float32)
    for places in _batches(scenes, module.dimensions):
        batch = padded([scenes[place].texts for place in places], [scenes[place].frames for place in places])
        fused[places] = module(batch).numpy()
    return fused


def _batches(scenes: Sequence[SceneParts], dimensions: int) -> Iterator[list[int]]:
    """Yield places of scenes of a like size, so that little is padded; every place once."""
    batch: list[int] = []
    texts = frames = 0
    for place in sorted(range(len(scenes)), key=lambda place: len(scenes[place].texts) + len(scenes[place].frames)):
        texts, frames = max(texts, len(scenes[place].texts)), max(frames, len(scenes[place].frames))
        numbers = (len(batch) + 1) * (texts * frames + (texts + frames) * dimensions)
        if batch and (len(batch) == _BATCH or numbers > _MAX_NUMBERS):
            yield batch
            batch = []
            texts, frames = len(scenes[place].texts), len(scenes[place].frames)
        batch.append(place)
    if batch:
        yield batch


def padded(texts: Sequence[Track], frames: Sequence[Track]) -> Batch:
    """Lay the tracks of some scenes side by side."""
    return Batch(*_pad(texts), *_pad(frames))


def _pad(tracks: Sequence[Track]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    longest, dimensions = max(map(len, tracks)), tracks[0].vectors.shape[1]
    vectors = np.zeros((len(tracks), longest, dimensions), dtype=np.float32)
    times_s, weights = np.zeros((2, len(tracks), longest), dtype=np.float32)
    for place, track in enumerate(tracks):
        vectors[place, : len(track)] = track.vectors
        times_s[place, : len(track)] = track.times_s
        weights[place, : len(track)] = track.weights
    return torch.from_numpy(vectors), torch.from_numpy(times_s), torch.from_numpy(weights)
