"""One encoder or two: English and multilingual, by the language of the video."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.analysis.text import TextEncoder
from pipeline.models import text_config_of, text_configs
from pipeline.run.revision import models_of
from pipeline.search.query_encoder import QueryEncoder, Spaces
from schemas.config import Config, TextConfig
from tests.pipeline.analysis.text.test_encoder import tiny_bert


def tiny_xlm_roberta(folder: Path) -> Path:
    """Save a real XLM-RoBERTa architecture with random weights and a real Unigram vocabulary."""
    import torch
    from transformers import XLMRobertaConfig, XLMRobertaModel, XLMRobertaTokenizer

    torch.manual_seed(11)
    words = ["<s>", "<pad>", "</s>", "<unk>", "▁", "▁le", "▁film", "电影", "很", "好", "."]
    tokenizer = XLMRobertaTokenizer(vocab=[(word, -float(number)) for number, word in enumerate([*words, "<mask>"])])
    tokenizer.save_pretrained(folder)
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer), hidden_size=24, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=66, type_vocab_size=1,
    )  # fmt: skip
    XLMRobertaModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> TextConfig:
    english, multilingual = tmp_path_factory.mktemp("bert"), tmp_path_factory.mktemp("xlm-roberta")
    return TextConfig(
        model="auto",
        english_model=str(tiny_bert(english)),
        multilingual_model=str(tiny_xlm_roberta(multilingual)),
        multilingual_pooling="cls",
    )


@pytest.fixture(scope="module")
def encoder(config: TextConfig) -> TextEncoder:
    return TextEncoder(config, device="cpu", threads=1)


def test_each_language_gets_its_model_with_random_weights(config: TextConfig, encoder: TextEncoder) -> None:
    english, multilingual = (TextEncoder(part, device="cpu", threads=1) for part in text_configs(config))
    assert (english.dimensions, multilingual.dimensions, encoder.dimensions) == (16, 24, 40)
    for language in ("en", None):
        vectors = encoder.for_language(language).encode(["the film was good .", ""])
        assert vectors[:, :16] == pytest.approx(english.encode(["the film was good .", ""]), abs=1e-6)
        assert not vectors[:, 16:].any()
        assert encoder.model_for(language) == config.english_model
    vectors = encoder.for_language("zh").encode(["电影很好."])
    assert vectors[:, 16:] == pytest.approx(multilingual.encode(["电影很好."]), abs=1e-6)
    assert not vectors[:, :16].any()
    assert encoder.model_for("zh") == config.multilingual_model


def test_texts_of_different_models_are_never_alike_and_a_query_reaches_both_with_random_weights(
    encoder: TextEncoder,
) -> None:
    english = encoder.for_language("en").encode(["the film was good ."])[0]
    french = encoder.for_language("fr").encode(["le film ."])[0]
    assert english @ french == 0.0
    query = encoder.encode(["le film ."])[0]
    assert np.linalg.norm(query) == pytest.approx(1.0, abs=1e-5)
    assert query @ french == pytest.approx(np.sqrt(0.5), abs=1e-5)
    assert len({encoder.recipe, encoder.for_language("en").recipe, encoder.for_language("fr").recipe}) == 3


def test_queries_are_encoded_by_both_models_of_a_lake_with_random_weights(
    config: TextConfig, encoder: TextEncoder
) -> None:
    written = TextConfig(multilingual_pooling=config.multilingual_pooling)
    queries = QueryEncoder(Spaces(text=(encoder.info.id, encoder.dimensions)), text=written)
    vectors = queries.texts(["the film was good .", "le film"])
    asked = ["the film was good .", "le film"]
    assert vectors.text == pytest.approx(np.sqrt(2) * encoder.encode(asked), abs=1e-5)
    for language in ("en", "fr"):
        said = encoder.for_language(language).encode(asked)
        assert np.sum(vectors.text * said, axis=1) == pytest.approx(1.0, abs=1e-5), "cosines are those of one model"


def test_both_models_are_among_those_of_a_run_with_random_weights(config: TextConfig, encoder: TextEncoder) -> None:
    found = [model.id for model in models_of(Config(text=config)) if model.role == "text"]
    assert found == sorted([config.english_model, config.multilingual_model])
    assert encoder.info.id == f"{config.english_model} + {config.multilingual_model}"
    assert {model.id for model in encoder.infos} == set(found)


def test_the_encoder_of_a_space_is_the_configured_one_where_that_made_it() -> None:
    odd = TextConfig(model="./bert + notes", pooling="cls")
    assert text_config_of("./bert + notes", odd) == odd
    assert text_config_of("embedded:minilm", odd).model == "embedded:minilm"
    both = text_config_of("embedded:minilm + ./other", TextConfig())
    assert (both.model, both.english_model, both.multilingual_model) == ("auto", "embedded:minilm", "./other")


def test_each_utterance_is_encoded_by_the_model_for_its_language_with_random_weights(encoder: TextEncoder) -> None:
    texts, languages = ["the film was good .", "le film .", "the film ."], ["en", "fr", "en"]
    vectors = encoder.encode_spoken(texts, languages)
    for vector, text, language in zip(vectors, texts, languages, strict=True):
        assert vector == pytest.approx(encoder.for_language(language).encode([text])[0], abs=1e-6)
    assert encoder.for_languages(["fr", "zh"]).recipe == encoder.for_language("fr").recipe
    assert encoder.for_languages([]).recipe == encoder.for_language(None).recipe
    both = encoder.for_languages(["en", "fr"]).encode(["le film ."])[0]
    assert both[:16].any()
    assert both[16:].any()


def test_without_a_multilingual_model_auto_is_the_english_one() -> None:
    [chosen] = text_configs(TextConfig(model="auto"))
    assert chosen.model == "embedded:minilm"


def test_a_multilingual_model_alone_serves_every_language_with_random_weights(config: TextConfig) -> None:
    alone = TextEncoder(TextConfig(model=config.multilingual_model), device="cpu", threads=1)
    assert alone.for_language("zh") is alone
    assert alone.model_for("zh") == config.multilingual_model
    assert np.linalg.norm(alone.encode(["电影很好.", "le film"]), axis=1) == pytest.approx(1.0, abs=1e-5)
