"""From the tokens of texts to one vector each, with a model that runs on PyTorch."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray


class _Model(Protocol):
    pad_token_id: int

    def hidden_states(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return the last layer's output, (batch, length, hidden_size), float32."""


@torch.inference_mode()
def pooled(model: _Model, tokens: Sequence[Sequence[int]], pooling: str, device: str) -> NDArray[np.float32]:
    """Return a vector for each text, (n, hidden_size) of unit length.

    Args:
        model: A BERT-like model.
        tokens: Ids of each text, with special tokens.
        pooling: `cls` takes the first token; `mean` the mean of all.
        device: `cpu` or `cuda`.
    """
    length, pad = max(map(len, tokens)), model.pad_token_id
    input_ids = torch.tensor([[*ids, *[pad] * (length - len(ids))] for ids in tokens], device=device)
    lengths = torch.tensor([len(ids) for ids in tokens], device=device)
    attention_mask = torch.arange(length, device=device)[None, :] < lengths[:, None]  # (batch, length)
    hidden = model.hidden_states(input_ids, attention_mask)  # (batch, length, dimensions)
    if pooling == "cls":
        found = hidden[:, 0]
    else:
        weights = attention_mask[:, :, None].to(hidden.dtype)
        found = (hidden * weights).sum(dim=1) / weights.sum(dim=1)
    unit: NDArray[np.float32] = torch.nn.functional.normalize(found, dim=1).cpu().numpy()
    return unit
