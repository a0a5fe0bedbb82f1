"""Encrypted tracks of each container: named as such, and never decoded to frames without meaning."""

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest

from pipeline.analysis.media import DecodeStats, decode, probe
from pipeline.export import copy_clip, encode_clip
from schemas.config import LimitsConfig, MediaConfig
from schemas.errors import ErrorKind, MediaError
from schemas.media import MediaInfo
from tests import material

MEDIA, LIMITS = MediaConfig(), LimitsConfig()
CENC = {
    "encryption_scheme": "cenc-aes-ctr",
    "encryption_key": "00112233445566778899aabbccddeeff",
    "encryption_kid": "0123456789abcdef0123456789abcdef",
}
NOISE = np.random.default_rng(7).bytes(1 << 20)
VIDEO_PID, AUDIO_PID = 0x100, 0x101


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clear")


@pytest.fixture(scope="module")
def clear(folder: Path) -> Callable[..., bytes]:
    """Return the bytes of one second of video and audio in a container."""

    @cache
    def made(ending: str, codec: str, audio_codec: str) -> bytes:
        path = folder / f"clear.{ending}"
        material.write_video(
            path, material.moving_shapes(64, 48, 25), codec=codec, audio=material.tone(1.0), audio_codec=audio_codec
        )
        return path.read_bytes()

    return made


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def found(path: Path) -> tuple[MediaInfo, DecodeStats]:
    info, stats = probe(str(path), MEDIA, LIMITS), DecodeStats()
    for _ in decode(str(path), info, MEDIA, LIMITS, wanted=lambda *_: False, threads=1, stats=stats):
        pass
    return info, stats


def assert_encrypted(path: Path) -> None:
    with pytest.raises(MediaError, match="encrypted") as raised:
        found(path)
    assert raised.value.kind == ErrorKind.ENCRYPTED


def assert_only(kind: str, path: Path) -> None:
    info, stats = found(path)
    assert ("video" if info.video else "audio", bool(info.video) != bool(info.audio)) == (kind, True)
    assert any("Encrypted tracks" in warning for warning in stats.warnings)


def remuxed(source: Path, target: Path, options: dict[str, str]) -> Path:
    with av.open(str(source)) as original, av.open(str(target), "w", format="mp4", options=options) as copy:
        streams = {stream.index: copy.add_stream_from_template(stream) for stream in original.streams}
        for packet in original.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                copy.mux(packet)
    return target


@pytest.mark.parametrize("fragmented", [False, True])
def test_common_encryption_is_named(clear: Callable[..., bytes], tmp_path: Path, fragmented: bool) -> None:
    source = tmp_path / "clear.mp4"
    source.write_bytes(clear("mp4", "libx264", "aac"))
    flags = {"movflags": "frag_keyframe+empty_moov"} if fragmented else {}
    assert_encrypted(remuxed(source, tmp_path / "locked.mp4", CENC | flags))


@pytest.mark.parametrize("entry", [b"enca", b"drms"])
def test_the_clear_track_of_an_mp4_is_analysed(clear: Callable[..., bytes], tmp_path: Path, entry: bytes) -> None:
    content = clear("mp4", "libx264", "aac")
    audio_locked = content.replace(b"mp4a", entry, 1)
    assert_only("video", written(tmp_path / "audio locked.mp4", audio_locked))
    assert_only("audio", written(tmp_path / "video locked.mp4", content.replace(b"avc1\0\0", b"encv\0\0")))
    assert_encrypted(written(tmp_path / "locked.mp4", audio_locked.replace(b"avc1\0\0", b"drmi\0\0")))


@pytest.mark.parametrize("protected", [0, 1])
def test_a_sample_entry_may_state_that_its_samples_are_clear(
    clear: Callable[..., bytes], tmp_path: Path, protected: int
) -> None:
    content = with_protected_entry(clear("mp4", "libx264", "aac"), protected)
    info = probe(str(written(tmp_path / "a.mp4", content)), MEDIA, LIMITS)
    assert (info.encrypted_tracks, info.partly_encrypted) == (protected, not protected)


