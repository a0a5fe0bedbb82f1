"""Which of its locations a video is opened at, and what is said if it is at none."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import fsspec
import pytest

from pipeline.export import with_file, with_file_if_any
from pipeline.lake import VideoRecord
from schemas.errors import ExportError
from tests.pipeline.export.records import ROW, VIDEO


def at(*uris: str | Path, missing_since: datetime | None = None, size_bytes: int = 4) -> VideoRecord:
    where = [str(uri) for uri in uris]
    row = {**ROW, "uri": where[0], "uris": where, "missing_since": missing_since, "size_bytes": size_bytes}
    return replace(VIDEO, row=row)


def test_the_first_location_with_the_unchanged_file_is_used(tmp_path: Path) -> None:
    for name, content in (("changed.mp4", b"other"), ("same.mp4", b"film"), ("later.mp4", b"film")):
        (tmp_path / name).write_bytes(content)
    found = at(tmp_path / "gone.mp4", tmp_path / "changed.mp4", tmp_path / "same.mp4", tmp_path / "later.mp4")
    assert with_file(found).uri == with_file_if_any(found).uri == str(tmp_path / "same.mp4")
    fsspec.filesystem("memory").pipe("/locate/film.mp4", b"film")
    assert with_file(at(tmp_path / "gone.mp4", "memory://locate/film.mp4")).uri == "memory://locate/film.mp4"


def test_a_file_that_was_put_back_is_used_before_a_run_has_noticed(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"film")
    assert with_file(at(tmp_path / "film.mp4", missing_since=datetime.now(UTC))).uri == str(tmp_path / "film.mp4")


def test_the_error_says_where_the_file_was_and_what_to_do(tmp_path: Path) -> None:
    gone = tmp_path / "gone.mp4"
    with pytest.raises(ExportError, match=r"gone.mp4 is no longer at .*run videolake on the folder it is in now"):
        with_file(at(gone, tmp_path / "too.mp4"))
    since = datetime(2026, 11, 29, 23, tzinfo=UTC)
    with pytest.raises(ExportError, match=rf"vanished from {gone} on 2026-11-29. Put the file back, or run videolake"):
        with_file(at(gone, missing_since=since))
    gone.write_bytes(b"other")
    with pytest.raises(ExportError, match="has changed since it was analysed"):
        with_file(at(gone))
    assert with_file_if_any(at(gone, tmp_path / "too.mp4")).uri == str(gone)
