"""Models that find names: the embedded one, and one in the format of the Hub."""

import pickle
from pathlib import Path
from typing import Any

import pytest

from pipeline.analysis.entities import EntityRecognizer
from pipeline.analysis.entities.spans import NameSpan
from pipeline.models import resolve
from schemas.config import EntitiesConfig
from schemas.errors import ModelError


def found(recognizer: EntityRecognizer, text: str, language: str = "en") -> list[tuple[str, str]]:
    [spans] = recognizer.recognize([text], [language])
    return [(text[span.start : span.end], span.kind) for span in spans]


@pytest.mark.models
def test_the_embedded_model_needs_no_pickle_and_reads_english_only(monkeypatch: pytest.MonkeyPatch) -> None:
    from srsly import cloudpickle

    def refused(*_args: Any, **_named: Any) -> None:
        pytest.fail("a pickle was loaded")

    for module in (pickle, cloudpickle):
        monkeypatch.setattr(module, "loads", refused)
        monkeypatch.setattr(module, "load", refused)
    monkeypatch.setattr(pickle, "Unpickler", refused)
    embedded = EntityRecognizer(EntitiesConfig(), device="cpu", threads=1)
    text = "Angela Merkel visited Paris on 3 March 2020."
    assert found(embedded, text) == [("Angela Merkel", "person"), ("Paris", "place"), ("3 March 2020", "date")]
    assert found(embedded, text, "de") == []
    assert embedded.recognize(["", text, text], ["en", "fr", "en"])[2] == embedded.recognize([text], ["en"])[0]


@pytest.mark.models
def test_the_embedded_model_does_not_keep_the_words_that_it_has_read() -> None:
    embedded = EntityRecognizer(EntitiesConfig(), device="cpu", threads=1)
    model: Any = embedded._model
    embedded.recognize(["Ada Lovelace met Qzfoo Xvbar in London."], ["en"])
    strings = model._pipeline.result().vocab.strings
    before = len(strings)
    embedded.recognize([f"Ada Lovelace met Wq{number}zyx in London." for number in range(50)], ["en"] * 50)
    assert len(strings) == before


def test_the_embedded_model_is_checked_file_by_file(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve("entities", "embedded:en-core-web-sm").licence == "MIT"
    monkeypatch.setattr("pipeline.models.embedded._NAMES_DIGEST", "0" * 16)
    with pytest.raises(ModelError, match="package is damaged"):
        resolve("entities", "embedded:en-core-web-sm")


LABELS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-MISC"]
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "ada", "##s", "love", "##lace", "met", "london", "in", ".", "bo"]
_CLASS_OF = {"ada": 1, "love": 2, "##lace": 0, "##s": 0, "london": 3, "bo": 5}


def tiny_classifier(folder: Path, labels: list[str] = LABELS) -> Path:
    """Save a real BERT for token classification, whose head knows the class of each word of its tiny vocabulary."""
    import torch
    from transformers import BertConfig, BertForTokenClassification, BertTokenizer

    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    BertTokenizer(str(folder / "vocab.txt"), do_lower_case=True).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8,
        max_position_embeddings=16, id2label=dict(enumerate(labels)),
        label2id={name: number for number, name in enumerate(labels)},
    )  # fmt: skip
    model = BertForTokenClassification(config)
    with torch.no_grad():
        # The layer passes on what it gets, so that each token keeps its own vector.
        for name, weights in model.bert.encoder.named_parameters():
            if "LayerNorm" not in name:
                weights.zero_()
        model.bert.embeddings.position_embeddings.weight.zero_()
        model.bert.embeddings.token_type_embeddings.weight.zero_()
        words = model.bert.embeddings.word_embeddings.weight
        words.copy_(10 * torch.eye(len(WORDS), 16))
        vectors = torch.nn.functional.layer_norm(words, (16,))
        model.classifier.weight.zero_()
        for word, number in _CLASS_OF.items():
            if number < len(labels):
                model.classifier.weight[number] += 4 * vectors[WORDS.index(word)]
        model.classifier.bias.zero_()
        model.classifier.bias[0] = 60.0
    model.save_pretrained(folder)
    return folder


@pytest.mark.models
def test_a_tiny_token_classifier_that_the_test_makes_reads_all_languages_and_long_texts(tmp_path: Path) -> None:
    folder = tiny_classifier(tmp_path / "model")
    hub = EntityRecognizer(EntitiesConfig(model=str(folder), batch_size=2), device="cpu", threads=1)
    assert hub.runs_on == "cpu float32 x2"
    text = "Ada Lovelace met Bo in London."
    people = [("Ada Lovelace", "person"), ("London", "place")]
    assert found(hub, text) == people
    assert found(hub, text, "de") == people
    long = " ".join([text] * 9)
    [spans] = hub.recognize([long], ["en"])
    assert [long[span.start : span.end] for span in spans] == ["Ada Lovelace", "London"] * 9
    assert found(hub, "Adas London") == [("Adas", "person"), ("London", "place")], (
        "a word has the class of its first token"
    )
    strict = EntityRecognizer(EntitiesConfig(model=str(folder), min_score=1.0), device="cpu", threads=1)
    assert found(strict, text) == []


@pytest.mark.models
def test_a_model_whose_classes_are_no_names_is_refused(tmp_path: Path) -> None:
    folder = tiny_classifier(tmp_path / "model", ["NOUN", "VERB"])
    with pytest.raises(ModelError, match="NOUN, VERB, none of which"):
        EntityRecognizer(EntitiesConfig(model=str(folder)), device="cpu", threads=1)


@pytest.mark.models
def test_an_encoder_without_a_head_is_refused() -> None:
    folder = resolve("text", "embedded:minilm").path
    with pytest.raises(ModelError, match=r"entities\.model"):
        EntityRecognizer(EntitiesConfig(model=str(folder)), device="cpu", threads=1)


def test_overlapping_names_are_given_once() -> None:
    from pipeline.analysis.entities.spans import disjoint

    long, short, other = NameSpan(0, 9, "person"), NameSpan(4, 9, "place"), NameSpan(12, 14, "date")
    assert disjoint([other, long, short]) == [long, other]
