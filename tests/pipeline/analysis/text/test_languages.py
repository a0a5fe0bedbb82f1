"""Two encoders: an English one for English, and a multilingual one for texts and queries in all languages."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.analysis.fusion import cosines, even_parts, parts_of
from pipeline.analysis.text import TextEncoder
from pipeline.analysis.text.forms import Forms, forms_of
from pipeline.models import joined_space, multilingual_dimensions, text_config_of, text_configs
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


@pytest.mark.slow
def test_every_text_has_the_multilingual_part_and_english_the_english_one_with_random_weights(
    config: TextConfig, encoder: TextEncoder
) -> None:
    english, multilingual = (TextEncoder(part, device="cpu", threads=1) for part in text_configs(config))
    assert (english.dimensions, multilingual.dimensions, encoder.dimensions) == (16, 24, 40)
    texts, languages = ["the film was good .", "le film .", "the film .", ""], ["en", "fr", "en", "en"]
    vectors = encoder.encode_spoken(texts, languages)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1, 1, 0], abs=1e-5)
    assert vectors[0, :16] == pytest.approx(english.encode(texts)[0] / np.sqrt(2), abs=1e-6)
    assert vectors[0, 16:] == pytest.approx(multilingual.encode(texts)[0] / np.sqrt(2), abs=1e-6)
    assert not vectors[1, :16].any()
    assert vectors[1, 16:] == pytest.approx(multilingual.encode(texts)[1], abs=1e-6)


@pytest.mark.slow
def test_videos_are_understood_by_one_encoder_with_random_weights(config: TextConfig, encoder: TextEncoder) -> None:
    english, multilingual = encoder.for_languages(["en"]), encoder.for_languages(["en", "fr"])
    assert (english.info.id, multilingual.info.id) == (config.english_model, config.multilingual_model)
    assert encoder.for_languages([]) is english
    assert encoder.for_languages(["zh"]) is multilingual
    vectors = encoder.encode_spoken(["the film .", "le film ."], ["en", "fr"])
    assert english.of_stored(vectors[:1]) == pytest.approx(english.encode(["the film ."]), abs=1e-6)
    assert multilingual.of_stored(vectors) == pytest.approx(multilingual.encode(["the film .", "le film ."]), abs=1e-6)
    assert not english.of_stored(vectors[1]).any()
    assert encoder.models_for(["en"]) == encoder.models_for([]) == f"{english.info.id} + {multilingual.info.id}"
    assert encoder.models_for(["fr"]) == multilingual.info.id


@pytest.mark.slow
def test_queries_are_encoded_by_both_models_of_a_lake_with_random_weights(
    config: TextConfig, encoder: TextEncoder
) -> None:
    written = TextConfig(multilingual_pooling=config.multilingual_pooling)
    queries = QueryEncoder(Spaces(text=(encoder.info.id, encoder.dimensions)), text=written)
    asked = ["the film was good .", "le film"]
    assert queries.texts(asked).text == pytest.approx(encoder.encode_queries(asked), abs=1e-5)


def test_texts_are_compared_by_the_encoders_that_made_both() -> None:
    space = joined_space("a", ("b", 2))
    rows = even_parts(np.float32([[0.6, 0.8, 0, 8, 6], [0, 0, 0, 1, 0], [0, 0, 0, 0, 0]]), space)
    assert np.linalg.norm(rows[:, :3], axis=1) == pytest.approx([np.sqrt(0.5), 0, 0])
    assert np.linalg.norm(rows[:, 3:], axis=1) == pytest.approx([np.sqrt(0.5), np.sqrt(0.5), 0])
    asked_in_french, asked_in_english = np.float32([0, 0, 0, 0.6, 0.8]), np.float32([0, 5, 0, 3, 4])
    assert cosines(asked_in_french, rows, space) == pytest.approx([0.96, 0.6, 0])
    assert cosines(asked_in_english, rows, space) == pytest.approx([0.8, 0.6, 0])
    about_frames = np.float32([0, 5, 0, 0, 0])
    assert cosines(about_frames, rows, f"conse:{space}+c") == pytest.approx([0.8, 0, 0])


def test_vectors_of_a_single_encoder_have_one_part() -> None:
    vectors = np.float32([[0.6, 0.8]])
    for space in ("embedded:minilm", "conse:embedded:minilm+embedded:efficientnet-lite0", "none", ""):
        assert parts_of(space, 2) == (slice(0, 2),)
        assert even_parts(vectors, space) is vectors
        assert cosines(np.float32([1, 0]), vectors, space) == pytest.approx([0.6])


@pytest.mark.slow
def test_both_models_are_among_those_of_a_run_with_random_weights(config: TextConfig, encoder: TextEncoder) -> None:
    found = [model.id for model in models_of(Config(text=config)) if model.role == "text"]
    assert found == sorted([config.english_model, config.multilingual_model])
    assert encoder.info.id == f"{config.english_model} + {config.multilingual_model} (24)"
    assert multilingual_dimensions(encoder.info.id) == 24
    assert {model.id for model in encoder.infos} == set(found)


def test_the_encoder_of_a_space_is_the_one_that_made_it() -> None:
    odd = TextConfig(model="./bert + notes", pooling="cls")
    assert text_config_of("./bert + notes", odd) == odd
    assert text_config_of("embedded:minilm", odd).model == "embedded:minilm"
    both = text_config_of("embedded:minilm + ./other (384)", TextConfig(model="embedded:minilm"))
    assert (both.model, both.english_model, both.multilingual_model) == ("auto", "embedded:minilm", "./other")


def test_without_a_multilingual_model_auto_is_the_english_one() -> None:
    [chosen] = text_configs(TextConfig(model="auto", multilingual_model="none"))
    assert chosen.model == "embedded:minilm"


@pytest.mark.slow
def test_a_multilingual_model_alone_serves_every_language_with_random_weights(config: TextConfig) -> None:
    alone = TextEncoder(TextConfig(model=config.multilingual_model), device="cpu", threads=1)
    assert alone.for_languages(["zh"]) is alone
    assert alone.models_for(["zh", "en"]) == config.multilingual_model
    assert np.linalg.norm(alone.encode(["电影很好.", "le film"]), axis=1) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize(
    "model",
    ["embedded:multilingual-e5-small", "intfloat/multilingual-e5-base", "intfloat/e5-small-v2", "./my-e5_tuned"],
)
def test_e5_reads_queries_and_passages_in_its_forms(model: str) -> None:
    assert forms_of(model) == Forms("query: ", "passage: ")


@pytest.mark.parametrize(
    "model", ["embedded:minilm", "BAAI/bge-m3", "intfloat/multilingual-e5-large-instruct", "core5-small", "e5/bert"]
)
def test_other_encoders_read_texts_as_they_are(model: str) -> None:
    assert forms_of(model) == Forms()


@pytest.mark.slow
def test_a_passage_has_the_multilingual_vector_of_its_whole_text_with_random_weights(encoder: TextEncoder) -> None:
    english, multilingual = encoder.for_languages([]), encoder.for_languages(["fr"])
    texts = ["the film was good . le film .", "le film .", ""]
    means = encoder.encode_spoken(["the film .", "le film .", ""], ["en", "fr", "en"])
    found = encoder.of_wholes(means, texts)
    assert multilingual.of_stored(found) == pytest.approx(multilingual.encode(texts), abs=1e-6)
    assert english.of_stored(found) == pytest.approx(english.of_stored(means), abs=1e-6)
    assert np.linalg.norm(found, axis=1) == pytest.approx([1, 1, 0], abs=1e-5)
    assert multilingual.of_wholes(means, texts) is means, "a single encoder changes nothing"
