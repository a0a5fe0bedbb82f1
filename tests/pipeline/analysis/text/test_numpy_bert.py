from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import erf

from pipeline.analysis.text import TextEncoder
from pipeline.analysis.text.bert import Bert
from pipeline.analysis.text.numpy_bert import NumpyBert, _gelu
from pipeline.models import resolve
from schemas.config import TextConfig
from schemas.errors import ModelError

MODELS = ("embedded:minilm", "embedded:multilingual-e5-small")


@pytest.fixture(scope="module", params=MODELS)
def folder(request: pytest.FixtureRequest) -> Path:
    return resolve("text", request.param).path


@pytest.mark.models
@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_numpy_gives_the_vectors_that_pytorch_gives(folder: Path, pooling: str) -> None:
    texts = ["a cyclist in traffic", "Wie spät ist es?", "x", "a long walk by the sea " * 40, "電車"]
    here, there = NumpyBert(folder), Bert(folder, "cpu")
    tokens = [ids for ids, _ in here.tokenize(texts, 128)]
    assert tokens == [ids for ids, _ in there.tokenize(texts, 128)]
    assert np.allclose(here.pooled(tokens, pooling), there.pooled(tokens, pooling), atol=2e-6)


@pytest.mark.models
def test_an_encoder_of_queries_agrees_with_that_of_a_run() -> None:
    queries = ["a red car", "un coche rojo", ""]
    light, full = (TextEncoder(TextConfig(), device="cpu", threads=1, queries_only=only) for only in (True, False))
    assert light.recipe == full.recipe
    assert np.allclose(light.encode_queries(queries), full.encode_queries(queries), atol=2e-6)


@settings(max_examples=10)
@given(st.lists(st.floats(-30, 30, width=32), min_size=1, max_size=50))
def test_the_error_function_is_exact_enough(values: list[float]) -> None:
    given_values = np.array(values, np.float32)
    exact = 0.5 * given_values * (1 + erf(given_values.astype(np.float64) / np.sqrt(2)))
    assert np.allclose(_gelu(given_values), exact, atol=5e-6)


def test_damaged_weights_are_a_model_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.json").write_text(
        '{"hidden_size": 4, "max_position_embeddings": 8, "num_hidden_layers": 1, "num_attention_heads": 1, '
        '"layer_norm_eps": 1e-12}'
    )
    info = resolve("text", MODELS[0])
    monkeypatch.setattr(
        "pipeline.analysis.text.encoder.resolve", lambda _role, _name: type(info)(*_fields(info, tmp_path))
    )
    for content in (b"", b"\0\0\0", b"\xff" * 40):
        (tmp_path / "model.safetensors").write_bytes(content)
        with pytest.raises(ModelError, match="cannot be loaded"):
            TextEncoder(TextConfig(model=MODELS[0]), device="cpu", threads=1, queries_only=True)


def _fields(info: object, folder: Path) -> list[object]:
    return [folder if name == "path" else getattr(info, name) for name in type(info).__dataclass_fields__]
