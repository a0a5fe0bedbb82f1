import csv
import os
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.run import Skipped, content_digest, list_archive
from schemas.config import ArchiveConfig
from schemas.errors import ArchiveError

CONFIG = ArchiveConfig()


def names(*roots: object) -> list[str]:
    return [Path(item.uri).name for item in list_archive([str(root) for root in roots], CONFIG)]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    for name in ("b.mp4", "a.MKV", "deep/er/c.wav", "notes.txt", ".hidden.mp4", ".git/d.mp4", "é ü.mov", "no_ending"):
        path = tmp_path / "archive" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return tmp_path / "archive"


def test_a_folder_lists_its_media_in_a_fixed_order_without_hidden_files(archive: Path) -> None:
    assert names(archive) == ["a.MKV", "b.mp4", "c.wav", "é ü.mov"]
    items = list(list_archive([str(archive)], CONFIG))
    assert all(item.size_bytes > 0 and item.mtime_ns > 0 and Path(item.uri).is_absolute() for item in items)


def test_a_file_given_by_name_is_listed_whatever_its_extension(archive: Path) -> None:
    assert names(archive / "no_ending") == ["no_ending"]


def test_each_file_is_listed_once_however_often_it_is_given(archive: Path) -> None:
    (archive / "link.mp4").symlink_to(archive / "b.mp4")
    assert names(archive, archive / "b.mp4", f"{archive}/*.mp4").count("b.mp4") == 1


def test_a_link_is_known_by_its_own_path_and_its_target_is_another_location(archive: Path) -> None:
    real = archive.resolve()
    store = real.parent / "objects"
    store.mkdir()
    (store / "SHA256E-s5--cafe.mp4").write_bytes(b"annex")
    (archive / "talk.mp4").symlink_to(Path("..") / "objects" / "SHA256E-s5--cafe.mp4")
    (real.parent / "linked").symlink_to(archive)
    found = {Path(item.uri).name: item for item in list_archive([str(real.parent / "linked")], CONFIG)}
    assert found["talk.mp4"].uri == str(real.parent / "linked" / "talk.mp4")
    assert found["talk.mp4"].target == str(store / "SHA256E-s5--cafe.mp4")
    assert found["talk.mp4"].size_bytes == 5
    assert found["b.mp4"].target == str(real / "b.mp4")
    assert {item.target for item in list_archive([str(real)], CONFIG)} == {None, found["talk.mp4"].target}


def test_names_that_are_not_utf8_are_listed_and_read(archive: Path) -> None:
    name = os.fsdecode("caf\u00e9 1.mp4".encode("latin-1"))
    (archive / name).write_bytes(b"x")
    (folder := archive / os.fsdecode(b"\xff")).mkdir()
    (folder / "a.mp4").write_bytes(b"y")
    uris = [item.uri for item in list_archive([str(archive)], CONFIG)]
    assert [uri for uri in uris if "%" in uri] == [
        f"file://{archive}/caf%E9%201.mp4",
        f"file://{archive}/%FF/a.mp4",
    ]
    again = [item.uri for item in list_archive([uri for uri in uris if "%" in uri], CONFIG)]
    assert again == [uri for uri in uris if "%" in uri]
    assert all(content_digest(uri, 1, CONFIG) for uri in uris)
    with pytest.raises(ArchiveError, match="%FE") as raised:
        names(archive / os.fsdecode(b"\xfe"))
    str(raised.value).encode()


def test_skipped_files_are_counted_by_extension(archive: Path) -> None:
    for name in ("a.JPG", "b.jpg", "talk.srt", "talk.en.vtt", os.fsdecode(b"c.\xe9")):
        (archive / name).touch()
    (archive / "gone.mp4").symlink_to(archive / "nowhere.mp4")
    skipped = Skipped()
    list(list_archive([str(archive)], CONFIG, skipped))
    assert skipped.extensions == {"jpg": 2, "txt": 1, "": 1, "%E9": 1}
    assert skipped.broken_links == 1
    lines = " ".join(skipped.lines())
    assert "5 files were skipped because of the extension: 2 .jpg" in lines
    assert "1 without" in lines
    assert "git annex get" in lines


def test_the_extensions_cover_camcorders_phones_radio_and_recorders() -> None:
    assert len(set(CONFIG.extensions)) == len(CONFIG.extensions)
    assert all(extension == extension.lower() for extension in CONFIG.extensions)
    wanted = {
        "dv",
        "mka",
        "m4b",
        "mod",
        "tod",
        "3g2",
        "mp2",
        "qt",
        "gif",
        "m2t",
        "ogm",
        "spx",
        "caf",
        "amr",
        "rm",
        "wtv",
    }
    assert wanted <= set(CONFIG.extensions)


