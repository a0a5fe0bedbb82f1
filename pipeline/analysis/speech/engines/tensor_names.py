"""CTranslate2's and Transformers' names of Whisper's tensors, translated to OpenAI's."""

import re
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
import torch
from torch import Tensor

CT2_FORMAT = 6
_CT2_TYPES: dict[int, Any] = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}

_CT2_NAMES = (
    (r"^(encoder|decoder)/layer_(\d+)/self_attention/layer_norm", r"\1.blocks.\2.attn_ln"),
    (r"^decoder/layer_(\d+)/attention/layer_norm", r"decoder.blocks.\1.cross_attn_ln"),
    (r"^(encoder|decoder)/layer_(\d+)/ffn/layer_norm", r"\1.blocks.\2.mlp_ln"),
    (r"^(encoder|decoder)/layer_(\d+)/ffn/linear_0", r"\1.blocks.\2.mlp.0"),
    (r"^(encoder|decoder)/layer_(\d+)/ffn/linear_1", r"\1.blocks.\2.mlp.2"),
    (r"^(encoder|decoder)/layer_(\d+)/self_attention", r"\1.blocks.\2.attn"),
    (r"^decoder/layer_(\d+)/attention", r"decoder.blocks.\1.cross_attn"),
    (r"^encoder/layer_norm", "encoder.ln_post"),
    (r"^decoder/layer_norm", "decoder.ln"),
    (r"^(encoder|decoder)/position_encodings/encodings", r"\1.positional_embedding"),
    (r"^decoder/embeddings", "decoder.token_embedding"),
    (r"/gamma$", ".weight"),
    (r"/beta$", ".bias"),
    (r"/", "."),
)
_TRANSFORMERS_NAMES = (
    (r"^(?:model\.)?(encoder|decoder)\.layers\.", r"\1.blocks."),
    (r"^(?:model\.)?(encoder|decoder)\.", r"\1."),
    (r"\.self_attn_layer_norm\.", ".attn_ln."),
    (r"\.encoder_attn_layer_norm\.", ".cross_attn_ln."),
    (r"\.final_layer_norm\.", ".mlp_ln."),
    (r"\.self_attn\.", ".attn."),
    (r"\.encoder_attn\.", ".cross_attn."),
    (r"\.q_proj\.", ".query."),
    (r"\.k_proj\.", ".key."),
    (r"\.v_proj\.", ".value."),
    (r"\.out_proj\.", ".out."),
    (r"\.fc1\.", ".mlp.0."),
    (r"\.fc2\.", ".mlp.2."),
    (r"^encoder\.layer_norm\.", "encoder.ln_post."),
    (r"^decoder\.layer_norm\.", "decoder.ln."),
    (r"\.embed_positions\.weight$", ".positional_embedding"),
    (r"\.embed_tokens\.", ".token_embedding."),
)


def read_ctranslate2(file: BinaryIO) -> dict[str, Tensor]:
    """Read the variables of a CTranslate2 `model.bin`.

    Returns:
        Tensors by CTranslate2's names; weights float32.

    Raises:
        ValueError: The file has another format, holds another kind of model, is truncated, or is quantized.
    """

    def number(size: int) -> int:
        return int.from_bytes(file.read(size), "little")

    def text() -> str:
        return file.read(number(2)).rstrip(b"\0").decode()

    version, kind, _ = number(4), text(), number(4)
    if version != CT2_FORMAT or kind != "WhisperSpec":
        raise ValueError(f"model.bin holds {kind!r} in format {version}; expected WhisperSpec in format {CT2_FORMAT}")
    variables: dict[str, Tensor] = {}
    for _ in range(number(4)):
        name = text()
        shape = tuple(number(4) for _ in range(number(1)))
        dtype, size = number(1), number(4)
        if dtype not in _CT2_TYPES or (dtype in {1, 2} and len(shape) > 1):
            raise ValueError("its weights are quantized; only a float32 or float16 model.bin can be converted")
        array = np.frombuffer(bytearray(file.read(size)), _CT2_TYPES[dtype]).reshape(shape)
        variables[name] = torch.from_numpy(array).float()
    return variables


def from_ctranslate2(source: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename CTranslate2's tensors and split the fused projections.

    Self-attention fuses query, key and value in `linear_0`. Cross-attention has the query in `linear_0`, and key and
    value in `linear_1`. The last `linear` is the output. Whisper's keys have no bias, so their part of the fused bias
    is zero.
    """
    state: dict[str, Tensor] = {}
    for source_name, tensor in source.items():
        if tensor.ndim == 0:
            continue
        name = _rename(source_name, _CT2_NAMES)
        fused = re.fullmatch(r"(.*)\.linear_(\d)\.(weight|bias)", name)
        if not fused:
            state[name] = tensor
            continue
        block, number, part = fused.groups()
        roles = _CT2_CROSS[int(number)] if block.endswith("cross_attn") else _CT2_SELF[int(number)]
        for role, projection in zip(roles, tensor.chunk(len(roles)), strict=True):
            if (role, part) != ("key", "bias"):
                state[f"{block}.{role}.{part}"] = projection.contiguous()
    return state


_CT2_SELF = (("query", "key", "value"), ("out",))
_CT2_CROSS = (("query",), ("key", "value"), ("out",))


def from_transformers(source: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the tensors of a Transformers Whisper. Its output layer shares the embedding, so we drop it."""
    return {
        _rename(name, _TRANSFORMERS_NAMES): tensor.float()
        for name, tensor in source.items()
        if not name.startswith("proj_out")
    }


def _rename(name: str, rules: tuple[tuple[str, str], ...]) -> str:
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    return name
