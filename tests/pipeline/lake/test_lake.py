import json
import pickle
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.lake import Lake
from pipeline.lake.layout import LAKE_FORMAT
from pipeline.lake.store import Store
from schemas.errors import LakeError
from schemas.tables import TABLE_NAMES
from tests.pipeline.lake.lakes import NOON, REVISION, contents, publish


def test_a_new_folder_becomes_a_lake(tmp_path: Path) -> None:
    lake = Lake.create(str(tmp_path / "new" / "lake"))
    assert Lake(lake.uri).uri == lake.uri


def test_an_empty_folder_becomes_a_lake(tmp_path: Path) -> None:
    (tmp_path / ".DS_Store").touch()
    Lake.create(str(tmp_path))


def test_a_lake_can_be_opened_for_writing_again(any_lake: Lake) -> None:
    publish(any_lake, "01", ["v01"])
    assert len(contents(Lake.create(any_lake.uri))["videos"]) == 1


def test_a_folder_with_other_files_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "holiday.mp4").touch()
    with pytest.raises(LakeError, match=r"holiday\.mp4"):
        Lake.create(str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.mp4"]


def test_reading_a_missing_lake_says_how_to_create_one(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="videolake run"):
        Lake(str(tmp_path / "nothing"))
    assert not (tmp_path / "nothing").exists()


def test_a_lake_whose_making_was_killed_is_made_by_the_next_process(tmp_path: Path) -> None:
    (tmp_path / "_tmp").mkdir()
    (tmp_path / "_tmp" / "0123-_videolake.json").write_text("{")
    assert contents(Lake.create(str(tmp_path)))["videos"] == []


def test_a_lake_of_a_newer_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "_videolake.json").write_text(json.dumps({"format": LAKE_FORMAT + 1}))
    for use in (Lake, Lake.create):
        with pytest.raises(LakeError, match="newer Videolake"):
            use(str(tmp_path))


@pytest.mark.parametrize("uri", ["nosuch://bucket/lake", "nosuch+s3://x"])
def test_an_unknown_kind_of_store_is_explained(uri: str) -> None:
    with pytest.raises(LakeError, match=r"Cannot reach the lake|not allowed on this machine"):
        Lake(uri)


def test_arrow_reaches_stores_for_which_fsspec_has_no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_package(*_: object, **__: object) -> None:
        raise ImportError

    monkeypatch.setattr("fsspec.core.url_to_fs", no_package)
    lake = Lake.create(f"file://{tmp_path}/lake")
    assert not lake._store.local
    publish(lake, "01", ["v01", "v02"], failed=["v02"])
    publish(lake, "02", ["v02"], minutes=1)
    before = contents(lake)
    lake.clean()
    lake.compact()
    assert contents(lake) == before
    assert len(before["frames"]) == 6


def test_a_file_uri_and_a_path_are_the_same_lake(lake: Lake) -> None:
    publish(lake, "01", ["v01"])
    other = Lake(f"file://{lake.uri}")
    for table in TABLE_NAMES:
        assert other.sql(f"FROM {table}") == lake.sql(f"FROM {table}")


def test_a_lake_means_the_same_in_another_process(any_lake: Lake) -> None:
    assert pickle.loads(pickle.dumps(any_lake)).uri == any_lake.uri


def test_a_relative_path_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Lake.create("lake").uri == str(tmp_path / "lake")


def test_a_store_that_cannot_be_written_is_explained(lake: Lake) -> None:
    Path(lake.uri, "frames").write_text("a file where a folder has to be")
    with pytest.raises(LakeError, match="Cannot write frames/01"):
        Store(lake.uri).write("frames/01", b"")


def test_only_one_writer_at_a_time_and_the_second_is_told_who(lake: Lake) -> None:
    other = Lake(lake.uri)
    with lake.lock(), pytest.raises(LakeError, match=r"by process \d+ on \S+ since"), other.lock():
        pass
    with other.lock():
        pass


def test_the_holder_of_the_lock_may_clean_and_compact(lake: Lake) -> None:
    with lake.lock():
        lake.clean()
        lake.compact()


def test_a_killed_writer_does_not_keep_the_lock(lake: Lake) -> None:
    program = "import sys; from pipeline.lake import Lake\nwith Lake(sys.argv[1]).lock(): print(flush=True), input()"
    command = [sys.executable, "-c", program, lake.uri]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "\n"
        with pytest.raises(LakeError, match=re.escape(f"process {process.pid}")), lake.lock():
            pass
        process.kill()
    with lake.lock():
        pass


def test_a_run_is_recorded_and_can_be_updated(any_lake: Lake) -> None:
    row = {
        "run_id": "blue-whale", "revision": REVISION, "started_at": NOON, "finished_at": NOON + timedelta(minutes=5),
        "state": "stopped", "archive": ["/archive"], "configuration": "{}", "versions": {"python": "3.11"},
        "models": [{"role": "speech", "id": "embedded:whisper-base", "licence": "MIT", "digest": "d01c"}],
        "videos_found": 3, "videos_skipped": 1, "videos_ok": 1, "videos_failed": 1, "video_s": 60.0, "wall_s": 300.0,
        "compute_s": {"decode": 1.0}, "prefect_flow_run_id": None,
    }  # fmt: skip
    any_lake.write_run(row)
    any_lake.write_run(row | {"state": "completed"})
    [found] = contents(any_lake)["runs"]
    assert found | {"versions": dict(found["versions"]), "compute_s": dict(found["compute_s"])} == row | {
        "state": "completed",
        "stages": [],
        "stage_video_s": None,
    }


def test_a_location_has_the_content_last_found_there(any_lake: Lake) -> None:
    source = {"uri": "/a.mp4", "size_bytes": 1, "mtime_ns": 1, "video_id": "v01", "seen_at": NOON}
    any_lake.write_sources("run1", [source, source | {"uri": "/b.mp4"}])
    changed = source | {"mtime_ns": 2, "video_id": "v02", "seen_at": NOON + timedelta(days=1)}
    any_lake.write_sources("run2", [changed])
    found = sorted(any_lake.known_sources().to_pylist(), key=lambda row: row["uri"])
    unknown = {"etag": None, "digest": None, "missing_since": None}
    assert found == [changed | unknown, source | {"uri": "/b.mp4"} | unknown]


def test_a_run_name_that_is_not_a_file_name_is_refused(lake: Lake) -> None:
    with pytest.raises(LakeError, match="cannot name a file"):
        lake.write_sources(
            "../run", [{"uri": "/a.mp4", "size_bytes": 1, "mtime_ns": 1, "video_id": "v", "seen_at": NOON}]
        )


def test_a_run_must_have_every_column(lake: Lake) -> None:
    with pytest.raises(LakeError, match="videos_found"):
        lake.write_run({"run_id": "blue-whale"})


def test_only_the_newest_reports_are_kept(any_lake: Lake) -> None:
    uris = [any_lake.write_report(f"20261124T{number:06}-abc", f"page {number}") for number in range(52)]
    kept = any_lake._store.names("_reports")
    assert len(kept) == 50
    assert uris[-1].endswith(kept[-1])
    assert "20261124T000001-abc.html" not in kept