def test_loops_of_links_end(archive: Path) -> None:
    (archive / "deep" / "again").symlink_to(archive, target_is_directory=True)
    (archive / "self.mp4").symlink_to(archive / "self.mp4")
    assert sorted(names(archive)) == ["a.MKV", "b.mp4", "c.wav", "self.mp4", "é ü.mov"]


def test_globs_are_expanded(archive: Path) -> None:
    assert names(f"{archive}/**/*.wav") == ["c.wav"]


def test_manifests_list_files_relative_to_themselves_and_missing_ones_too(archive: Path) -> None:
    (archive / "list.txt").write_text("# mine\n\nb.mp4\ngone.mp4\n")
    assert names(archive / "list.txt") == ["b.mp4", "gone.mp4"]
    assert [item.size_bytes for item in list_archive([str(archive / "list.txt")], CONFIG)] == [5, 0]
    with (archive / "list.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["title", "path"], ["One, with comma", "b.mp4"], ["Two", "deep/er/c.wav"]])
    assert names(archive / "list.csv") == ["b.mp4", "c.wav"]
    pq.write_table(pa.table({"uri": [str(archive / "a.MKV"), None]}), archive / "list.parquet")
    assert names(archive / "list.parquet") == ["a.MKV"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_manifests_may_be_written_by_programs_on_windows(archive: Path, encoding: str) -> None:
    (archive / "list.txt").write_text("b.mp4\r\nZoë.mp4\r\n", encoding=encoding, newline="")
    assert names(archive / "list.txt") == ["b.mp4", "Zoë.mp4"]
    (archive / "list.csv").write_text('title;"path"\r\n"One; two, three";b.mp4\r\n', encoding=encoding, newline="")
    assert names(archive / "list.csv") == ["b.mp4"]


def test_a_name_may_have_semicolons(archive: Path) -> None:
    (archive / "list.csv").write_text("path\none;two.mp4\n")
    assert names(archive / "list.csv") == ["one;two.mp4"]


@pytest.mark.parametrize("content", [b"\0\0\0 ftypisom\0\0", b"\xff\xfea\0b", b"b.mp4\0"])
def test_a_manifest_that_is_no_text_is_an_error_that_names_it(archive: Path, content: bytes) -> None:
    (archive / "video.txt").write_bytes(content)
    with pytest.raises(ArchiveError, match=r"manifest .*video\.txt"):
        names(archive / "video.txt")


def test_fsspec_stores_are_listed_by_uri() -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe({"/listed/one.mp4": b"1", "/listed/sub/two.mkv": b"22", "/listed/three.txt": b"3"})
    items = list(list_archive(["memory://listed"], CONFIG))
    assert [(item.uri, item.size_bytes) for item in items] == [
        ("memory:///listed/one.mp4", 1),
        ("memory:///listed/sub/two.mkv", 2),
    ]
    assert content_digest(items[0].uri, 1, CONFIG) == content_digest("memory://listed/one.mp4", 1, CONFIG)


@pytest.mark.parametrize("root", ["/no/such/folder", "/no/such/*.mp4", "memory://nothing/here"])
def test_a_missing_root_is_an_error_that_names_it(root: str) -> None:
    with pytest.raises(ArchiveError, match=r"no/such|nothing"):
        names(root)


def test_a_missing_root_is_an_error_before_anything_is_listed(tmp_path: Path) -> None:
    (tmp_path / "one.mp4").touch()
    with pytest.raises(ArchiveError, match="no/such"):
        next(list_archive([str(tmp_path), "/no/such/folder"], CONFIG))


def test_no_root_at_all_is_an_error() -> None:
    with pytest.raises(ArchiveError, match="No archive"):
        names()


def test_a_video_is_identified_by_content_and_not_by_location(tmp_path: Path) -> None:
    one, other = tmp_path / "one.mp4", tmp_path / "other.mp4"
    one.write_bytes(b"x" * 5_000_000)
    other.write_bytes(b"x" * 5_000_000)
    for digest in ("full", "sampled"):
        config = ArchiveConfig(digest=digest)
        assert content_digest(str(one), 5_000_000, config) == content_digest(str(other), 5_000_000, config)
    other.write_bytes(b"x" * 4_999_999 + b"y")
    for digest in ("full", "sampled"):
        config = ArchiveConfig(digest=digest)
        assert content_digest(str(one), 5_000_000, config) != content_digest(str(other), 5_000_000, config)
    assert len(content_digest(str(one), 5_000_000, CONFIG)) == 32
