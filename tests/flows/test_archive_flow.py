"""The flow on a real Prefect server with real models. Workers run inline; the cluster has its own tests."""

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from flows.archive import NothingAnalysedError, _index, analyze_archive
from flows.naming import artifact_key
from flows.parameters import parameters_of
from flows.planning import discover_archive
from flows.progress import Snapshot, watched_by
from flows.shards import UnpublishedError
from pipeline.lake import Lake, read_video
from pipeline.models import settle
from pipeline.run import Redo, discover, make_plan, models_of, read_history, recipe_of
from schemas.config import (
    Config,
    ObjectsConfig,
    OcrConfig,
    ShardsConfig,
    ShotsConfig,
    SpeechConfig,
    SummaryConfig,
    WorkersConfig,
)
from schemas.errors import ArchiveError, ConfigurationError, LakeError
from schemas.outcome import RunResult, VideoOutcome
from schemas.records import LocationChanges
from tests import material
from tests.workers.archives import BAD, add_bad_files, make_archive

pytestmark = [pytest.mark.prefect, pytest.mark.models, pytest.mark.usefixtures("kept_models")]
INLINE = Config(workers=WorkersConfig(engine="inline"), shards=ShardsConfig(max_videos=5, retry_delay_s=0))
# Loads fewer models, for runs of which nothing else matters: their films are silent and wordless.
LIGHT = INLINE.model_copy(
    update={
        "speech": SpeechConfig(engine="none"),
        "ocr": OcrConfig(engine="none"),
        "shots": ShotsConfig(detector="content"),
        "objects": ObjectsConfig(model="none"),
    }
)


@pytest.fixture(scope="module", autouse=True)
def _on_the_server(prefect_server: dict[str, str]) -> Iterator[None]:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: prefect_server["PREFECT_API_URL"]}):
        yield


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_archive(tmp_path_factory.mktemp("run") / "archive")
    add_bad_files(folder)
    (folder / 'film 0\'s "cut".mp4').rename(folder / os.fsdecode(b"film \xe9.mp4"))
    (folder / "cover.JPG").touch()
    return folder


@pytest.fixture(scope="module")
def seen() -> list[tuple[Snapshot, VideoOutcome | None]]:
    return []


@pytest.fixture(scope="module")
def result(archive: Path, seen: list[tuple[Snapshot, VideoOutcome | None]]) -> RunResult:
    with watched_by(lambda snapshot, ended: seen.append((snapshot, ended))):
        return analyze(archive, archive.parent / "lake", INLINE)


def analyze(archive: Path, lake: Path | str, config: Config) -> RunResult:
    return analyze_archive([str(archive)], str(lake), **parameters_of(config))


def ask(question: str, result: RunResult) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = Lake(result.lake).sql(question).to_pylist()
    return rows


async def _runs(flow_run_id: str) -> tuple[Any, list[Any], list[Any], list[Any]]:
    from uuid import UUID

    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import (
        ArtifactFilter,
        ArtifactFilterFlowRunId,
        FlowRunFilter,
        FlowRunFilterId,
        LogFilter,
        LogFilterFlowRunId,
    )

    run_id = UUID(flow_run_id)
    async with get_client() as client:
        run = await client.read_flow_run(run_id)
        tasks = await client.read_task_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run_id])))
        artifacts = await client.read_artifacts(
            artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run_id]))
        )
        logs = await client.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run_id])))
    return run, tasks, artifacts, logs


def prefect_run_of(result: RunResult) -> tuple[Any, list[Any], list[Any], list[Any]]:
    row = ask(f"SELECT prefect_flow_run_id FROM runs WHERE run_id = '{result.run_id}'", result)[0]
    return asyncio.run(_runs(row["prefect_flow_run_id"]))


