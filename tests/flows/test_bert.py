"""`videolake bert` as people use it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from flows.cli import main
from pipeline.lake import Lake
from tests.pipeline.lake.lakes import publish

pytestmark = pytest.mark.models


def call(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["bert", *map(str, arguments)])
    return done.exit_code, done.output


def test_a_lake_s_words_are_learnt_and_its_texts_sorted(tmp_path: Path) -> None:
    lake = Lake.create(str(tmp_path / "lake"))
    publish(lake, "01", [f"v0{number}" for number in range(4)])
    code, said = call(
        "pretrain", "--lake", lake.uri, "--size", "tiny", "-o", tmp_path / "bert", "--epochs", 8, "--max-tokens", 32,
        "--learning-rate", 1e-3, "--held-out", 0.25, "--threads", 1,
    )  # fmt: skip
    assert code == 0, said
    assert "masked word accuracy" in said
    assert f"text.model={tmp_path / 'bert'}" in said

    examples = tmp_path / "examples.csv"
    rows = [f"v0{number}-u0000{place},{'first' if place == 0 else 'later'}" for number in range(4) for place in (0, 2)]
    examples.write_text("\n".join(["utterance_id,label", *rows]))
    code, said = call(
        "finetune", examples, "--lake", lake.uri, "--from", tmp_path / "bert", "-o", tmp_path / "classes",
        "--epochs", 2, "--max-tokens", 32, "--held-out", 0.25, "--threads", 1,
    )  # fmt: skip
    assert code == 0, said
    assert "macro F1" in said
    code, said = call("classify", tmp_path / "classes", "--lake", lake.uri, "--format", "json")
    assert code == 0, said
    found = json.loads(said)
    assert len(found) == 12
    assert {row["label"] for row in found} <= {"first", "later"}


def test_what_cannot_be_done_is_bad_usage_and_says_so(tmp_path: Path) -> None:
    assert "Give --lake" in call("pretrain", "-o", tmp_path / "m")[1]
    code, said = call("pretrain", "-o", tmp_path / "m", "--size", "tiny", "--from", "x")
    assert (code, "not both" in said) == (2, True)
    code, said = call("finetune", tmp_path / "none.csv", "-o", tmp_path / "m")
    assert (code, "cannot be read" in said) == (2, True)
