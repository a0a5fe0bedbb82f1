"""Label names in the space of a CLIP-like model, so that it can name what it sees without training."""

import hashlib
import logging
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pipeline.models import ModelInfo, cache_dir

logger = logging.getLogger(__name__)

_PROMPT = "a photo of a {}."
_BATCH = 64
_TOKENIZER_FILES = ("tokenizer.json", "vocab.json", "vocab.txt", "spiece.model", "tokenizer.model")


def label_vectors(model: Any, info: ModelInfo, names: Sequence[str]) -> torch.Tensor | None:  # noqa: ANN401
    """Encode label names by a model's text tower (Radford et al. 2021), once: the result is cached by digest.

    Args:
        model: A transformers model with `get_text_features`.
        info: The model; its folder also holds the tokenizer.
        names: The labels.

    Returns:
        float32 (labels, dimensions) of unit length on the model's device; None where it has no tokenizer.
    """
    prompts = [_PROMPT.format(name) for name in names]
    key = hashlib.sha256("\n".join((info.digest, *prompts)).encode()).hexdigest()[:16]
    cached = cache_dir() / f"labels-{key}.npy"
    if not cached.is_file():
        vectors = _encode(model, info, prompts)
        if vectors is None:
            return None
        _save(cached, vectors)
    return torch.from_numpy(np.load(cached, allow_pickle=False)).to(model.device)


@torch.inference_mode()
def _encode(model: Any, info: ModelInfo, prompts: Sequence[str]) -> np.ndarray | None:  # noqa: ANN401
    from transformers import AutoTokenizer

    # Without its files, AutoTokenizer makes an empty tokenizer, to which all names are the same.
    if not any((info.path / name).is_file() for name in _TOKENIZER_FILES):
        logger.warning("%s comes without a tokenizer, so frames get no labels", info.id)
        return None
    tokenizer = AutoTokenizer.from_pretrained(info.path, local_files_only=True, trust_remote_code=False)
    # SigLIP was trained on padded text and reads nothing else well.
    padding = "max_length" if model.config.model_type.startswith("siglip") else True
    length = int(model.config.text_config.max_position_embeddings)
    rows = []
    for start in range(0, len(prompts), _BATCH):
        tokens = tokenizer(
            list(prompts[start : start + _BATCH]),
            padding=padding,
            truncation=True,
            max_length=length,
            return_tensors="pt",
        ).to(model.device)
        output = model.get_text_features(**tokens)
        features = getattr(output, "pooler_output", output).float()
        rows.append(torch.nn.functional.normalize(features, dim=1).cpu())
    vectors: np.ndarray = torch.cat(rows).numpy()
    return vectors


def _save(target: Path, vectors: np.ndarray) -> None:
    """Write an array so that other processes see it whole or not at all."""
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    scratch = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            np.save(stream, vectors, allow_pickle=False)
        scratch.replace(target)
    finally:
        scratch.unlink(missing_ok=True)