def test_bad_videos_are_rows_and_the_run_is_completed(result: RunResult) -> None:
    assert (result.found, result.ok, result.failed) == (8, 3, len(BAD))
    assert {Path(row["uri"]).name: row["kind"] for row in ask("SELECT uri, kind FROM errors", result)} == BAD
    assert ask("SELECT count(*) AS n FROM videos WHERE status = 'ok'", result) == [{"n": 3}]


def test_a_run_is_named_by_what_it_does_and_says_that_videos_failed(result: RunResult) -> None:
    run = prefect_run_of(result)[0]
    assert run.name == "lake: 8 new, 5 failed"
    assert run.state.name == "Completed", "a page of Prefect hides states with other names"
    assert run.state.message.startswith("5 failed, 3 analysed")


def test_prefect_has_a_task_run_per_step_and_per_shard(result: RunResult) -> None:
    _, tasks, _, _ = prefect_run_of(result)
    names = sorted(task.name for task in tasks)
    assert [name.split(":")[0] for name in names] == ["discover", "plan", "publish", "shard 1", "shard 2"]
    assert "5 videos" in names[3]
    assert all(task.state.is_completed() for task in tasks)


def test_prefect_shows_progress_a_table_and_the_result(result: RunResult) -> None:
    _, _, artifacts, _ = prefect_run_of(result)
    by_key = {artifact.key.split("-")[1]: artifact for artifact in artifacts}
    assert {artifact_key(kind, result.lake) for kind in by_key} == {artifact.key for artifact in artifacts}
    assert set(by_key) == {"plan", "progress", "videos", "result", "report"}
    assert by_key["progress"].data == 100.0
    rows = json.loads(by_key["videos"].data)
    assert {row["status"] for row in rows} == {"ok", "failed"}
    assert len(rows) == 8
    assert "3 videos analysed, 5 failed" in by_key["result"].data
    assert "1 file was skipped because of the extension: 1 .jpg" in by_key["result"].data

    page = Path(result.lake) / "_reports" / f"{result.run_id}.html"
    assert by_key["report"].type == "markdown", "a browser opens no link to a local file"
    assert str(page) in by_key["report"].data
    assert "3 videos" in page.read_text(encoding="utf-8")


def test_a_file_whose_name_is_not_utf8_is_analysed_and_found(archive: Path, result: RunResult) -> None:
    record = read_video(Lake(result.lake), os.fsdecode(b"film \xe9.mp4"), parts=())
    assert record.uri == f"file://{archive}/film%20%E9.mp4"
    assert record.status == "ok"


def test_the_logs_of_workers_reach_the_flow_run(result: RunResult) -> None:
    import time

    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        messages = [log.message for log in prefect_run_of(result)[3]]
        if any("text.mp4" in message and "workers.video_worker" in message for message in messages):
            return
    raise AssertionError(messages)


def test_progress_counts_up_to_the_end(seen: list[tuple[Snapshot, VideoOutcome | None]], result: RunResult) -> None:
    done = [snapshot.done for snapshot, _ in seen]
    assert done == sorted(done)
    assert seen[-1][0].stage == "done"
    assert (seen[-1][0].done, seen[-1][0].share) == (8, 1.0)
    assert sum(ended is not None for _, ended in seen) == 8
    assert result.video_s == pytest.approx(sum(outcome.duration_s for outcome in result.outcomes))


def test_the_run_is_recorded_with_models_and_configuration(result: RunResult) -> None:
    row = ask("FROM runs", result)[0]
    assert row["state"] == "completed_with_errors"
    assert (row["videos_found"], row["videos_ok"], row["videos_failed"]) == (8, 3, 5)
    recorded = [(model["role"], model["id"], model["digest"]) for model in row["models"]]
    assert recorded == [(model.role, model.id, model.digest) for model in models_of(INLINE)]
    assert {"text", "vision", "shots", "speech", "ocr", "topics"} <= {model["role"] for model in row["models"]}
    assert all(model["licence"] and model["digest"] for model in row["models"])
    assert {"decode", "vision", "load"} <= {step for step, _ in row["compute_s"]}
    configuration = json.loads(row["configuration"])
    assert configuration["workers"]["engine"] == "inline"
    assert configuration["speakers"]["model"] != "auto", "what it meant is recorded"


