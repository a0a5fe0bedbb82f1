import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.export.names import safe_stem, unique, whole_file
from schemas.errors import ExportError


@given(st.text(max_size=300))
def test_any_uri_gives_a_safe_file_name(uri: str) -> None:
    stem = safe_stem(uri)
    assert stem
    assert not set(stem) & set('/\\:*?"<>|\n\r\t\x00\x1b')
    assert not stem.startswith((".", "-", " "))
    assert len(stem.encode()) <= 121
    assert Path("folder", stem).parent == Path("folder")


@pytest.mark.parametrize(
    ("uri", "stem"),
    [
        ("/archive/The talk.mp4", "The talk"),
        ("s3://bucket/a/b.final.mov", "b.final"),
        ("../../etc/passwd", "passwd"),
        ("/x/..", "video"),
        ("/x/-rf.mp4", "rf"),
        ("/x/CON.mp4", "_CON"),
        ("/x/a\x1b[31m.mp4", "a_[31m"),
        ("/x/海洋.mp4", "海洋"),
    ],
)
def test_names_stay_recognisable(uri: str, stem: str) -> None:
    assert safe_stem(uri) == stem


def test_videos_with_the_same_name_get_different_files() -> None:
    taken: set[str] = set()
    names = [unique(stem, video_id, taken) for stem, video_id in (("a", "1" * 32), ("A", "2" * 32), ("a", "2" * 32))]
    assert names == ["a", "A.22222222", "a." + "2" * 32]


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "new" / "out.srt"
    with pytest.raises(UnicodeEncodeError), whole_file(target) as path:
        path.write_text("half, and then a lone \ud800", encoding="utf-8")
    assert list(target.parent.iterdir()) == []
    with whole_file(target) as path:
        path.write_text("whole")
    assert target.read_text() == "whole"
    with pytest.raises(ExportError, match="is a folder"), whole_file(tmp_path / "new"):
        pass


def test_a_pipe_or_device_is_written_to_and_never_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with whole_file(pipe) as path:
        assert path == pipe
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_link_stays_and_its_target_is_written(tmp_path: Path) -> None:
    link, target = tmp_path / "link.srt", tmp_path / "real.srt"
    target.write_text("old")
    link.symlink_to(target)
    with whole_file(link) as path:
        path.write_text("new")
    assert (link.is_symlink(), target.read_text()) == (True, "new")
