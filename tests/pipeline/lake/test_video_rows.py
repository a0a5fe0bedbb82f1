from collections.abc import Callable
from dataclasses import replace
from itertools import count

import pytest

from pipeline.lake import Lake, analysis_of, stage_states
from pipeline.lake.files import LakeFiles
from pipeline.lake.video_rows import files_of
from schemas.records import StageState
from schemas.stages import STAGES
from schemas.tables import VIDEO_TABLES
from tests.pipeline.lake.lakes import REVISION, TEXT, publish

NEWER = "ffffffffffffffff"


def opened(lake: Lake, monkeypatch: pytest.MonkeyPatch, work: Callable[[], object]) -> set[str]:
    """Return the files that are opened."""
    paths: set[str] = set()
    original = LakeFiles._open

    def counted(files: LakeFiles, path: str, *more: object, **named: object) -> object:
        paths.add(path)
        return original(files, path, *more, **named)

    with monkeypatch.context() as patch:
        patch.setattr(LakeFiles, "_open", counted)
        work()
    return paths


def test_the_rows_of_a_video_are_those_of_one_commit(any_lake: Lake) -> None:
    publish(any_lake, "01", ["v01", "v02"])
    publish(any_lake, "02", ["v01"], revision=NEWER, minutes=1, text=("other", 3))
    old, new = any_lake.rows_of("v01", "01"), any_lake.rows_of("v01", "02")
    assert old is not None
    assert new is not None
    for tables, revision, dimensions in ((old, REVISION, TEXT[1]), (new, NEWER, 3)):
        assert set(tables) == set(VIDEO_TABLES)
        assert tables["videos"]["revision"].to_pylist() == [revision]
        counts = {"shots": 3, "frames": 3, "utterances": 3, "sounds": 1, "subtitles": 2, "errors": 0}
        assert {table: tables[table].num_rows for table in counts} == counts
        [first, *_] = analysis_of(tables).keyframes
        assert first.text_embedding is not None
        assert first.text_embedding.shape == (dimensions,)
    assert any_lake.rows_of("v02", "02") is None
    assert any_lake.rows_of("v03", "01") is None


def test_only_the_files_of_a_commit_are_opened_however_many_there_are(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(8):
        publish(lake, f"{number}a", [f"v{number}"])
    paths = opened(lake, monkeypatch, lambda: lake.rows_of("v3", "3a"))
    assert 0 < len(paths) <= len(VIDEO_TABLES)
    assert all("-3a-" in path for path in paths)


def test_compacted_files_are_found_by_what_they_hold(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        publish(lake, f"{number}a", [f"v{number}"])
    lake.compact()
    for number in range(4, 8):
        publish(lake, f"{number}a", [f"v{number}"])
    publish(lake, "9a", ["v9"], revision=NEWER)
    found = lake.rows_of("v3", "3a")
    assert found is not None
    assert found["frames"].num_rows == 3
    snapshot = lake._log.snapshot()
    assert [len(files_of(snapshot, table, "3a")) for table in VIDEO_TABLES if table != "errors"] == [1] * (
        len(VIDEO_TABLES) - 1
    )
    assert all("compact" in file.name for table in VIDEO_TABLES for file in files_of(snapshot, table, "3a"))


def test_files_of_an_older_version_are_found_by_their_names(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = count()
    monkeypatch.setattr("pipeline.lake.layout._unique", lambda: f"3a4a9a0b{next(numbers):04}")  # as chance may have it
    for number in range(4):
        publish(lake, f"{number}a", [f"v{number}"])
    lake.compact()
    publish(lake, "4a", ["v4"])
    publish(lake, "9a", ["v9"], revision=NEWER)
    snapshot = lake._log.snapshot()
    silent = {
        table: {name: replace(file, holds={}) if table != "videos" else file for name, file in files.items()}
        for table, files in snapshot.files.items()
    }
    older = replace(snapshot, files=silent)
    for shard, files in (("3a", 1), ("4a", 2), ("9a", 1), ("0b", 0)):
        found = files_of(older, "frames", shard)
        assert len(found) == files, "the file of the shard, and compacted files of its revision"
        assert {file.name for file in files_of(snapshot, "frames", shard)} <= {file.name for file in found}


def test_rows_of_an_older_version_have_its_revision_for_each_stage(lake: Lake) -> None:
    publish(lake, "01", ["v01"])
    tables = lake.rows_of("v01", "01")
    assert tables is not None
    assert stage_states(tables) == ()
    column = tables["videos"].schema.get_field_index("stages")
    older = tables | {"videos": tables["videos"].remove_column(column)}
    assert stage_states(older) == tuple(StageState(stage, REVISION) for stage in STAGES)
