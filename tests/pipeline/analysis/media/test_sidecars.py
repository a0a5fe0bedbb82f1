"""Subtitle files beside videos, as people name, encode and damage them."""

import os
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from pipeline.analysis.media import sidecars
from pipeline.analysis.media.sidecars import decoded, find_sidecars, read_sidecars

SRT = "1\n00:00:01,500 --> 00:00:03,000\n<i>Grüße</i> –\nund {\\an8}mehr\n\n2\n00:00:04,000 --> 00:00:05,000\nEnde\n"
VTT = "WEBVTT\n\nNOTE nothing\n\n00:01.500 --> 00:03.000 line:0\n<v Ann>Grüße &lt;b&gt;\n"
RUSSIAN = "1\n00:00:01,500 --> 00:00:03,000\nПопробовал снова. Провалился лучше, чем вчера.\n"  # noqa: RUF001 - Russian


class Read:
    def __init__(self, video: Path | str) -> None:
        self.warnings: list[str] = []
        self.tracks = read_sidecars(find_sidecars(str(video)), self.warnings.append)
        self.lines = [(line.start_s, line.end_s, line.text) for track in self.tracks for line in track.lines]
        self.languages = {track.source: track.language for track in self.tracks}


def test_files_of_the_same_name_belong_to_a_video(tmp_path: Path) -> None:
    for name in (
        "film.srt", "film.en.srt", "film.pt-BR.vtt", "film.ger.forced.SRT", "film.mp4.fr.srt", "film.2.srt",
        "film.chapters.vtt", "film2.srt", "other.srt", "film.txt", "film.sub",
    ):  # fmt: skip
        (tmp_path / name).write_text(VTT if name.endswith("vtt") else SRT)
    (tmp_path / "film.it.srt").mkdir()
    read = Read(tmp_path / "film.mp4")
    assert read.languages == {
        "film.srt": None, "film.en.srt": "en", "film.pt-BR.vtt": "pt", "film.ger.forced.SRT": "de",
        "film.mp4.fr.srt": "fr",
    }  # fmt: skip
    assert read.warnings == []


def test_lines_are_read_without_markup(tmp_path: Path) -> None:
    (tmp_path / "film.srt").write_text(SRT)
    (tmp_path / "film.vtt").write_text(VTT)
    assert Read(tmp_path / "film.mp4").lines == [
        (1.5, 3.0, "Grüße –\nund mehr"), (4.0, 5.0, "Ende"), (1.5, 3.0, "Grüße <b>"),
    ]  # fmt: skip


def test_names_that_are_not_utf_8_are_found(tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"caf\xe9.en.srt")
    odd.write_text(SRT)
    assert len(Read(tmp_path / os.fsdecode(b"caf\xe9.mp4")).lines) == 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_encodings_and_ends_of_lines_are_recognized(tmp_path: Path, encoding: str, newline: str) -> None:
    (tmp_path / "film.srt").write_bytes(SRT.replace("\n", newline).encode(encoding))
    read = Read(tmp_path / "film.mp4")
    assert read.lines[0] == (1.5, 3.0, "Grüße –\nund mehr")
    assert read.warnings == (
        ["The subtitles film.srt are not in UTF-8; they were read as cp1252."] if encoding == "cp1252" else []
    )


@pytest.mark.parametrize("name", ["film.ru.srt", "film.srt"])
def test_an_old_encoding_is_guessed_from_the_language_or_the_text_with_a_warning(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes((RUSSIAN * 5).encode("cp1251"))
    read = Read(tmp_path / "film.mp4")
    assert read.lines[0][2].startswith("Попробовал снова.")
    assert "not in UTF-8" in read.warnings[0]


@pytest.mark.parametrize(
    "data", [b"", b"\x00" * 1000, b"not a subtitle\n" * 50, bytes(range(256)) * 50, b"1\n99:99:99,999 --> x\nA\n"]
)
@pytest.mark.parametrize("ending", ["srt", "vtt"])
def test_a_broken_file_costs_a_warning(tmp_path: Path, data: bytes, ending: str) -> None:
    (tmp_path / f"film.{ending}").write_bytes(data)
    read = Read(tmp_path / "film.mp4")
    assert read.lines == []
    assert any(f"The subtitles film.{ending}" in warning for warning in read.warnings)


def test_a_part_that_is_broken_costs_no_other_line(tmp_path: Path) -> None:
    (tmp_path / "film.srt").write_text("garbage\n\n" + SRT + "\nxx\n00:00:0a --> 7\nno\n")
    assert (1.5, 3.0, "Grüße –\nund mehr") in Read(tmp_path / "film.mp4").lines


def test_a_huge_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sidecars, "_MAX_BYTES", 10)
    (tmp_path / "film.srt").write_text(SRT)
    read = Read(tmp_path / "film.mp4")
    assert read.lines == []
    assert "larger than" in read.warnings[0]


def test_a_link_that_leaves_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.srt").write_text(SRT)
    folder = tmp_path / "archive"
    folder.mkdir()
    (folder / "film.srt").symlink_to("../secret.srt")
    (folder / "real.srt").write_text(SRT)
    (folder / "film.en.srt").symlink_to("real.srt")
    (folder / "film.de.srt").symlink_to("nothing")
    (folder / "film.fr.srt").symlink_to("film.fr.srt")
    assert [each.name for each in find_sidecars(str(folder / "film.mp4"))] == ["film.en.srt"]


@pytest.fixture
def store() -> Iterator[fsspec.AbstractFileSystem]:
    memory = fsspec.filesystem("memory")
    yield memory
    memory.rm("/sidecars", recursive=True)


def test_files_in_an_object_store_are_read(store: fsspec.AbstractFileSystem) -> None:
    store.pipe("/sidecars/film.mp4", b"x")
    store.pipe("/sidecars/film.de.srt", SRT.encode())
    store.pipe("/sidecars/sub/film.en.srt", SRT.encode())
    read = Read("memory://sidecars/film.mp4")
    assert read.languages == {"film.de.srt": "de"}
    assert read.lines[-1] == (4.0, 5.0, "Ende")


@pytest.mark.parametrize("text", ["Ça y est !", "À été là, où ?", "Größe", "¡Sí, señor!", "åäö", "Nei, på Ålesund"])
def test_a_short_text_with_accents_is_western_european(text: str) -> None:
    cue = f"1\n00:00:01,000 --> 00:00:02,000\n{text}\n"
    assert decoded(cue.encode("latin-1"), None) == (cue, "cp1252")


@pytest.mark.parametrize(
    ("text", "encoding"), [("Доброе утро, друзья", "cp1251"), ("大家好，欢迎收看今天的节目", "gb18030")]
)
def test_a_short_text_in_another_script_is_not(text: str, encoding: str) -> None:
    assert decoded((text + "\n").encode(encoding) * 3, None)[1] != "cp1252"


def test_a_store_that_cannot_be_listed_has_none() -> None:
    assert find_sidecars("memory://nowhere/film.mp4") == []
    assert find_sidecars("/nowhere/film.mp4") == []
    assert find_sidecars("nonsense://x/film.mp4") == []
