"""A worker redoes some stages of a video from its rows in the lake."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.lake import Lake
from pipeline.run import Plan, discover, make_plan, models_of, read_history, recipe_of, stage_revisions
from schemas.config import ArchiveConfig, Config, OcrConfig, ShotsConfig, SpeechConfig, SummaryConfig, VisionConfig
from schemas.outcome import VideoOutcome
from schemas.stages import STAGES
from tests import material
from tests.workers.archives import contents
from workers import InlinePool, RunJob
from workers.video_worker import VideoWorker

pytestmark = pytest.mark.models

LIGHT = Config(speech=SpeechConfig(engine="none"), ocr=OcrConfig(engine="none"), shots=ShotsConfig(detector="content"))
SHORTER = LIGHT.model_copy(update={"summary": SummaryConfig(sentences=1, keyframes=2, highlights=1)})
FEWER_LABELS = LIGHT.model_copy(update={"vision": VisionConfig(labels=1)})


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive")
    material.shots_video(folder / "film.mp4", (1.0, 1.2, 0.8), size=(160, 90), audio=material.music(3.0))
    material.shots_video(folder / "other.mp4", (1.0,), size=(160, 90))
    return folder


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.create(str(tmp_path / "lake"))


def plan(archive: Path, lake: Lake, config: Config) -> Plan:
    tasks = discover([str(archive)], lake, ArchiveConfig()).tasks
    return make_plan(tasks, lake.processed(), recipe_of(config, models_of(config)), config, read_history(lake))


def run(archive: Path, lake: Lake, config: Config) -> list[VideoOutcome]:
    """Do what a run does, and record it."""
    models = models_of(config)
    recipe = recipe_of(config, models)
    outcomes: list[VideoOutcome] = []
    for shard in plan(archive, lake, config).shards:
        job = RunJob(recipe.revision, lake.uri, config, stages=recipe.stages, expected=shard.stages)
        outcomes += InlinePool(job).submit(shard.id, shard.tasks).outcomes()
        lake.commit(shard.id, shard.revision, [task.video_id for task in shard.tasks])
    return outcomes


def stages(lake: Lake) -> list[dict[str, str]]:
    rows = lake.sql("SELECT stages FROM videos ORDER BY uri").to_pylist()
    return [{each["name"]: each["revision"] for each in row["stages"]} for row in rows]


def steps(outcomes: Sequence[VideoOutcome]) -> set[str]:
    return {step for outcome in outcomes for step in outcome.timings_s}


def test_a_change_of_the_summary_redoes_understanding_with_the_rows_of_a_full_analysis_and_opens_no_file(
    archive: Path, lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(archive, lake, LIGHT)
    before = stages(lake)
    assert before == [dict(stage_revisions(LIGHT, models_of(LIGHT)))] * 2
    with monkeypatch.context() as patch:
        patch.setattr("pipeline.analysis.video.analyzer.probe", lambda *_: pytest.fail("a file was opened"))
        outcomes = run(archive, lake, SHORTER)
    assert [outcome.status for outcome in outcomes] == ["ok", "ok"]
    assert steps(outcomes) == {"scenes", "subjects", "fusion", "summary"}
    after = stages(lake)
    assert all(then[stage] == now[stage] for then, now in zip(before, after, strict=True) for stage in STAGES[:3])
    assert after == [dict(stage_revisions(SHORTER, models_of(SHORTER)))] * 2
    assert plan(archive, lake, SHORTER).done == 2
    whole = Lake.create(str(tmp_path / "whole"))
    run(archive, whole, SHORTER)
    assert contents(lake) == contents(whole)
    rows = lake.sql("SELECT DISTINCT revision, shard FROM all_videos").to_pylist()
    assert len(rows) == 2, "all rows of a video are published together"


def test_a_change_of_labels_redoes_the_picture_from_rows_that_were_compacted(
    archive: Path, lake: Lake, tmp_path: Path
) -> None:
    run(archive, lake, LIGHT)
    lake.compact()
    outcomes = run(archive, lake, FEWER_LABELS)
    assert {"vision", "text", "summary"} <= steps(outcomes)
    assert "speech" not in steps(outcomes)
    whole = Lake.create(str(tmp_path / "whole"))
    run(archive, whole, FEWER_LABELS)
    assert contents(lake) == contents(whole)


def test_rows_that_are_gone_or_cannot_be_used_cost_a_whole_analysis(archive: Path, lake: Lake) -> None:
    run(archive, lake, LIGHT)
    [shard] = plan(archive, lake, SHORTER).shards
    job = RunJob(shard.revision, lake.uri, SHORTER, expected=shard.stages)
    gone = [replace(task, before="0" * 16) for task in shard.tasks]
    outcomes = list(InlinePool(job).submit(shard.id, gone).outcomes())
    assert [outcome.status for outcome in outcomes] == ["ok", "ok"]
    assert "decode" in steps(outcomes), "its models were loaded, too"


def test_a_worker_loads_only_the_models_of_the_stages_that_its_run_redoes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(*_args: Any, **_named: Any) -> None:
        pytest.fail("a model was loaded that no stage needs")

    for model in ("SpeechRecognizer", "SpeakerEncoder", "TextReader", "TransNet", "Captioner"):
        monkeypatch.setattr(f"pipeline.analysis.video.models.{model}", refused)
    VideoWorker(Config(), threads=1, expected=("text", "understanding"))
