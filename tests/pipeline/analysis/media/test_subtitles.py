"""Text subtitles inside files: markup, encodings, clocks, and what must not cost memory or a video."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from pipeline.analysis.media import DecodeStats, decode, probe, subtitles
from schemas.config import LimitsConfig, MediaConfig

Line = tuple[float, float, bytes]


def film(
    path: Path,
    lines: Sequence[Line],
    *,
    codec: str = "subrip",
    start_s: float = 0.0,
    language: str = "ger",
    title: str = "",
    seconds: float = 2.0,
) -> Path:
    """Write a film with a subtitle track, whose packets hold exactly these bytes."""
    with av.open(str(path), "w") as made:
        picture: Any = made.add_stream("mpeg4", rate=25)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        track: Any = made.add_stream(codec)
        track.codec_context.subtitle_header = b"[Script Info]\n\n[Events]\n"
        track.metadata.update({"language": language, "title": title})
        packets = []
        for number in range(round(seconds * 25)):
            frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), "rgb24")
            frame.pts, frame.time_base = round(start_s * 25) + number, Fraction(1, 25)
            packets += picture.encode(frame)
        packets += picture.encode(None)
        for begin_s, shown_s, data in lines:
            packet: Any = av.Packet(data)
            packet.stream, packet.time_base = track, Fraction(1, 1000)
            packet.pts = packet.dts = round((start_s + begin_s) * 1000)
            packet.duration = round(shown_s * 1000)
            packets.append(packet)
        for packet in sorted(packets, key=lambda each: each.dts * each.time_base):
            made.mux(packet)
    return path


def decoded(path: Path) -> DecodeStats:
    config, limits, stats = MediaConfig(), LimitsConfig(), DecodeStats()
    info = probe(str(path), config, limits)
    assert list(decode(str(path), info, config, limits, wanted=lambda *_: False, threads=1, stats=stats))
    return stats


def texts(path: Path) -> list[str]:
    return [line.text for line in decoded(path).subtitles]


def test_lines_have_their_times_language_and_source(tmp_path: Path) -> None:
    found = decoded(film(tmp_path / "a.mkv", [(0.5, 0.7, b"Hallo"), (1.5, 0.25, b"Zwei\r\nZeilen")], title="Voll"))
    assert [(each.start_s, each.end_s, each.text) for each in found.subtitles] == [
        (0.5, 1.2, "Hallo"), (1.5, 1.75, "Zwei\nZeilen"),
    ]  # fmt: skip
    assert {(each.language, each.source, each.track) for each in found.subtitles} == {("de", "track 1 (Voll)", 1)}


def test_times_count_from_the_start_of_the_film_as_those_of_frames_do(tmp_path: Path) -> None:
    [line] = decoded(film(tmp_path / "a.mkv", [(0.5, 1.0, b"Hallo")], start_s=40.0)).subtitles
    assert (round(line.start_s, 2), round(line.end_s, 2)) == (0.5, 1.5)


@pytest.mark.parametrize(
    ("codec", "name", "data", "text"),
    [
        ("subrip", "a.mkv", b"<i>Hi</i> {\\an8}<font color='red'>you</font> a < b & c", "Hi you a < b & c"),
        ("subrip", "a.mkv", b"<script>alert(1)</script>", "alert(1)"),
        ("mov_text", "a.mp4", b"\x00\x08<script>", "<script>"),
        ("webvtt", "a.mkv", b"<v Ann>a &lt;b&gt; <c.x>&amp; c</c> <00:00:01.000>d", "a <b> & c d"),
        ("ass", "a.mkv", b"0,0,Default,Ann,0,0,0,,{\\i1}One, two{\\i0}{note}\\Nthree\\hfour", "One, two\nthree\nfour"),
        ("ass", "a.mkv", b"0,0,Default,,0,0,0,,{\\p1}m 0 0 l 10 10{\\p0}", None),
        ("mov_text", "a.mp4", b"\x00\x05Hallo\x00\x00\x00\x16styl\x00\x01" + bytes(12), "Hallo"),
        ("subrip", "a.mkv", "Grüße – mañana".encode("cp1252"), "Grüße – mañana"),
        ("mov_text", "a.mp4", b"\x00\x05" + "Grüße".encode("cp1252"), "Grüße"),
        ("subrip", "a.mkv", b"a\x1b[2Jb\x07", "a [2Jb"),
        ("subrip", "a.mkv", b"   ", None),
    ],
)
def test_markup_and_control_characters_are_removed(
    tmp_path: Path, codec: str, name: str, data: bytes, text: str | None
) -> None:
    assert texts(film(tmp_path / name, [(0.5, 0.5, data)], codec=codec)) == ([text] if text else [])


def test_a_line_beyond_the_end_is_left_out_and_one_across_it_is_cut(tmp_path: Path) -> None:
    found = decoded(film(tmp_path / "a.mkv", [(1.5, 60.0, b"across"), (2.5, 1.0, b"beyond")]))
    assert [(each.text, each.end_s) for each in found.subtitles] == [("across", 2.0)]
    assert found.duration_s == 2.0


def test_a_line_without_a_duration_is_shown_until_the_next(tmp_path: Path) -> None:
    found = decoded(film(tmp_path / "a.mkv", [(0.5, 0.0, b"one"), (1.5, 0.0, b"two")]))
    assert [each.end_s for each in found.subtitles] == [1.5, 2.0]


def test_a_subtitle_far_from_its_place_moves_no_frame(tmp_path: Path) -> None:
    lines = [(0.1, 0.1, b"one"), (0.2, 0.1, b"two")]
    plain = decoded(film(tmp_path / "a.mkv", lines))
    odd = decoded(film(tmp_path / "b.mkv", [*lines, (5000.0, 1.0, b"far"), (5001.0, 1.0, b"away")]))
    assert (odd.duration_s, odd.clock_jumps) == (plain.duration_s, 0)
    assert [each.text for each in odd.subtitles] == ["one", "two"]


def test_repeated_layers_count_once(tmp_path: Path) -> None:
    assert texts(film(tmp_path / "a.mkv", [(0.5, 1.0, b"Title")] * 3)) == ["Title"]


def test_memory_is_bounded_whatever_a_track_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subtitles, "_MAX_LINES", 2)
    found = decoded(film(tmp_path / "a.mkv", [(0.1 * each, 0.05, b"x" * 9000) for each in range(1, 5)]))
    assert [len(each.text) for each in found.subtitles] == [2000, 2000]
    assert any("Only the first 2 lines of the subtitles track 1" in warning for warning in found.warnings)
