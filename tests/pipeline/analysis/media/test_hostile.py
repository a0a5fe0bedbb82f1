"""Files that are not what they claim to be, or try to make FFmpeg open something else."""

import io
import os
from pathlib import Path

import av
import numpy as np
import pytest

from pipeline.analysis.media import probe
from pipeline.analysis.media.sources import Reader
from pipeline.run import content_digest
from schemas.config import ArchiveConfig, LimitsConfig, MediaConfig
from schemas.errors import ErrorKind, MediaError
from tests import material


def kind_of(path: Path | str) -> ErrorKind:
    with pytest.raises(MediaError) as raised:
        probe(str(path), MediaConfig(), LimitsConfig())
    assert str(path) in str(raised.value), "the message names the file"
    return raised.value.kind


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    return material.shots_video(tmp_path / "secret.mp4", [0.5])


def test_an_empty_file_is_named_as_such(tmp_path: Path) -> None:
    empty = tmp_path / "empty.mp4"
    empty.touch()
    assert kind_of(empty) == ErrorKind.EMPTY_FILE


def test_text_named_like_a_video_is_not_media(tmp_path: Path) -> None:
    assert kind_of(material.text_named_mp4(tmp_path / "notes.mp4")) == ErrorKind.NOT_MEDIA


def test_a_video_without_its_index_is_corrupt_and_not_taken_for_text(tmp_path: Path) -> None:
    whole = material.shots_video(tmp_path / "whole.mp4", [2.0])
    assert kind_of(material.truncated(whole, tmp_path / "part.mp4", 0.5)) == ErrorKind.CORRUPT


@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{secret}\n#EXT-X-ENDLIST\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile://{secret}\n#EXT-X-ENDLIST\n",
        "#EXTM3U\n#EXTINF:5,\nhttp://127.0.0.1:9/x.ts\n",
        "ffconcat version 1.0\nfile '{secret}'\n",
        '<?xml version="1.0"?><MPD><Period><BaseURL>{secret}</BaseURL></Period></MPD>',
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
        "\ufeff#EXTM3U\n{secret}\n",
    ],
)
@pytest.mark.parametrize("ending", ["mp4", "m3u8", "ts"])
def test_a_playlist_opens_no_other_file_whatever_its_name(tmp_path: Path, secret: Path, text: str, ending: str) -> None:
    playlist = tmp_path / f"list.{ending}"
    playlist.write_text(text.format(secret=secret), encoding="utf-8")
    assert kind_of(playlist) == ErrorKind.REFUSED


@pytest.mark.parametrize("name", ["concat:a|b", "http:x.mp4", "%03d.mp4", "pipe:0", "a b'\"$(id);.mp4", "-i.mp4"])
def test_a_name_is_only_a_name(tmp_path: Path, secret: Path, name: str) -> None:
    odd = tmp_path / name
    odd.write_bytes(secret.read_bytes())
    assert probe(str(odd), MediaConfig(), LimitsConfig()).video is not None


@pytest.mark.parametrize(
    "name", ["concat:{secret}", "subfile,,start,0,end,99,,:{secret}", "file:{secret}", "cache:{secret}"]
)
def test_ffmpeg_protocols_in_a_name_are_ignored(secret: Path, name: str) -> None:
    assert kind_of(name.format(secret=secret)) == ErrorKind.VANISHED


def test_a_pipe_or_a_folder_is_refused_and_never_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.mp4"
    os.mkfifo(pipe)
    assert kind_of(pipe) == ErrorKind.REFUSED
    (tmp_path / "folder.mp4").mkdir()
    assert kind_of(tmp_path / "folder.mp4") == ErrorKind.REFUSED
    assert kind_of("/dev/zero") == ErrorKind.REFUSED


def test_a_missing_file_has_vanished(tmp_path: Path) -> None:
    assert kind_of(tmp_path / "gone.mp4") == ErrorKind.VANISHED
    with pytest.raises(MediaError) as raised:
        content_digest(str(tmp_path / "gone.mp4"), 10, ArchiveConfig())
    assert raised.value.kind == ErrorKind.VANISHED


def test_a_link_to_itself_is_unreadable(tmp_path: Path) -> None:
    loop = tmp_path / "loop.mp4"
    loop.symlink_to(loop)
    assert kind_of(loop) == ErrorKind.UNREADABLE


def test_a_link_to_a_missing_file_says_where_it_leads(tmp_path: Path) -> None:
    link = tmp_path / "link.mp4"
    link.symlink_to(tmp_path / "gone" / "object.mp4")
    with pytest.raises(MediaError, match=r"is a link to .*gone/object.mp4, which does not exist") as raised:
        probe(str(link), MediaConfig(), LimitsConfig())
    assert raised.value.kind == ErrorKind.VANISHED


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_unreadable(tmp_path: Path, secret: Path) -> None:
    secret.chmod(0)
    assert kind_of(secret) == ErrorKind.UNREADABLE


def test_a_cover_image_is_not_a_video(tmp_path: Path) -> None:
    song = tmp_path / "song.m4a"
    with av.open(str(song), "w", format="mp4") as container:
        sound = container.add_stream("aac", rate=16_000)
        cover = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        picture = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
        container.mux(cover.encode(picture.reformat(format="yuvj420p")))
        container.mux(cover.encode(None))
        frame = av.AudioFrame.from_ndarray(material.tone(1.0)[None], format="fltp", layout="mono")
        frame.sample_rate = 16_000
        container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
    info = probe(str(song), MediaConfig(), LimitsConfig())
    assert info.video is None
    assert info.audio is not None
    assert info.has_attached_picture


def test_a_damaged_file_that_makes_ffmpeg_seek_before_its_start_raises_nothing_later() -> None:
    reader = Reader(io.BytesIO(b"0123456789"))
    assert reader.seek(4) == 4
    assert reader.seek(-5) < 0
    assert reader.read(2) == b"45"


@pytest.mark.parametrize(
    "head", [b"FLV\x01\x05\0\0\0\x09", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", b"ID3\x04\0\0\0\0\0\0"]
)
def test_a_file_of_which_only_the_start_is_left_is_corrupt(tmp_path: Path, head: bytes) -> None:
    (tmp_path / "part.bin").write_bytes(head)
    assert kind_of(tmp_path / "part.bin") == ErrorKind.CORRUPT


@pytest.mark.parametrize(
    "head",
    [
        b"\x00\x00\x00\x08ftyp" + b"\x00\x00\x00\x01free" + b"\xff" * 8,
        b"\x00\x00\x00\x01ftyp" + b"\x7f" + b"\xff" * 7,
        b"\x1a\x45\xdf\xa3\x01" + b"\xfe" * 7,
        b"\x1a\x45\xdf\xa3\x81\x00" + b"\x11\x4d\x9b\x74\x01" + b"\xff" * 7,
    ],
)
def test_a_header_that_states_an_absurd_size_is_corrupt(tmp_path: Path, head: bytes) -> None:
    (tmp_path / "absurd.bin").write_bytes(head + bytes(100))
    assert kind_of(tmp_path / "absurd.bin") == ErrorKind.CORRUPT
