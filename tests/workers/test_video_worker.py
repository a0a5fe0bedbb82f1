from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

import cv2
import pytest

from pipeline.analysis.video import VideoAnalyzer
from pipeline.extras.sample import slides
from pipeline.extras.sample.draw import read_photo
from pipeline.extras.sample.narrated import Narrator, Scene, make_narrated_video, still
from pipeline.extras.sample.packages import package_file
from pipeline.extras.sample.truth import Truth
from pipeline.lake import Lake
from pipeline.run.discovery import discover
from schemas.config import ArchiveConfig, Config, LimitsConfig, SpeechConfig
from schemas.errors import DeviceError
from schemas.outcome import VideoOutcome
from schemas.records import VideoTask
from tests import material
from tests.workers.archives import BAD, add_bad_files, add_odd_files
from workers.failures import failure_of_attempts
from workers.job import ShardJob
from workers.video_worker import VideoWorker
from workers.watchdog import Watchdog

pytestmark = pytest.mark.models
REVISION = "c" * 16
TABLES = ("videos", "shots", "frames", "utterances", "sounds", "entities", "scenes", "summaries", "errors")


@pytest.fixture(scope="module")
def worker(kept_models: None) -> VideoWorker:
    # The decoder is unsure of synthetic speech, which it would decode three times.
    return VideoWorker(Config(speech=SpeechConfig(beam_size=1, min_greedy_logprob=-5.0)), threads=1)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.create(str(tmp_path / "lake"))


def work(worker: VideoWorker, lake: Lake, *roots: Path) -> dict[str, VideoOutcome]:
    tasks = discover([str(root) for root in roots], lake, ArchiveConfig()).tasks
    job = ShardJob("5a", REVISION, lake.uri)
    outcomes = [worker.work(task, job) for task in tasks]
    lake.commit("5a", REVISION)
    return {Path(outcome.uri).name: outcome for outcome in outcomes}


