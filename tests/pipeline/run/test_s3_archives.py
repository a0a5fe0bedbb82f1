"""Archives on a real S3 server."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.lake import Lake
from pipeline.remote import file_system
from pipeline.run import (
    Discovery,
    Unread,
    content_digest,
    digest_files,
    discover,
    discover_batches,
    list_archive,
    vanished,
)
from schemas.config import ArchiveConfig
from schemas.errors import ArchiveError
from schemas.records import LocationChanges

CONFIG = ArchiveConfig()
CONTENT = bytes(range(256)) * 4096 * 6  # 6 MiB, so that it can be uploaded in two parts


def run(uri: str, lake: Lake) -> tuple[Discovery, list[str]]:
    """Return what a run finds, and the files that it reads."""
    read: list[str] = []

    def recorded(chunks: Iterable[Sequence[Unread]]) -> Iterator[list[str | None]]:
        for chunk in chunks:
            read.extend(file.uri for file in chunk)
            yield digest_files(chunk)

    found = discover([uri], lake, CONFIG, digest_chunks=recorded)
    lake.write_sources("run", [source | {"seen_at": datetime.now(UTC)} for source in found.new_sources])
    return found, read


def test_the_same_content_is_one_video_however_it_was_uploaded(s3_bucket: str, tmp_path: Path) -> None:
    filesystem, bucket = file_system(s3_bucket)
    filesystem.pipe_file(f"{bucket}/a/whole.mp4", CONTENT)
    with filesystem.open(f"{bucket}/a/parts.mp4", "wb", block_size=5 * 1024**2) as file:
        file.write(CONTENT)
    (tmp_path / "local.mp4").write_bytes(CONTENT)
    lake = Lake.create(str(tmp_path / "lake"))
    found, read = run(f"{s3_bucket}/a", lake)
    items = list(list_archive([f"{s3_bucket}/a"], CONFIG))
    assert len({item.etag for item in items}) == 2
    assert [task.video_id for task in found.tasks] == [
        content_digest(str(tmp_path / "local.mp4"), len(CONTENT), CONFIG)
    ]
    assert found.tasks[0].uris == (f"{s3_bucket}/a/parts.mp4", f"{s3_bucket}/a/whole.mp4")
    assert len(read) == 2

    filesystem.mv(f"{bucket}/a/whole.mp4", f"{bucket}/a/moved.mp4")
    again, read = run(f"{s3_bucket}/a", lake)
    assert [task.video_id for task in again.tasks] == [found.tasks[0].video_id]
    assert read == [], "its ETag is known"


def test_a_folder_is_listed_page_by_page(s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    filesystem, bucket = file_system(s3_bucket)
    for name in ("a.mp4", "b/c.mp4", "b/d.txt", "e::f.mp4", "g.mp4"):
        filesystem.pipe_file(f"{bucket}/films/{name}", name.encode())
    filesystem.touch(f"{bucket}/films/folder/")
    filesystem.pipe_file(f"{bucket}/films2/z.mp4", b"z")
    monkeypatch.setattr(filesystem, "req_kw", {"MaxKeys": 2})
    found = list(list_archive([f"{s3_bucket}/films"], CONFIG))
    assert [item.uri.removeprefix(f"{s3_bucket}/films/") for item in found] == ["a.mp4", "b/c.mp4", "e::f.mp4", "g.mp4"]
    assert all(item.size_bytes and item.mtime_ns and item.etag for item in found)
    assert [item.size_bytes for item in list_archive([f"{s3_bucket}/films/b/d.txt", f"{s3_bucket}/*/z.mp4"], CONFIG)]


def test_objects_that_move_vanish_and_change_are_followed_without_a_request_each(
    s3_bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filesystem, bucket = file_system(s3_bucket)
    for name in ("a", "b", "c", "d"):
        filesystem.pipe_file(f"{bucket}/films/{name}.mp4", name.encode())
    filesystem.pipe_file(f"{bucket}/films2/z.mp4", b"z")
    lake = Lake.create(str(tmp_path / "lake"))

    def changed(*roots: str) -> tuple[LocationChanges, list[str]]:
        [found] = discover_batches(roots, lake, CONFIG)
        if rows := found.source_rows(datetime.now(UTC)):
            lake.write_sources("run", rows)
        return found.changes, [row["uri"].removeprefix(f"{s3_bucket}/") for row in found.vanished]

    films = f"{s3_bucket}/films"
    assert changed(films, f"{s3_bucket}/films2") == (LocationChanges(), [])
    filesystem.mv(f"{bucket}/films/a.mp4", f"{bucket}/films/moved.mp4")
    filesystem.rm_file(f"{bucket}/films/b.mp4")
    filesystem.pipe_file(f"{bucket}/films/c.mp4", b"new content")
    filesystem.rm_file(f"{bucket}/films2/z.mp4")
    with monkeypatch.context() as patch:
        patch.setattr(vanished, "which_are_gone", lambda uris: [pytest.fail("asked") for _ in uris])
        changes = changed(films)
    assert changes == (LocationChanges(moved=1, missing=1, replaced=1), ["films/a.mp4", "films/b.mp4"])
    with pytest.raises(ArchiveError):
        changed(films, f"{s3_bucket}/films2")
    assert changed(f"{s3_bucket}/*/?.mp4") == (LocationChanges(missing=1), ["films2/z.mp4"])
    filesystem.pipe_file(f"{bucket}/films/b.mp4", b"b")
    assert changed(films) == (LocationChanges(returned=1), [])
    (tmp_path / "list.txt").write_text(f"{films}/c.mp4\n{films}/d.mp4\n")
    filesystem.rm_file(f"{bucket}/films/d.mp4")
    assert changed(str(tmp_path / "list.txt")) == (LocationChanges(missing=1), ["films/d.mp4"])
