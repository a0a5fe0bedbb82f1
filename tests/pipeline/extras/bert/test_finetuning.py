"""Fine-tuning a real BERT on a few sentences, and what it then says of a lake."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.extras.bert import Example, TextClassifier, classify, finetune, read_examples
from pipeline.extras.bert.bases import make_bert
from pipeline.lake import Lake
from schemas.errors import ConfigurationError, ModelError
from schemas.training import TrainingOptions
from tests.pipeline.lake.lakes import publish

pytestmark = pytest.mark.models

_WEATHER = ("Rain", "Snow", "Hail", "Fog", "Thunder", "Sunshine", "A storm", "Frost", "Wind", "Drizzle", "Sleet", "Ice")
_MONEY = ("Inflation", "The budget", "A loan", "Tax", "Interest", "The bank", "Debt", "Trade", "Gold", "Rent", "Wages",
          "The stock market")  # fmt: skip


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    weather = [Example(f"{word} is expected over the hills tonight.", "weather") for word in _WEATHER]
    money = [Example(f"{word} worries people who have to pay the bills.", "money") for word in _MONEY]
    return [*weather, *money]


@pytest.fixture(scope="module")
def trained(examples: list[Example], tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("models") / "topics"
    options = TrainingOptions(epochs=3, learning_rate=3e-4, batch_size=4, max_tokens=32, held_out=0.25)
    return folder, finetune(examples, folder, base="embedded:minilm", options=options)


def test_a_fine_tuned_bert_beats_the_most_frequent_class_on_what_it_did_not_see(trained, examples) -> None:
    _, report = trained
    assert (report.trained_on, report.measured_on) == (18, 6)
    assert report.accuracy > report.majority_accuracy
    assert report.accuracy >= 5 / 6
    assert [each.label for each in report.classes] == ["money", "weather"]
    assert np.sum(report.confusion) == 6


def test_the_saved_classifier_knows_sentences_of_both_kinds(trained) -> None:
    classifier = TextClassifier(str(trained[0]))
    found = classifier(["Heavy rain and wind will hit the coast.", "", "The bank raised its interest on the loan."])
    assert found.shape == (3, 2)
    assert np.allclose(found.sum(axis=1), 1, atol=1e-5)
    assert classifier.labels == ("money", "weather")
    assert [classifier.labels[place] for place in found.argmax(axis=1)[[0, 2]]] == ["weather", "money"]
    assert np.allclose(classifier(["Fog."]), classifier(["Fog.", "x " * 400])[:1], atol=1e-4), "batches change nothing"


def test_every_text_of_a_lake_is_classified_under_its_id(trained, lake: Lake) -> None:
    classifier = TextClassifier(str(trained[0]))
    assert classifier.classify(lake).num_rows == 0
    publish(lake, "01", ["v01"])
    rows = classifier.classify(lake)
    assert rows.column_names == ["video_id", "utterance_id", "start_s", "end_s", "text", "label", "score"]
    assert rows["utterance_id"].to_pylist() == [f"v01-u0000{place}" for place in range(3)]
    assert set(rows["label"].to_pylist()) <= {"money", "weather"}
    assert classifier.classify(lake, "scenes").num_rows == 3


def test_examples_come_from_tables_by_text_or_by_id(tmp_path: Path, lake: Lake) -> None:
    publish(lake, "01", ["v01"])
    (tmp_path / "text.csv").write_text('text,label\n"Rain, again.",weather\nTax.,1\n')
    assert read_examples(tmp_path / "text.csv") == [Example("Rain, again.", "weather"), Example("Tax.", "1")]
    (tmp_path / "ids.jsonl").write_text('{"utterance_id": "v01-u00002", "label": "two"}\n')
    assert read_examples(tmp_path / "ids.jsonl", lake) == [Example("Sentence 2 of v01.", "two")]
    (tmp_path / "wrong.csv").write_text("utterance_id,label\nv09-u00000,x\n")
    with pytest.raises(ConfigurationError, match="v09-u00000"):
        read_examples(tmp_path / "wrong.csv", lake)
    with pytest.raises(ConfigurationError, match="--lake"):
        read_examples(tmp_path / "wrong.csv")
    (tmp_path / "bare.csv").write_text("text\nRain.\n")
    with pytest.raises(ConfigurationError, match="no column `label`"):
        read_examples(tmp_path / "bare.csv")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_examples(tmp_path / "none.csv")


def test_what_cannot_be_learnt_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="at least two classes"):
        finetune([Example("a", "x")], tmp_path / "m", base="embedded:minilm")
    with pytest.raises(ConfigurationError, match="'y' has only one example"):
        finetune([Example("a", "x"), Example("b", "x"), Example("c", "y")], tmp_path / "m", base="embedded:minilm")
    with pytest.raises(ModelError, match="is not a classifier"):
        TextClassifier("embedded:minilm")


def test_a_folder_that_cannot_be_written_is_told_before_the_training(examples: list[Example], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="cannot be written"):
        finetune(examples, tmp_path / "file" / "model", base="no such model")
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_a_tiny_classifier_of_random_weights_reads_any_number_of_texts_of_any_length(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import BertConfig, BertForSequenceClassification

    model, tokenizer = make_bert("tiny", [("Rain falls.", "The bank pays.")])
    config = BertConfig.from_dict(model.config.to_dict() | {"max_position_embeddings": 24, "num_labels": 3})
    BertForSequenceClassification(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    classifier = TextClassifier(str(tmp_path))
    texts = ["Rain.", "rain falls " * 100, "bank", "", "pays rain"]
    whole = classifier(texts)
    monkeypatch.setattr(classify, "_CHUNK_TEXTS", 2)
    assert np.allclose(classifier(texts), whole, atol=1e-5)
    assert np.allclose([classifier([text])[0] for text in texts], whole, atol=1e-5)