def test_bad_files_cost_a_row_each_and_odd_ones_none(worker: VideoWorker, lake: Lake, tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    archive.mkdir()
    add_bad_files(archive)
    add_odd_files(archive)
    outcomes = work(worker, lake, archive)
    assert {name: outcome.error_kind for name, outcome in outcomes.items() if outcome.status == "failed"} == BAD
    rows = lake.sql("SELECT uri, kind, message, traceback, stage FROM errors").to_pylist()
    assert {Path(row["uri"]).name: row["kind"] for row in rows} == BAD
    assert all(row["uri"] in row["message"] and not row["traceback"] and row["stage"] for row in rows)
    videos = {
        Path(row["uri"]).name: row
        for row in lake.sql(
            "SELECT uri, status, shots, frames, scenes, width, height, has_video FROM videos"
        ).to_pylist()
    }
    assert videos["one frame.mp4"]["shots"] == videos["one frame.mp4"]["frames"] == 1
    assert (videos["8k.mkv"]["width"], videos["8k.mkv"]["height"]) == (7680, 4320)
    assert (videos["sound only.flac"]["has_video"], videos["sound only.flac"]["shots"]) == (False, 0)
    assert videos["turned.mp4"]["height"] > videos["turned.mp4"]["width"]


def spanish_breakfast(path: Path, shots: int = 3) -> Truth:
    """Make a film of three shots, with hard cuts and four spoken sentences, of which the first two shots have two."""
    photos = (read_photo(package_file("scikit-image", f"skimage/data/{name}.png")) for name in ("coffee", "chelsea"))
    pictures = [cv2.resize(picture, (640, 360)) for picture in (slides.title_slide("Una casa tranquila", ""), *photos)]
    said = (("Buenos días.",), ("El café es muy bueno.",), ("El gato es muy grande.", "Los niños juegan con el gato."))
    scenes = [Scene(still(picture), spoken) for picture, spoken in zip(pictures, said, strict=True)][:shots]
    return make_narrated_video(path, scenes, fps=12, narrator=Narrator("es-419", "es", 130))


def test_speech_cuts_and_titles_of_a_known_film_are_in_the_tables(
    worker: VideoWorker, lake: Lake, tmp_path: Path
) -> None:
    truth = spanish_breakfast(tmp_path / "film.mp4")
    outcome = work(worker, lake, tmp_path / "film.mp4")["film.mp4"]
    assert outcome.language == truth.language == "es"
    said = lake.sql("SELECT string_agg(text, ' ' ORDER BY start_s) FROM utterances").column(0)[0].as_py()
    assert "gato" in said
    assert "café" in said
    starts = lake.sql("SELECT start_s FROM shots WHERE shot_index > 0 ORDER BY 1").column(0).to_pylist()
    assert starts == pytest.approx(list(truth.transitions_s), abs=0.2)
    evidence = lake.sql(
        "SELECT count(*) AS n, count(u.utterance_id) AS known FROM (SELECT unnest(s.evidence) AS e FROM "
        "(SELECT unnest(sentences) AS s FROM summaries)) LEFT JOIN utterances u ON e.id = u.utterance_id "
        "WHERE e.kind = 'utterance'"
    ).to_pylist()[0]
    assert evidence["n"] == evidence["known"] > 0
    vectors = (
        lake.sql("SELECT list_sum([x * x FOR x IN embedding::FLOAT[]]) AS n FROM utterances").column(0).to_pylist()
    )
    assert vectors == pytest.approx([1.0] * len(vectors), abs=1e-3)


def test_silent_and_wordless_videos_have_no_words(worker: VideoWorker, lake: Lake, tmp_path: Path) -> None:
    frames = material.shots_video(tmp_path / "music.mp4", [3.0, 3.0], audio=material.music(6.0))
    outcomes = work(worker, lake, frames, material.clip("carphone"))
    assert [outcome.words for outcome in outcomes.values()] == [0, 0]
    assert all(outcome.language is None for outcome in outcomes.values())


def test_a_video_that_kills_its_worker_too_often_fails(worker: VideoWorker, lake: Lake, tmp_path: Path) -> None:
    for _ in range(3):
        lake.begin_attempt("5a", "crasher", "local")
    for _ in range(2):
        lake.begin_attempt("5a", "survivor", "local")
    job = ShardJob("5a", REVISION, lake.uri)
    film = str(material.shots_video(tmp_path / "film.mp4", [1.0]))
    kinds = [worker.work(VideoTask(name, (film,), 1, 0), job).error_kind for name in ("crasher", "survivor")]
    assert kinds == ["crashed", ""]


def test_an_attempt_beside_other_videos_is_not_held_against_a_video(
    worker: VideoWorker, lake: Lake, tmp_path: Path
) -> None:
    film = str(material.shots_video(tmp_path / "film.mp4", [1.0]))
    task, noted = VideoTask("v1", (film,), 1, 0), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Lake, "begin_attempt", lambda _lake, _shard, _video, node: noted.append(node) or ("1", []))
        for shared in (True, False):
            worker.work(task, ShardJob("5a", REVISION, lake.uri, shared=shared))
    assert noted == ["", "local"]


