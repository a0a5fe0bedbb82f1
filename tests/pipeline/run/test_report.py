"""The plan of a run on invented lakes and files whose content does not matter."""

import os
import random
import wave
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.lake import Lake
from pipeline.run import PlanReport, Skipped, plan_archive
from pipeline.run.discovery import discover
from pipeline.run.durations import Durations
from pipeline.run.report import Redone, check_found
from pipeline.run.revision import Recipe, models_of, recipe_of
from schemas.config import ArchiveConfig, Config, LimitsConfig, SpeechConfig, SummaryConfig
from schemas.errors import ArchiveError, LakeError
from schemas.records import StageState, VideoTask
from tests.pipeline.lake.lakes import NOON, publish, stage, task
from tests.pipeline.run.ledgers import run_row, write_runs

CONFIG = Config(speech=SpeechConfig(engine="none"))


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return recipe_of(CONFIG, models_of(CONFIG))


def made_by(recipe: Recipe) -> dict[str, Any]:
    """Return how to publish rows that a run with this recipe has made."""
    states = (StageState(stage, revision) for stage, revision in recipe.stages.items())
    return {"revision": recipe.revision, "stages": tuple(states)}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    folder = tmp_path / "archive"
    folder.mkdir()
    for number in range(4):
        (folder / f"{number}.mp4").write_bytes(bytes([number]) * 1000)
    return folder


