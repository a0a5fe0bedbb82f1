"""A worker redoes some stages of a video from its rows in the lake."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.lake import Lake, read_video
from pipeline.run import Plan, Redo, discover, make_plan, models_of, read_history, recipe_of, stage_revisions
from schemas.config import (
    ArchiveConfig,
    Config,
    EntitiesConfig,
    ObjectsConfig,
    OcrConfig,
    ShotsConfig,
    SpeechConfig,
    SummaryConfig,
    VisionConfig,
)
from schemas.outcome import VideoOutcome
from schemas.stages import STAGES
from tests import material
from tests.workers.archives import contents
from workers import InlinePool, RunJob
from workers.video_worker import VideoWorker

pytestmark = [pytest.mark.models, pytest.mark.usefixtures("kept_models")]

LIGHT = Config(
    speech=SpeechConfig(engine="none"), ocr=OcrConfig(engine="none"), shots=ShotsConfig(detector="content"),
    objects=ObjectsConfig(model="none"),
)  # fmt: skip
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


@pytest.fixture(scope="module")
def light(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """The lake of a complete run, which tests only read."""
    lake = Lake.create(str(tmp_path_factory.mktemp("light") / "lake"))
    run(archive, lake, LIGHT)
    return lake


@pytest.fixture
def analysed(light: Lake, tmp_path: Path) -> Lake:
    """A copy of that lake."""
    return Lake(str(shutil.copytree(light.uri, tmp_path / "analysed")))


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
    archive: Path, analysed: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = analysed
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
    archive: Path, analysed: Lake, tmp_path: Path
) -> None:
    lake = analysed
    lake.compact()
    outcomes = run(archive, lake, FEWER_LABELS)
    assert {"vision", "text", "summary"} <= steps(outcomes)
    assert "speech" not in steps(outcomes)
    whole = Lake.create(str(tmp_path / "whole"))
    run(archive, whole, FEWER_LABELS)
    assert contents(lake) == contents(whole)


def test_a_copy_does_not_take_over_the_name_of_a_video_when_its_summary_is_redone(
    archive: Path, analysed: Lake
) -> None:
    lake = analysed
    before = lake.sql("SELECT video_id, uri, mtime_ns FROM videos ORDER BY video_id").to_pylist()
    [shard] = plan(archive, lake, SHORTER).shards
    job = RunJob(shard.revision, lake.uri, SHORTER, expected=shard.stages)
    copied = [replace(task, uris=(f"{archive}/a copy of {task.video_id}.mp4", *task.uris)) for task in shard.tasks]
    list(InlinePool(job).submit(shard.id, copied).outcomes())
    lake.commit(shard.id, shard.revision, [task.video_id for task in copied])
    assert lake.sql("SELECT video_id, uri, mtime_ns FROM videos ORDER BY video_id").to_pylist() == before
    assert {len(row["uris"]) for row in lake.sql("SELECT uris FROM videos").to_pylist()} == {2}


def test_rows_that_are_gone_or_cannot_be_used_cost_a_whole_analysis(archive: Path, analysed: Lake) -> None:
    lake = analysed
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

    for model in ("SpeechRecognizer", "SpeakerEncoder", "TextReader", "ObjectDetector", "TransNet", "Captioner"):
        monkeypatch.setattr(f"pipeline.analysis.video.models.{model}", refused)
    VideoWorker(Config(), threads=1, expected=("text", "understanding"))


def test_subtitle_files_that_change_are_read_again_without_decoding(
    archive: Path, lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "subtitled"
    shutil.copytree(archive, folder)
    run(folder, lake, LIGHT)
    (folder / "film.en.srt").write_text("1\n00:00:00,500 --> 00:00:01,500\nA cat looks out.\n")
    assert plan(folder, lake, LIGHT).redone[Redo("text", "subtitle files have changed")] == 1
    with monkeypatch.context() as patch:
        patch.setattr("pipeline.analysis.video.visual_track.VisualTrack.add_batch", boom)
        outcomes = run(folder, lake, LIGHT)
    assert [outcome.stage_errors for outcome in outcomes] == [{}]
    assert steps(outcomes) >= {"text", "summary"}
    assert lake.sql("SELECT text FROM subtitles").to_pylist() == [{"text": "A cat looks out."}]
    assert plan(folder, lake, LIGHT).done == 2
    whole = Lake.create(str(tmp_path / "whole"))
    run(folder, whole, LIGHT)
    assert contents(lake) == contents(whole)
    (folder / "film.en.srt").unlink()
    run(folder, lake, LIGHT)
    assert lake.sql("FROM subtitles").num_rows == 0
    assert plan(folder, lake, LIGHT).done == 2


def test_a_gazetteer_that_changes_redoes_the_names_without_opening_a_file(
    archive: Path, lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, names = tmp_path / "subtitled", tmp_path / "names.csv"
    shutil.copytree(archive, folder)
    (folder / "film.en.srt").write_text("1\n00:00:00,500 --> 00:00:01,500\nIn 2019, Angela Merkel was in Paris.\n")
    config = LIGHT.model_copy(update={"entities": EntitiesConfig(gazetteer=str(names))})
    query = "SELECT text, kind, wikidata_id FROM entities ORDER BY kind"
    names.write_text("name,kind,wikidata_id\nAngela Merkel,person,Q567\n")
    run(folder, lake, config)
    found = [tuple(row.values()) for row in lake.sql(query).to_pylist()]
    assert found == [("2019", "date", None), ("Angela Merkel", "person", "Q567"), ("Paris", "place", None)]
    names.write_text("name,kind,wikidata_id\nParis,place,Q90\n")
    with monkeypatch.context() as patch:
        patch.setattr("pipeline.analysis.video.analyzer.probe", lambda *_: pytest.fail("a file was opened"))
        outcomes = run(folder, lake, config)
    assert "entities" in steps(outcomes)
    assert "decode" not in steps(outcomes)
    assert [row["wikidata_id"] for row in lake.sql(query).to_pylist()] == [None, None, "Q90"]
    whole = Lake.create(str(tmp_path / "whole"))
    run(folder, whole, config)
    assert contents(lake) == contents(whole)
    [mention] = lake.sql("SELECT * FROM mentions WHERE kind = 'place'").to_pylist()
    assert (mention["source"], mention["start_s"], mention["as_written"]) == ("subtitle", 0.5, "Paris")


def boom(*_args: Any, **_named: Any) -> None:
    raise RuntimeError("the model does not like this")


def state(lake: Lake, name: str) -> dict[str, Any]:
    [row] = lake.sql(
        "SELECT v.status, v.shots, v.stages, list(e.stage ORDER BY e.stage) AS failed FROM videos AS v "
        f"LEFT JOIN errors AS e USING (video_id) WHERE parse_filename(v.uri) = '{name}' GROUP BY ALL"
    ).to_pylist()
    return row


@pytest.mark.parametrize(
    ("failing", "stage"),
    [("visual_track.VisualTrack._describe", "picture"), ("audio_track.AudioTrack.add", "sound"),
     ("analyzer.encode_texts", "text"), ("analyzer.extract_summary", "understanding")],
)  # fmt: skip
def test_a_stage_that_fails_costs_only_itself_and_is_retried_by_the_next_run(
    archive: Path, lake: Lake, light: Lake, monkeypatch: pytest.MonkeyPatch, failing: str, stage: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(f"pipeline.analysis.video.{failing}", boom)
        [outcome] = [each for each in run(archive, lake, LIGHT) if each.uri.endswith("film.mp4")]
    assert outcome.status == "ok"
    assert list(outcome.stage_errors) == [stage]
    assert "RuntimeError: the model does not like this" in outcome.stage_errors[stage]
    found = state(lake, "film.mp4")
    assert (found["status"], found["failed"]) == ("ok", [stage])
    lacking = {each["name"] for each in found["stages"] if each["error"]}
    assert lacking == ({"text", "understanding"} if stage == "text" else {stage})
    assert found["shots"] == (0 if stage == "picture" else 3)
    record = read_video(lake, "film.mp4")
    assert [error.stage for error in record.errors] == [stage]
    redone = plan(archive, lake, LIGHT).redone
    assert redone[Redo(stage, "failed (internal)")] >= 1
    outcomes = run(archive, lake, LIGHT)
    if stage in {"text", "understanding"}:
        assert "decode" not in steps(outcomes)
    assert contents(lake) == contents(light)
    assert contents(lake)["errors"] == []


def test_a_video_of_which_nothing_is_left_has_failed(
    archive: Path, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("pipeline.analysis.video.visual_track.VisualTrack._describe", boom)
        statuses = {Path(each.uri).name: each.status for each in run(archive, lake, LIGHT)}
    assert statuses == {"film.mp4": "ok", "other.mp4": "failed"}, "the other one has no sound"
    assert [each["name"] for each in state(lake, "other.mp4")["stages"]] == ["picture", "sound"]
    assert {outcome.status for outcome in run(archive, lake, LIGHT)} == {"ok"}


def test_earlier_results_stay_when_a_stage_fails_that_was_redone(
    archive: Path, analysed: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = analysed
    before = state(lake, "film.mp4")
    every = FEWER_LABELS.model_copy(update={"speech": SpeechConfig(engine="none", beam_size=2)})
    with monkeypatch.context() as patch:
        patch.setattr("pipeline.analysis.video.visual_track.VisualTrack._describe", boom)
        run(archive, lake, every)
    found = state(lake, "film.mp4")
    assert (found["shots"], found["failed"]) == (3, ["picture"])
    assert found["stages"][0] == before["stages"][0] | {"error": "internal"}, "the pictures are those of before"
    assert found["stages"][1]["revision"] != before["stages"][1]["revision"]
    other = state(lake, "other.mp4")
    assert (other["status"], other["shots"], other["failed"]) == ("ok", 1, ["picture"])
    outcomes = run(archive, lake, every)
    assert {outcome.status for outcome in outcomes} == {"ok"}
    assert state(lake, "film.mp4")["failed"] == [None]
    assert plan(archive, lake, every).done == 2