def test_a_video_that_takes_too_long_beside_others_does_not_fail_as_another_one_may_hang(
    worker: VideoWorker, lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Impatient(Watchdog):
        def __enter__(self) -> Self:
            self._give_up(1.0, "")
            raise SystemExit

    monkeypatch.setattr("workers.video_worker.Watchdog", Impatient)
    task, staged = VideoTask("v1", (str(tmp_path / "film.mp4"),), 1, 0), []
    for shared in (True, False):
        with pytest.raises(SystemExit):
            worker.work(task, ShardJob("5a", REVISION, lake.uri, shared=shared))
        staged.append(lake.staged("5a"))
    assert staged == [set(), {"v1"}]


def test_videos_that_are_analysed_at_the_same_time_get_the_rows_and_the_log_that_they_get_alone(
    worker: VideoWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With two threads, which they share: how PyTorch rounds sums depends on their number."""
    models, config = worker._analyzer.models, worker._config
    monkeypatch.setattr(worker, "_analyzer", VideoAnalyzer(config, models, threads=2))
    spanish_breakfast(tmp_path / "spanish.mp4", shots=2)
    material.shots_video(tmp_path / "silent.mp4", [1.0, 1.5, 1.0])
    (tmp_path / "broken.mp4").write_text("no film")
    found = []
    for threads in (1, 3):
        lake = Lake.create(str(tmp_path / f"lake{threads}"))
        tasks, job = discover([str(tmp_path)], lake, ArchiveConfig()).tasks, ShardJob("5a", REVISION, lake.uri)
        with ThreadPoolExecutor(threads) as executor:
            outcomes = list(executor.map(lambda task, job=job: worker.work(task, job), tasks))  # type: ignore[misc]
        lake.commit("5a", REVISION)
        constant = "COLUMNS(lambda name: name NOT IN ('committed_at', 'analysed_at', 'failed_at', 'timings_s'))"
        rows = {table: lake.sql(f"SELECT {constant} FROM {table} ORDER BY video_id").to_pylist() for table in TABLES}
        found.append((rows, {outcome.uri: [line.message for line in outcome.log] for outcome in outcomes}))
    assert found[0] == found[1]
    assert len(found[0][1]) == 3
    assert any("broken.mp4" in line for lines in found[0][1].values() for line in lines)


def test_lost_nodes_are_not_held_against_a_video_unless_they_never_end() -> None:
    task, limits = VideoTask("v", ("film.mp4",), 1, 0), LimitsConfig()
    for earlier, ends in [(["gone"] * 5, False), (["", "gone", "here", "here"], False), (["here"] * 3, True)]:
        assert bool(failure_of_attempts(task, earlier, limits, "gone".__eq__)) == ends
    failure = failure_of_attempts(task, ["gone", ""] * 5, limits, "gone".__eq__)
    assert failure is not None
    assert (failure.kind, failure.attempts) == ("crashed", 10)
    assert failure_of_attempts(task, ["gone"] * 11, LimitsConfig(max_attempts=12), "gone".__eq__) is None


@pytest.mark.parametrize("fault", [RuntimeError("CUDA error: device-side assert triggered"), KeyboardInterrupt()])
def test_what_is_not_the_fault_of_a_video_is_no_attempt_and_no_row(
    worker: VideoWorker, lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: BaseException
) -> None:
    film = material.shots_video(tmp_path / "film.mp4", [1.0])
    task, job = VideoTask("v1", (str(film),), 1, 0), ShardJob("5a", REVISION, lake.uri)

    class BrokenNetwork:
        """The seam: what a real model raises on a broken GPU."""

        def __getattr__(self, name: str) -> object:
            raise fault

    with monkeypatch.context() as patch:
        patch.setattr(worker._analyzer.models.vision, "_network", BrokenNetwork())
        for _ in range(3):
            with pytest.raises(DeviceError if isinstance(fault, Exception) else type(fault)):
                worker.work(task, job)
    assert lake.staged("5a") == set()
    assert worker.work(task, job).status == "ok"


def test_a_video_that_is_already_staged_is_not_analysed_again(
    worker: VideoWorker, lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = ShardJob("5a", REVISION, lake.uri)
    film, text = material.shots_video(tmp_path / "film.mp4", [1.0]), tmp_path / "text.mp4"
    text.write_text("no film")
    tasks = [VideoTask(each.name, (str(each),), 1, 0) for each in (film, text)]
    first = [worker.work(task, job) for task in tasks]
    assert [outcome.status for outcome in first] == ["ok", "failed"]
    monkeypatch.setattr(worker._analyzer, "probe", lambda *_args: 1 / 0)
    varying = {"wall_s", "load_s", "peak_rss_bytes", "log", "timings_s"}
    again = [worker.work(task, job) for task in tasks]
    assert [each.model_dump(exclude=varying) for each in again] == [each.model_dump(exclude=varying) for each in first]


def test_a_video_may_take_longer_the_longer_it_is() -> None:
    assert LimitsConfig().time_limit_s(36_000) > 2 * 36_000
    assert LimitsConfig(timeout_s=60, timeout_factor=0).time_limit_s(36_000) == 60
    assert LimitsConfig().time_limit_s(1e12) < 7 * 24 * 3600, "a header may state any duration"


def test_a_file_that_changes_during_its_analysis_fails(worker: VideoWorker, lake: Lake, tmp_path: Path) -> None:
    film = material.shots_video(tmp_path / "film.mp4", [1.0])
    task = VideoTask("v1", (str(film),), film.stat().st_size, film.stat().st_mtime_ns - 1)
    outcome = worker.work(task, ShardJob("5a", REVISION, lake.uri))
    assert (outcome.status, outcome.error_kind) == ("failed", "vanished")


def test_a_bug_costs_one_video_and_keeps_its_traceback(
    worker: VideoWorker, lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = material.shots_video(tmp_path / "film.mp4", [1.0])
    monkeypatch.setattr(worker._analyzer, "analyze", lambda *_args, **_named: 1 / 0)
    assert work(worker, lake, film)["film.mp4"].error_kind == "internal"
    row = lake.sql("SELECT message, traceback FROM errors").to_pylist()[0]
    assert "ZeroDivisionError" in row["message"]
    assert "Traceback" in row["traceback"]