def recording(path: Path, seconds: float) -> None:
    """Write noise as 16-bit PCM at 8 kHz."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(random.Random(path.name).randbytes(round(seconds * 8000) * 2))


def contents(folder: Path) -> dict[str, tuple[int, int]]:
    """Return what is in a folder, and when it was changed."""
    found = {}
    for root, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            state = Path(root, name).stat()
            found[str(Path(root, name))] = (state.st_size, state.st_mtime_ns)
    return found


def ids(archive: Path, lake: Lake) -> list[str]:
    return [each.video_id for each in discover([str(archive)], lake, ArchiveConfig()).tasks]


def test_a_lake_that_does_not_exist_is_not_made_and_gives_no_estimate(archive: Path, tmp_path: Path) -> None:
    report = plan_archive([str(archive)], str(tmp_path / "lake"), CONFIG)
    assert (report.files, report.read_files, report.found, report.changes.new) == (4, 4, 4, 4)
    assert (report.videos, report.size_bytes) == (4, 4000)
    assert report.total_s == report.estimated_s == pytest.approx(4000 / 500_000)
    assert report.rate_of == "typical"
    assert report.estimate is None
    assert not (tmp_path / "lake").exists()


def test_a_folder_with_other_files_is_refused_as_in_a_run(archive: Path, tmp_path: Path) -> None:
    with pytest.raises(LakeError, match=r"is not a lake but holds 0\.mp4"):
        plan_archive([str(archive)], str(archive), CONFIG)
    assert sorted(each.name for each in archive.iterdir()) == [f"{number}.mp4" for number in range(4)]


def test_every_video_is_counted_once_with_the_reason_and_nothing_is_written(
    archive: Path, tmp_path: Path, recipe: Recipe
) -> None:
    lake = Lake.create(str(tmp_path / "lake"))
    earlier = CONFIG.model_copy(update={"summary": SummaryConfig(sentences=9)})
    before = recipe_of(earlier, recipe.models)
    done, old, broken, _ = ids(archive, lake)
    publish(lake, "01", [done], **made_by(recipe))
    publish(lake, "02", [old], **made_by(before))
    publish(lake, "03", [broken], **made_by(recipe), failed=[broken])
    write_runs(lake, run_row("r1", **recorded(earlier, before)), run_row("r2", hours=1))
    with lake.lock():
        found = contents(tmp_path)
        report = plan_archive([str(archive)], lake.uri, CONFIG)
        assert contents(tmp_path) == found
    assert (report.changes.new, report.changes.changed, report.done, report.failed_before) == (1, 1, 1, 1)
    assert report.stage_videos == {"picture": 1, "sound": 1, "text": 1, "understanding": 2}
    assert report.redone == (Redone("understanding", "summary.sentences 9 -> 5", 1),)
    # Invented videos have 1,000 bytes and 30 s: one is known, and the other is estimated from it.
    assert (report.total_s, report.estimated_s) == pytest.approx((60, 30))
    assert report.stage_video_s == pytest.approx({"picture": 30, "sound": 30, "text": 30, "understanding": 60})
    assert report.rate_of == "lake"
    assert report.estimate is not None
    assert report.estimate.compute_s["picture"] == pytest.approx(12)
    assert report.estimate.compute_s["understanding"] == pytest.approx(2.4)
    assert report.estimate.compute_error == pytest.approx(1.0)


def recorded(config: Config, recipe: Recipe) -> dict[str, Any]:
    """Return what a run with a configuration records of it."""
    return {
        "configuration": config.model_dump_json(),
        "models": [
            {"role": model.role, "id": model.id, "licence": model.licence, "digest": model.digest}
            for model in recipe.models
        ],
        "stages": [
            {"name": stage, "revision": revision, "version": recipe.versions[stage]}
            for stage, revision in recipe.stages.items()
        ],
    }


def test_what_is_over_the_limit_is_postponed_and_costs_nothing(archive: Path, tmp_path: Path) -> None:
    limited = CONFIG.model_copy(update={"limits": LimitsConfig(max_videos=1)})
    report = plan_archive([str(archive)], str(tmp_path / "lake"), limited)
    assert (report.videos, report.postponed, report.size_bytes) == (1, 3, 1000)


def test_a_lake_that_has_everything_costs_nothing(archive: Path, tmp_path: Path, recipe: Recipe) -> None:
    lake = Lake.create(str(tmp_path / "lake"))
    publish(lake, "01", ids(archive, lake), **made_by(recipe))
    write_runs(lake, run_row("r1"))
    report = plan_archive([str(archive)], lake.uri, CONFIG)
    assert (report.videos, report.done, report.estimate) == (0, 4, None)


def test_videos_of_a_killed_run_that_wait_to_be_published_are_told(archive: Path, tmp_path: Path) -> None:
    lake = Lake.create(str(tmp_path / "lake"))
    stage(lake, "01", ids(archive, lake)[:2])
    report = plan_archive([str(archive)], lake.uri, CONFIG)
    assert (report.videos, report.unpublished) == (4, 2)


def test_an_archive_without_videos_is_refused(tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    with pytest.raises(ArchiveError, match="There is no video in"):
        plan_archive([str(tmp_path / "archive")], str(tmp_path / "lake"), CONFIG)
    check_found(PlanReport(found=1), [], Skipped())


def test_durations_follow_the_extension_and_else_all_videos(tmp_path: Path) -> None:
    lake = Lake.create(str(tmp_path / "lake"))
    publish(lake, "01", ["aaaa1111"])
    durations = Durations(lake)
    assert durations.source == "lake"
    assert durations.estimate_s(task("bbbb")) == (pytest.approx(30.0), "by size")
    assert durations.estimate_s(VideoTask("c", ("/x.wav",), 500, NOON.second)) == (pytest.approx(15.0), "by size")
    nothing = Durations(Lake.create(str(tmp_path / "empty")))
    assert nothing.source == "typical"
    assert nothing.estimate_s(VideoTask("c", ("/x.wav",), 500_000, 0)) == (pytest.approx(1.0), "by size")


def test_files_of_unknown_extensions_are_opened_and_others_follow_their_bit_rate(tmp_path: Path) -> None:
    for number in range(30):
        recording(tmp_path / f"{number:02}.wav", 1.0 + number / 10)
    (tmp_path / "damaged.flac").write_bytes(b"no media")
    report = plan_archive([str(tmp_path)], str(tmp_path / "lake"), CONFIG)
    assert report.rate_of == "files"
    assert 20 <= report.stated_s < 60, "20 of the recordings are opened"
    assert report.total_s == pytest.approx(sum(1.0 + number / 10 for number in range(30)), rel=0.01)
    assert report.total_s == pytest.approx(report.stated_s + report.estimated_s)


def test_new_files_follow_the_bit_rate_of_others_like_them_rather_than_that_of_the_lake(tmp_path: Path) -> None:
    lake = Lake.create(str(tmp_path / "lake"))
    publish(lake, "01", ["aaaa1111"])
    extension = lake.sql("SELECT uri FROM videos LIMIT 1")["uri"][0].as_py().rpartition(".")[2]
    archive = tmp_path / "archive"
    archive.mkdir()
    for number in range(25):
        recording(archive / f"{number}.{extension}", 2.0 + number / 10)
    report = plan_archive([str(archive)], lake.uri, CONFIG)
    assert report.rate_of == "files"
    assert report.total_s == pytest.approx(sum(2.0 + number / 10 for number in range(25)), rel=0.01)


def test_no_file_is_opened_for_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.run.durations.probe", lambda *_: pytest.fail("opened"))
    durations = Durations(Lake.create(str(tmp_path / "lake")))
    assert durations.estimate_s(VideoTask("c", ("/x.wav",), 500_000, 0))[1] == "by size"


def test_whatever_is_wrong_with_a_file_its_length_is_estimated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("pipeline.run.durations.probe", broken)
    recording(tmp_path / "a.wav", 1.0)
    report = plan_archive([str(tmp_path)], str(tmp_path / "lake"), CONFIG)
    assert report.estimated_s == pytest.approx(report.size_bytes / 500_000)


def test_a_file_that_states_any_length_spoils_no_estimate_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stated_s = iter([1e12, *[2.0] * 19])
    monkeypatch.setattr("pipeline.run.durations.probe", lambda *_: SimpleNamespace(duration_s=next(stated_s)))
    durations = Durations(Lake.create(str(tmp_path / "lake")), CONFIG)
    tasks = [VideoTask(f"{number}", (f"/folder.of/films/{number}",), 1000, 0) for number in range(25)]
    lengths = [durations.estimate_s(task) for task in tasks]
    assert lengths[0] == (CONFIG.limits.max_duration_s, "stated")
    assert lengths[1:20] == [(2.0, "stated")] * 19, "20 files without an extension are opened"
    assert lengths[20:] == [(2.0, "by size")] * 5


def test_a_slow_store_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.run.durations._PATIENCE_S", 0.0)
    recording(tmp_path / "a.wav", 1.0)
    report = plan_archive([str(tmp_path)], str(tmp_path / "lake"), CONFIG)
    assert report.stated_s == 0
    assert report.rate_of == "typical"