def test_a_second_run_only_retries_unreadable_files(archive: Path, result: RunResult) -> None:
    files = {path.name for path in Path(result.lake, "videos").iterdir()}
    again = analyze(archive, result.lake, INLINE)
    assert (again.ok, again.done_before, again.failed_before) == (0, 3, 4)
    assert prefect_run_of(again)[0].name == "lake: 1 retried, 1 failed"
    assert [outcome.error_kind for outcome in again.outcomes] == ["unreadable"]
    assert files <= {path.name for path in Path(result.lake, "videos").iterdir()}


def test_only_what_changed_is_analysed_again(archive: Path, result: RunResult) -> None:
    new = material.shots_video(archive / "new.mp4", [1.3], size=(160, 90))
    again = analyze(archive, result.lake, INLINE)
    assert [Path(outcome.uri).name for outcome in again.outcomes if outcome.status == "ok"] == ["new.mp4"]
    new.unlink()
    (archive / "text.mp4").unlink()
    material.shots_video(archive / "text.mp4", [0.9], size=(160, 90))
    mended = analyze(archive, result.lake, INLINE)
    assert [Path(outcome.uri).name for outcome in mended.outcomes if outcome.status == "ok"] == ["text.mp4"]
    assert mended.locations == LocationChanges(missing=1, replaced=1)
    assert prefect_run_of(mended)[0].name == "lake: 1 changed, 1 retried, 1 missing, 1 failed"
    assert ask("SELECT uri FROM videos WHERE missing_since IS NOT NULL", result) == [{"uri": str(new)}]
    assert not ask("SELECT * FROM errors WHERE uri LIKE '%text.mp4'", result), "its failure is past"


def test_another_configuration_analyses_again_and_supersedes(tmp_path: Path) -> None:
    folder = make_archive(tmp_path / "archive", films=1)
    lake = str(tmp_path / "lake")
    first = analyze(folder, lake, LIGHT)
    changed = LIGHT.model_copy(update={"summary": SummaryConfig(sentences=2)})
    second = analyze(folder, lake, changed)
    assert (first.ok, second.ok) == (1, 1)
    assert first.revision != second.revision
    [outcome] = second.outcomes
    assert set(outcome.timings_s) == {"scenes", "subjects", "fusion", "summary"}, "only what the summary needs"
    opened, other = Lake(lake), LIGHT.model_copy(update={"summary": SummaryConfig(sentences=4)})
    tasks = discover([str(folder)], opened, other.archive).tasks
    recipe = recipe_of(settle(other), models_of(settle(other)))
    planned = make_plan(tasks, opened.processed(), recipe, other, read_history(opened))
    assert planned.redone == {Redo("understanding", "summary.sentences 2 -> 4"): 1}, "the run recorded its settings"
    assert prefect_run_of(second)[0].name == "lake: 1 changed"
    assert prefect_run_of(second)[0].state.message == "1 analysed, 0 already in the lake"
    assert ask("SELECT revision FROM videos", second) == [{"revision": second.revision}]


def test_two_writers_never_share_a_lake(tmp_path: Path) -> None:
    lake = Lake.create(str(tmp_path / "lake"))
    folder = make_archive(tmp_path / "archive", films=1)
    with lake.lock(), pytest.raises(LakeError, match="being written"):
        analyze(folder, lake.uri, LIGHT)


