import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.analysis.text import TextEncoder
from schemas.config import TextConfig
from schemas.errors import ModelError

SENTENCES = (
    "The telescope's mirror is made of gold-coated beryllium.",
    "Short.",
    "Ask not what your country can do for you, ask what you can do for your country.",
    "Und jetzt etwas ganz anderes: ein Satz auf Deutsch.",
    "revenue grew by 13 percent in the second quarter " * 5,
)


@pytest.fixture(scope="module")
def minilm() -> TextEncoder:
    return TextEncoder(TextConfig(model="embedded:minilm"), device="cpu", threads=1)


def tiny_bert(folder: Path, *, hidden_size: int = 16) -> Path:
    """Save a real BERT architecture with random weights and a real WordPiece vocabulary."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizer

    torch.manual_seed(7)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "film", "was", "good", "bad", "."]
    (folder / "vocab.txt").write_text("\n".join(words))
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(words), hidden_size=hidden_size, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=64,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)
    return folder


@pytest.mark.models
def test_minilm_gives_the_vectors_that_sentence_transformers_gives(minilm: TextEncoder):
    from sentence_transformers import SentenceTransformer

    reference = SentenceTransformer(str(minilm.info.path), device="cpu")
    expected = reference.encode(list(SENTENCES), normalize_embeddings=True, show_progress_bar=False)
    assert np.abs(minilm.encode(SENTENCES) - expected).max() < 1e-5


@pytest.mark.models
def test_the_embedded_model_gives_the_vectors_that_transformers_gives(minilm: TextEncoder):
    texts = [*SENTENCES, "😀 👩‍👩‍👧‍👦 🇫🇷", "x" * 30_000, "今日は元気 привет ESTÁ ﬁn", "[CLS] [MASK] of a\u0301 kind"]
    hub = TextEncoder(TextConfig(model=str(minilm.info.path)), device="cpu", threads=1)
    assert np.abs(minilm.encode(texts) - hub.encode(texts)).max() < 1e-6


@pytest.mark.models
def test_a_text_that_comes_again_is_encoded_once(minilm: TextEncoder, monkeypatch: pytest.MonkeyPatch):
    pooled, rows = minilm._model.pooled, []
    monkeypatch.setattr(minilm._model, "pooled", lambda tokens, pooling: rows.extend(tokens) or pooled(tokens, pooling))
    first, other, again = minilm.encode(["The film was good.", "Short.", "The film was good."])
    assert len(rows) == 2
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.models
def test_vectors_are_of_unit_length_and_close_for_close_meanings(minilm: TextEncoder):
    vectors = minilm.encode(["A dog runs on the beach.", "A puppy plays by the sea.", "Interest rates rose again."])
    assert vectors.shape == (3, minilm.dimensions) == (3, 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.2


@pytest.mark.models
def test_batching_and_order_do_not_change_a_vector(minilm: TextEncoder):
    together = minilm.encode(SENTENCES)
    alone = np.concatenate([minilm.encode([sentence]) for sentence in SENTENCES])
    backwards = minilm.encode(SENTENCES[::-1])[::-1]
    small = TextEncoder(TextConfig(model="embedded:minilm", batch_tokens=64), device="cpu", threads=1).encode(SENTENCES)
    for other in (alone, backwards, small):
        assert np.abs(together - other).max() < 1e-5


@pytest.mark.models
@pytest.mark.parametrize("nothing", ["", "   \n\t", "\0", "\u200b"])
def test_text_with_nothing_to_read_is_zeros_and_does_not_move_its_neighbours(minilm: TextEncoder, nothing: str):
    vectors = minilm.encode([SENTENCES[0], nothing, SENTENCES[1]])
    assert not vectors[1].any()
    assert np.abs(vectors[[0, 2]] - minilm.encode(SENTENCES[:2])).max() < 1e-5


@pytest.mark.models
@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param("a\0b", id="nul"),
        pytest.param("lone \ud800 surrogate", id="surrogate"),
        pytest.param("😀 👩‍👩‍👧‍👦 🇫🇷", id="emoji"),
        pytest.param("x" * 1_000_000, id="endless word"),
        pytest.param("word " * 200_000, id="endless text"),
        pytest.param("\u202e right to left", id="bidi"),
    ],
)
def test_hostile_text_still_gives_a_unit_vector(minilm: TextEncoder, hostile: str):
    assert np.linalg.norm(minilm.encode([hostile])[0]) == pytest.approx(1, abs=1e-5)


@pytest.mark.models
def test_no_texts_give_no_vectors(minilm: TextEncoder):
    assert minilm.encode([]).shape == (0, 384)


@pytest.mark.slow
@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_any_bert_in_a_folder_is_used_by_both_poolings_with_random_weights(tmp_path: Path, pooling: str):
    import torch
    from transformers import AutoTokenizer, BertModel

    folder = tiny_bert(tmp_path)
    encoder = TextEncoder(TextConfig(model=str(folder), pooling=pooling), device="cpu", threads=1)
    texts = ["the film was good .", "bad"]
    model, tokenizer = BertModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    for text, vector in zip(texts, encoder.encode(texts), strict=True):
        with torch.inference_mode():
            hidden = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
        pooled = (hidden[0] if pooling == "cls" else hidden.mean(dim=0)).numpy()
        assert np.abs(vector - pooled / np.linalg.norm(pooled)).max() < 1e-5
    assert encoder.dimensions == 16


@pytest.mark.slow
def test_text_over_the_model_window_is_cut_with_random_weights(tmp_path: Path):
    encoder = TextEncoder(TextConfig(model=str(tiny_bert(tmp_path)), max_tokens=8), device="cpu", threads=1)
    long, cut = encoder.encode(["the film was good . " * 50, "the film was good . the"])
    assert np.abs(long - cut).max() < 1e-5


@pytest.mark.slow
def test_a_tokenizer_that_states_more_than_the_model_reads_is_not_believed_with_random_weights(tmp_path: Path):
    file = tiny_bert(tmp_path) / "tokenizer_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"model_max_length": 512}))
    encoder = TextEncoder(TextConfig(model=str(tmp_path)), device="cpu", threads=1)
    assert np.linalg.norm(encoder.encode(["the film was good . " * 50])[0]) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.slow
def test_damaged_weights_are_a_model_error(tmp_path: Path):
    weights = tiny_bert(tmp_path) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelError, match=r"cannot be loaded as a text encoder"):
        TextEncoder(TextConfig(model=str(tmp_path)), device="cpu", threads=1)


def test_a_folder_that_holds_no_text_encoder_is_a_model_error(tmp_path: Path):
    (tmp_path / "model.safetensors").write_bytes(b"no weights")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match=r"cannot be loaded as a text encoder"):
        TextEncoder(TextConfig(model=str(tmp_path)), device="cpu", threads=1)
