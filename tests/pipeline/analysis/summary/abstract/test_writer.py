"""Abstracts by tiny models of real architectures, trained to write a known text, with the real text encoder."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.analysis.summary.abstract import Abstract, AbstractWriter
from pipeline.analysis.summary.abstract.generator import TextGenerator
from pipeline.analysis.summary.abstract.passages import prompt
from pipeline.analysis.text import TextEncoder
from pipeline.run.revision import models_of, revision_of
from schemas.config import Config, SummaryConfig, TextConfig
from schemas.errors import ModelError
from schemas.records import Chapter, Utterance, utterance_id
from tests.pipeline.analysis.scenes.videos import content, keyframe, shots, utterance
from tests.pipeline.analysis.summary.abstract.tiny_writers import tiny_entailment, tiny_instruct, tiny_summarizer

pytestmark = pytest.mark.models

SAID = (
    "Bees live in colonies that may hold fifty thousand workers.",
    "A queen bee lays up to two thousand eggs on a summer day.",
    "Without bees, most fruit trees would hardly bear any fruit.",
    "The weather was fine on that morning.",
)
TRUE = "Colonies of bees hold 50,000 workers."
WRITTEN = f"{TRUE} A queen bee lays 900 eggs. Apples come from Mars."


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return TextEncoder(TextConfig(model="embedded:minilm"), device="cpu", threads=1)


@pytest.fixture(scope="module")
def summarizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_summarizer(tmp_path_factory.mktemp("bart"), WRITTEN)


@pytest.fixture(scope="module")
def talk(encoder: TextEncoder) -> list[Utterance]:
    vectors = encoder.encode(SAID)
    return [replace(utterance(n, 6.0 * n, 6.0 * n + 5, text, 0), embedding=vectors[n]) for n, text in enumerate(SAID)]


WHOLE = (Chapter("Bees", 0.0, 30.0),)


def abstract_of(model: Path, talk: list[Utterance], encoder: TextEncoder, **config: object) -> Abstract:
    settings = SummaryConfig(model=str(model), **config)
    writer = AbstractWriter(settings, device="cpu", threads=1)
    return writer.write(WHOLE, content([], [], talk, 30.0), encoder=encoder, video_id="v", language="en")


def test_a_tiny_bart_keeps_what_is_supported_with_its_evidence_and_counts_what_is_not(
    summarizer: Path, talk: list[Utterance], encoder: TextEncoder
) -> None:
    made = abstract_of(summarizer, talk, encoder)
    assert [sentence.text for sentence in made.sentences] == [TRUE]
    assert [evidence.id for evidence in made.sentences[0].evidence] == [utterance_id("v", 0)]
    assert made.dropped == 2
    assert made.source == f"model:{summarizer}"


@pytest.mark.parametrize("kind", ["t5", "chat", "plain"])
def test_tiny_models_of_other_kinds_write_abstracts_too(
    kind: str, talk: list[Utterance], encoder: TextEncoder, tmp_path: Path
) -> None:
    asked = [prompt(" ".join(SAID), count=5, partial=False, instructed=True)]
    model = (
        tiny_summarizer(tmp_path, TRUE, "t5")
        if kind == "t5"
        else tiny_instruct(tmp_path, TRUE, asked, chat=kind == "chat")
    )
    made = abstract_of(model, talk, encoder)
    assert [sentence.text for sentence in made.sentences] == [TRUE]
    assert made.dropped == 0


def test_a_video_longer_than_the_window_is_read_in_parts_and_their_summaries_summarised(
    summarizer: Path, talk: list[Utterance], encoder: TextEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[list[str]] = []
    write = TextGenerator.write

    def spied(self: TextGenerator, prompts: list[str], new_tokens: int) -> list[str]:
        read.append(prompts)
        return write(self, prompts, new_tokens)

    monkeypatch.setattr(TextGenerator, "write", spied)
    talk = [replace(talk[n % 4], index=n, start_s=6.0 * n, end_s=6.0 * n + 5) for n in range(32)]
    writer = AbstractWriter(SummaryConfig(model=str(summarizer)), device="cpu", threads=1)
    chapters = (Chapter("One", 0.0, 100.0), Chapter("Two", 100.0, 192.0))
    made = writer.write(chapters, content([], [], talk, 192.0), encoder=encoder, video_id="v", language="en")
    assert len(read) > 1
    assert len(read[0]) > len(read[-1])
    parts = re.findall(r"[^.]+\.", " ".join(" ".join(read[0]).split()))
    assert [part.strip() for part in parts] == [each.text for each in talk]
    assert [sentence.text for sentence in made.sentences] == [TRUE]


def test_what_is_only_written_on_the_screen_can_be_the_evidence(encoder: TextEncoder, tmp_path: Path) -> None:
    model = tiny_summarizer(tmp_path, "The ocean feeds billions of people.")
    frames = [keyframe(0, 2.0, 0, 0, title="The ocean feeds billions of people")]
    writer = AbstractWriter(SummaryConfig(model=str(model)), device="cpu", threads=1)
    made = writer.write(WHOLE, content(shots([0, 30]), frames, [], 30.0), encoder=encoder, video_id="v", language=None)
    assert [evidence.kind for sentence in made.sentences for evidence in sentence.evidence] == ["frame"]


def test_a_video_without_words_has_no_abstract(summarizer: Path, encoder: TextEncoder) -> None:
    writer = AbstractWriter(SummaryConfig(model=str(summarizer)), device="cpu", threads=1)
    silent = content([], [keyframe(0, 1.0, 0, 0)], [], 30.0)
    assert writer.write(WHOLE, silent, encoder=encoder, video_id="v", language=None) == Abstract()


def test_a_tiny_entailment_model_has_the_last_word(
    summarizer: Path, talk: list[Utterance], encoder: TextEncoder, tmp_path: Path
) -> None:
    yes = tiny_entailment(tmp_path / "yes", entails=True)
    no = tiny_entailment(tmp_path / "no", entails=False)
    assert len(abstract_of(summarizer, talk, encoder, nli_model=str(yes)).sentences) == 1
    refused = abstract_of(summarizer, talk, encoder, nli_model=str(no))
    assert (refused.sentences, refused.dropped) == ((), 3)


def test_the_models_are_named_with_the_run_and_part_of_the_revision(summarizer: Path, tmp_path: Path) -> None:
    judge = tiny_entailment(tmp_path, entails=True)
    config = Config(summary=SummaryConfig(model=str(summarizer), nli_model=str(judge)))
    models = models_of(config)
    assert {(model.role, model.id) for model in models} >= {("summary", str(summarizer)), ("nli", str(judge))}
    plain = [model for model in models if model.role not in {"summary", "nli"}]
    assert revision_of(config, models) != revision_of(config, plain)


def test_what_is_no_such_model_is_refused_with_its_setting(
    tmp_path: Path, encoder: TextEncoder, summarizer: Path
) -> None:
    tiny_entailment(tmp_path, entails=True, labels=("negative", "positive"))
    settings = SummaryConfig(model=str(summarizer), nli_model=str(tmp_path))
    with pytest.raises(ModelError, match=r"summary\.nli_model: .* must have exactly one label for entailment"):
        AbstractWriter(settings, device="cpu", threads=1)
    with pytest.raises(ModelError, match=r"summary\.model"):
        AbstractWriter(SummaryConfig(model=str(tmp_path / "nothing")), device="cpu", threads=1)