def test_an_archive_without_videos_or_with_bad_ones_only_fails_loudly(tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    with pytest.raises(ArchiveError, match="There is no video"):
        analyze(tmp_path / "archive", tmp_path / "lake", LIGHT)
    add_bad_files(tmp_path / "archive")
    with pytest.raises(NothingAnalysedError, match="All 5 videos failed"):
        analyze(tmp_path / "archive", tmp_path / "lake", LIGHT)
    assert Lake(str(tmp_path / "lake")).sql("SELECT count(*) FROM errors").column(0)[0].as_py() == 5


def test_a_discovery_that_never_begins_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise LookupError("no name for the task run")

    (tmp_path / "archive").mkdir()
    monkeypatch.setattr("flows.archive.discover_archive", discover_archive.with_options(task_run_name=nameless))
    with pytest.raises(LookupError, match="no name"):
        analyze(tmp_path / "archive", tmp_path / "lake", LIGHT)


def test_an_archive_that_cannot_be_listed_to_its_end_fails_after_what_was_found_is_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_archive(tmp_path / "archive", films=4)
    manifest = tmp_path / "more.txt"
    manifest.write_text("ftp://nobody/film.mp4\n")
    for name in ("_CHUNK_READS", "_BATCH_READS"):
        monkeypatch.setattr(f"pipeline.run.discovery.{name}", 1)
    with pytest.raises(ArchiveError, match="ftp:// is not allowed"):
        analyze_archive([str(folder), str(manifest)], str(tmp_path / "lake"), **parameters_of(LIGHT))
    lake = Lake(str(tmp_path / "lake"))
    assert lake.sql("SELECT count(*) FROM videos").column(0)[0].as_py() == 2, "two chunks were read ahead"
    assert lake.sql("SELECT state FROM runs").column(0).to_pylist() == ["failed"]


def test_a_failed_shard_is_retried_without_repeating_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_archive(tmp_path / "archive", films=3)
    tries: list[int] = []
    commit = Lake.commit

    def fails_once(lake: Lake, shard: str, revision: str, videos: Any = None) -> int:
        tries.append(len(lake.staged(shard)))
        if len(tries) == 1:
            raise LakeError("the disk was full for a moment")
        return commit(lake, shard, revision, videos)

    monkeypatch.setattr(Lake, "commit", fails_once)
    result = analyze(folder, tmp_path / "lake", LIGHT)
    assert tries == [3, 3]
    assert (result.ok, result.failed) == (3, 0)


def test_a_shard_that_fails_for_good_leaves_the_others_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_archive(tmp_path / "archive", films=2)
    commit, tried = Lake.commit, []

    def fails_for_the_first(lake: Lake, shard: str, revision: str, videos: Any = None) -> int:
        tried.append(shard)
        if shard == tried[0]:
            raise LakeError("this shard cannot be written")
        return commit(lake, shard, revision, videos)

    settings = LIGHT.model_copy(update={"shards": ShardsConfig(max_videos=1, retries=1, retry_delay_s=0)})
    monkeypatch.setattr(Lake, "commit", fails_for_the_first)
    with pytest.raises(UnpublishedError, match="1 of 2 shards could not be published"):
        analyze(folder, tmp_path / "lake", settings)
    monkeypatch.setattr(Lake, "commit", commit)
    lake = Lake(str(tmp_path / "lake"))
    assert lake.sql("SELECT count(*) FROM videos").column(0)[0].as_py() == 1
    assert lake.sql("SELECT state FROM runs").column(0).to_pylist() == ["failed"]
    again = analyze(folder, tmp_path / "lake", settings)
    assert (again.ok, again.done_before) == (0, 2), "what was analysed is published without another analysis"


def test_an_index_that_cannot_be_written_does_not_fail_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.archive.index_if_large", Mock(side_effect=ValueError("No space left on device")))
    run = Mock()
    _index(run)
    assert "No space left" in str(run.logger.warning.call_args.args[1])


def test_a_wrong_configuration_is_not_retried(tmp_path: Path) -> None:
    folder = make_archive(tmp_path / "archive", films=1)
    config = LIGHT.model_copy(update={"workers": WorkersConfig(engine="ray", ray_address="127.0.0.1:1")})
    with pytest.raises(ConfigurationError, match="ray start"):
        analyze(folder, tmp_path / "lake", config)