def test_of_a_partly_encrypted_track_the_clear_part_is_analysed(
    clear: Callable[..., bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = lambda packet: packet.pts is not None and packet.pts * packet.time_base >= 0.5  # noqa: E731
    monkeypatch.setattr("pipeline.analysis.media.decoding.is_encrypted", locked)
    _, stats = found(written(tmp_path / "a.mp4", with_protected_entry(clear("mp4", "libx264", "aac"), 0)))
    assert 8 <= stats.frame_count <= 13
    assert any("encrypted packets were skipped" in warning for warning in stats.warnings)


def test_a_clip_of_an_encrypted_video_is_refused_as_encrypted(clear: Callable[..., bytes], tmp_path: Path) -> None:
    content = clear("mp4", "libx264", "aac").replace(b"avc1\0\0", b"encv\0\0").replace(b"mp4a\0\0", b"enca\0\0")
    for cut in (copy_clip, encode_clip):
        with pytest.raises(MediaError, match="is encrypted") as caught:
            cut(str(written(tmp_path / "a.mp4", content)), 0.0, 1.0, tmp_path / "clip.mp4")
        assert caught.value.kind == ErrorKind.ENCRYPTED
        assert not (tmp_path / "clip.mp4").exists()


def test_a_clip_leaves_out_encrypted_packets(
    clear: Callable[..., bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = lambda packet: packet.pts is not None and packet.pts * packet.time_base >= 0.5  # noqa: E731
    monkeypatch.setattr("pipeline.export.source.is_encrypted", locked)
    video = written(tmp_path / "a.mp4", with_protected_entry(clear("mp4", "libx264", "aac"), 0))
    clip = encode_clip(str(video), 0.0, 1.0, tmp_path / "clip.mp4")
    with av.open(str(clip.path)) as made:
        assert 0 < sum(1 for _ in made.decode(made.streams.video[0])) <= 13


def with_protected_entry(content: bytes, protected: int) -> bytes:
    """Make the sample entry of the video a protected one, with a `tenc` box that states the default."""
    defaults = box(b"tenc", bytes(6) + bytes([protected, 8 * protected]) + bytes(16))
    defaults = box(b"sinf", box(b"frma", b"avc1") + box(b"schi", defaults))
    changed = bytearray(content.replace(b"avc1\0\0", b"encv\0\0"))
    at = 0
    for name in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"encv"):
        at = changed.index(name, at)
        size = int.from_bytes(changed[at - 4 : at], "big") + len(defaults)
        changed[at - 4 : at] = size.to_bytes(4, "big")
    end = at - 4 + size - len(defaults)
    return bytes(changed[:end] + defaults + changed[end:])


def box(name: bytes, content: bytes) -> bytes:
    return (8 + len(content)).to_bytes(4, "big") + name + content


@pytest.mark.parametrize("locked", [{0}, {1}, {0, 1}])
def test_matroska_content_encryption_is_found_by_track(
    clear: Callable[..., bytes], tmp_path: Path, locked: set[int]
) -> None:
    content = with_content_encryption(clear("mkv", "libx264", "aac"), locked)
    if len(locked) == 2:
        assert_encrypted(written(tmp_path / "locked.mkv", content))
    else:
        assert_only("audio" if locked == {0} else "video", written(tmp_path / "half.mkv", content))


def with_content_encryption(content: bytes, tracks: set[int]) -> bytes:
    """Add a content encryption to tracks of a Matroska file, and let its segment end where the file ends."""
    encryption = element("6d80", element("6240", element("5033", b"\1") + element("5035", element("47e1", b"\5"))))
    at = content.rindex(bytes.fromhex("1654ae6b"), 0, content.index(bytes.fromhex("1f43b675"), 300))
    start, end = inside(content, at, 4)
    rewritten, position, number = b"", start, 0
    while position < end:
        first, last = inside(content, position, 1)
        if content[position] == 0xAE:
            rewritten += element("ae", content[first:last] + (encryption if number in tracks else b""))
            number += 1
        else:
            rewritten += content[position:last]
        position = last
    segment = content.index(bytes.fromhex("18538067")) + 4
    head = content[:segment] + b"\x01" + b"\xff" * 7 + content[segment + 8 : at]
    return head + element("1654ae6b", rewritten) + content[end:]


def element(name: str, content: bytes) -> bytes:
    return bytes.fromhex(name) + (len(content) | 1 << 56).to_bytes(8, "big") + content


def inside(content: bytes, at: int, name_length: int) -> tuple[int, int]:
    """Return where the content of an EBML element starts and ends."""
    length = 9 - content[at + name_length].bit_length()
    start = at + name_length + length
    return start, start + (int.from_bytes(content[at + name_length : start], "big") & ((1 << 7 * length) - 1))


@pytest.mark.parametrize("prefix", [b"", bytes(4)])
def test_scrambled_transport_streams_are_named(clear: Callable[..., bytes], tmp_path: Path, prefix: bytes) -> None:
    content = clear("ts", "libx264", "aac")
    assert_encrypted(written(tmp_path / "locked.ts", scrambled(content, {VIDEO_PID, AUDIO_PID}, prefix)))
    assert_only("audio", written(tmp_path / "half.ts", scrambled(content, {VIDEO_PID}, prefix)))


def test_hls_sample_encryption_is_named(clear: Callable[..., bytes], tmp_path: Path) -> None:
    content = clear("ts", "libx264", "aac")
    assert_encrypted(written(tmp_path / "locked.ts", with_stream_types(content, {0x1B: 0xDB, 0x0F: 0xCF})))
    assert_only("video", written(tmp_path / "half.ts", with_stream_types(content, {0x0F: 0xCF})))
    other, _ = found(written(tmp_path / "other.ts", with_stream_types(content, {0x0F: 0xE7})))
    assert other.encrypted_tracks == 0


def with_stream_types(content: bytes, types: dict[int, int]) -> bytes:
    """Change the types of streams in the program map of an MPEG-TS."""
    changed = bytearray(content)
    for at in range(0, len(content), 188):
        if content[at + 1] & 0x40 and int.from_bytes(content[at + 1 : at + 3], "big") & 0x1FFF == 0x1000:
            start = at + 5 + content[at + 4]
            end = start + 3 + (int.from_bytes(content[start + 1 : start + 3], "big") & 0xFFF) - 4
            entry = start + 12 + (int.from_bytes(content[start + 10 : start + 12], "big") & 0xFFF)
            while entry < end:
                changed[entry] = types.get(content[entry], content[entry])
                entry += 5 + (int.from_bytes(content[entry + 3 : entry + 5], "big") & 0xFFF)
            changed[end : end + 4] = crc32_mpeg(changed[start:end]).to_bytes(4, "big")
    return bytes(changed)


def crc32_mpeg(content: bytes) -> int:
    remainder = 0xFFFFFFFF
    for byte in content:
        remainder ^= byte << 24
        for _ in range(8):
            remainder = (remainder << 1 ^ (0x04C11DB7 if remainder & 0x80000000 else 0)) & 0xFFFFFFFF
    return remainder


def scrambled(content: bytes, pids: set[int], prefix: bytes) -> bytes:
    packets = [bytearray(content[at : at + 188]) for at in range(0, len(content), 188)]
    for packet in packets:
        if int.from_bytes(packet[1:3], "big") & 0x1FFF in pids:
            start = 5 + packet[4] if packet[3] & 0x20 else 4
            packet[3] |= 0x80
            packet[start:] = NOISE[: 188 - start]
    return b"".join(prefix + packet for packet in packets)


def test_a_scrambled_dvd_is_named(clear: Callable[..., bytes], tmp_path: Path) -> None:
    content = clear("vob", "mpeg2video", "mp2")
    info, stats = found(written(tmp_path / "clear.vob", content))
    assert (info.encrypted_tracks, stats.frame_count) == (0, 25)
    locked = bytearray(content)
    for packet in list(re.finditer(rb"\x00\x00\x01[\xc0-\xef]", content))[::2]:
        locked[packet.start() + 6] |= 0x10
    assert_encrypted(written(tmp_path / "locked.vob", bytes(locked)))


def test_a_clear_dvd_whose_audio_looks_like_scrambled_packets_is_read(
    clear: Callable[..., bytes], tmp_path: Path
) -> None:
    content = bytearray(clear("vob", "mpeg2video", "mp2"))
    silence = bytes.fromhex("000001ddddddb6db")  # inside digital silence in AC-3
    for packet in list(re.finditer(rb"\x00\x00\x01\xc0", content)):
        content[packet.start() + 32 : packet.start() + 32 + len(silence)] = silence
    assert found(written(tmp_path / "a.vob", bytes(content)))[0].encrypted_tracks == 0


def test_protected_windows_media_is_named(clear: Callable[..., bytes], tmp_path: Path) -> None:
    content = clear("wmv", "wmv2", "aac")
    licence = bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e") + (40).to_bytes(8, "little") + bytes(16)
    size = int.from_bytes(content[16:24], "little") + len(licence)
    locked = content[:16] + size.to_bytes(8, "little") + content[24:30] + licence + content[30:]
    assert_encrypted(written(tmp_path / "a.wmv", locked))


@pytest.mark.parametrize("head", [b"Salted__", b"age-encryption.org/v1\n"])
def test_a_file_that_was_encrypted_as_a_whole_is_named(tmp_path: Path, head: bytes) -> None:
    assert_encrypted(written(tmp_path / "a.mp4", head + NOISE[:10_000]))


@pytest.mark.parametrize(
    ("ending", "codec", "audio_codec"),
    [("mp4", "libx264", "aac"), ("mkv", "libx264", "aac"), ("ts", "libx264", "aac"), ("wmv", "wmv2", "aac")],
)
def test_clear_files_and_damaged_ones_are_never_taken_for_encrypted(
    clear: Callable[..., bytes], tmp_path: Path, ending: str, codec: str, audio_codec: str
) -> None:
    content = clear(ending, codec, audio_codec)
    assert found(written(tmp_path / f"a.{ending}", content))[0].encrypted_tracks == 0
    for keep in (40, len(content) // 3, len(content) - 100):
        assert error_of(written(tmp_path / f"b.{ending}", content[:keep])) != ErrorKind.ENCRYPTED


def error_of(path: Path) -> ErrorKind | None:
    try:
        info, _ = found(path)
    except MediaError as error:
        return error.kind
    return ErrorKind.ENCRYPTED if info.encrypted_tracks else None
