"""The interface of the networks behind the frame encoder."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.analysis.vision.zero_shot import TextTower
from pipeline.models import bf16_is_native

Image = NDArray[np.uint8]
"""(height, width, 3) RGB."""


class VisionNetwork(Protocol):
    """A loaded network."""

    dimensions: int
    """Length of an embedding."""
    label_names: tuple[str, ...]
    """Name of each class; empty for a network without labels."""
    text_tower: TextTower | None
    """Encodes texts in the space of the embeddings; None for models without text."""

    def prepare(self, images: Sequence[Image]) -> Any:  # noqa: ANN401 - only `run` reads it
        """Return the network's input, usually float32 (n, 3, height, width)."""

    def run(self, pixels: Any) -> tuple[torch.Tensor, torch.Tensor | None]:  # noqa: ANN401
        """Return embeddings float32 (n, dimensions), not normalised, and probabilities (n, classes) or None."""


def choose_precision(setting: str, device: str) -> torch.dtype:
    """Return the data type that a network computes in.

    Args:
        setting: `auto`, `float32` or `bfloat16`.
        device: `cpu` or `cuda`.
    """
    if setting == "bfloat16" or (setting == "auto" and bf16_is_native(device)):
        return torch.bfloat16
    return torch.float32
