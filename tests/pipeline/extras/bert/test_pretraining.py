"""Pre-training on real text, small enough to take seconds."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.analysis.text import TextEncoder
from pipeline.extras.bert import documents_of_file, documents_of_lake, pretrain
from pipeline.extras.bert.fitting import REPORT_FILE
from schemas.config import TextConfig
from schemas.errors import ConfigurationError, ModelError
from schemas.training import TrainingOptions
from tests.pipeline.lake.lakes import publish

pytestmark = pytest.mark.models

_PLACES = ("sea", "wood", "town", "field", "desert", "valley")
_BEASTS = ("whale", "fox", "dog", "horse", "camel", "goat")


def stories() -> list[tuple[str, ...]]:
    """Make documents with an order that can be learnt: where, who, and the end."""
    return [
        (f"We went to the {place} .", f"There we saw a {beast} .", f"The {beast} saw us too .", "That was the end .")
        for place in _PLACES
        for beast in _BEASTS
    ]


def test_a_new_bert_learns_masked_words_and_next_sentences_and_serves_as_text_encoder(tmp_path: Path) -> None:
    options = TrainingOptions(epochs=25, learning_rate=2e-3, max_tokens=32, held_out=0.15)
    report = pretrain(stories(), tmp_path / "bert", base="tiny", scratch=True, options=options)
    assert report.after.mlm_loss < 0.5 * report.before.mlm_loss
    assert report.after.mlm_accuracy > 0.5 > report.before.mlm_accuracy
    assert report.after.nsp_accuracy is not None
    assert report.after.nsp_accuracy > 0.75
    assert json.loads((tmp_path / "bert" / REPORT_FILE).read_text())["steps"] == report.steps
    assert list((tmp_path / "bert").glob("*.safetensors"))
    encoder = TextEncoder(TextConfig(model=str(tmp_path / "bert"), pooling="cls"), device="cpu", threads=1)
    whale, same, fox = encoder.encode(["There we saw a whale .", "There we saw a whale .", "There we saw a fox ."])
    assert np.allclose(whale, same)
    assert not np.allclose(whale, fox)


def test_pre_training_goes_on_from_a_bert_that_is_there_and_comes_out_the_same_twice(tmp_path: Path) -> None:
    options = TrainingOptions(epochs=1, learning_rate=3e-4, max_tokens=16, held_out=0.2)
    state = torch.random.get_rng_state()
    reports = [
        pretrain(stories()[:6], tmp_path / name, base="embedded:minilm", options=options) for name in ("one", "two")
    ]
    assert torch.equal(torch.random.get_rng_state(), state), "the caller's random numbers are not disturbed"
    assert reports[0] == reports[1]
    assert reports[0].after.mlm_loss < reports[0].before.mlm_loss


def test_a_tiny_roberta_that_the_test_makes_learns_masked_words_alone(tmp_path: Path) -> None:
    from transformers import RobertaConfig, RobertaForMaskedLM

    made = pretrain(
        stories(), tmp_path / "bert", base="tiny", scratch=True, options=TrainingOptions(epochs=1, max_tokens=24)
    )
    assert made.after.nsp_accuracy is not None
    folder = tmp_path / "roberta"
    vocabulary = len(json.loads((tmp_path / "bert" / "tokenizer.json").read_text())["model"]["vocab"])
    config = RobertaConfig(
        vocab_size=vocabulary, hidden_size=64, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=64, pad_token_id=0, type_vocab_size=2,
    )  # fmt: skip
    RobertaForMaskedLM(config).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes((tmp_path / "bert" / name).read_bytes())
    options = TrainingOptions(epochs=3, learning_rate=1e-3, max_tokens=24)
    report = pretrain(stories(), tmp_path / "more", base=str(folder), options=options)
    assert report.after.nsp_accuracy is None
    assert report.after.mlm_loss < report.before.mlm_loss


def test_what_cannot_be_trained_is_told_before_hours_of_work(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "file").touch()
    with pytest.raises(ConfigurationError, match="not empty"):
        pretrain(stories(), taken, base="embedded:minilm")
    with pytest.raises(ConfigurationError, match="too little"):
        pretrain([("One sentence.",)], tmp_path / "m", base="tiny", scratch=True)
    with pytest.raises(ConfigurationError, match="too little text"):
        pretrain([("One.",), ("Two.",)], tmp_path / "m", base="tiny", scratch=True)
    with pytest.raises(ModelError):
        pretrain(stories(), tmp_path / "m", base=str(tmp_path / "nothing"))
    assert not (tmp_path / "m").exists()


def test_documents_come_from_files_and_from_what_is_said_in_a_lake(tmp_path: Path, lake) -> None:
    file = tmp_path / "text.txt"
    file.write_text("One.\nTwo.\n\n\nThree.\n")
    assert documents_of_file(file) == [("One.", "Two."), ("Three.",)]
    (tmp_path / "empty.txt").touch()
    with pytest.raises(ConfigurationError, match="has no text"):
        documents_of_file(tmp_path / "empty.txt")
    publish(lake, "01", ["v01", "v02"])
    found = documents_of_lake(lake)
    assert found[0] == ("Sentence 0 of v01.", "Sentence 2 of v01."), "the doubtful utterance is left out"
    assert len(found) == 2
