"""Files whose clock jumps, or whose header states or suggests a wrong length. Every second has a flash or a beep."""

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import pytest
from av.audio.stream import AudioStream
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.analysis.media import DecodeStats, decode, durations, probe
from pipeline.analysis.media.outliers import without_outliers
from pipeline.extras.sample.make import write_video
from schemas.config import LimitsConfig, MediaConfig
from schemas.media import SAMPLE_RATE_HZ, AudioBlock, FrameBatch
from tests import material
from tests.nightly import examples

FPS = 10


class Heard:
    """When a file flashes and beeps, and how long it is."""

    def __init__(self, path: Path, limits: LimitsConfig | None = None) -> None:
        config, limits = MediaConfig(), limits or LimitsConfig()
        self.info = probe(str(path), config, limits)
        self.stats = DecodeStats()
        self.flashes_s: list[float] = []
        self.beeps_s: list[float] = []
        beeping = flashing = False
        items = decode(str(path), self.info, config, limits, wanted=lambda *_: False, threads=1, stats=self.stats)
        for item in items:
            if isinstance(item, FrameBatch):
                for time_s, light in zip(item.times_s, item.small.mean(axis=(1, 2, 3)), strict=True):
                    if light > 128 and not flashing:
                        self.flashes_s.append(float(time_s))
                    flashing = light > 128
            elif isinstance(item, AudioBlock):
                window = SAMPLE_RATE_HZ // 100
                levels = np.abs(item.samples[: len(item.samples) // window * window]).reshape(-1, window).max(axis=1)
                for number, level in enumerate(levels):
                    if level > 0.1 and not beeping:
                        self.beeps_s.append(item.start_s + number * window / SAMPLE_RATE_HZ)
                    beeping = level > 0.1


def beeps(seconds: float, at_s: list[float], noise_s: float = 0.0) -> np.ndarray:
    sound = material.silence(seconds)
    sound[: round(noise_s * SAMPLE_RATE_HZ)] = np.random.default_rng(1).uniform(
        -0.9, 0.9, round(noise_s * SAMPLE_RATE_HZ)
    )
    for start_s in at_s:
        start = round(start_s * SAMPLE_RATE_HZ)
        sound[start : start + SAMPLE_RATE_HZ // 4] = material.tone(0.25, level=0.8)
    return sound


def flashes(seconds: float, at_s: list[float]) -> list[np.ndarray]:
    dark, light = np.zeros((48, 64, 3), np.uint8), np.full((48, 64, 3), 255, np.uint8)
    lit = {round(start_s * FPS) for start_s in at_s}
    return [light if number in lit else dark for number in range(round(seconds * FPS))]


def film(path: Path, seconds: float = 4.0, *, at_s: list[float] | None = None, sound_s: float | None = None) -> Path:
    at_s = [1.0] if at_s is None else at_s
    sound = beeps(seconds, at_s)[: round((sound_s or seconds) * SAMPLE_RATE_HZ)]
    options = {"preset": "veryfast", "g": str(FPS)}
    return write_video(path, flashes(seconds, at_s), fps=FPS, audio=sound, options=options)


def part(folder: Path, name: str, offset_s: float = 0.0, **arguments: Any) -> bytes:
    """Return a transport stream whose clock starts late."""
    source = film(folder / f"{name}.mp4", **arguments)
    return remuxed(source, folder / f"{name}.ts", {"output_ts_offset": str(offset_s)}).read_bytes()


def remuxed(
    source: Path,
    target: Path,
    options: dict[str, str] | None = None,
    change: Callable[[Iterator[Any]], Iterator[Any]] = lambda packets: packets,
) -> Path:
    with av.open(str(source)) as reader, av.open(str(target), "w", options=options or {}) as writer:
        streams = {stream.index: writer.add_stream_from_template(stream) for stream in reader.streams}
        for packet in change(packet for packet in reader.demux() if packet.dts is not None):
            packet.stream = streams[packet.stream_index]
            writer.mux(packet)
    return target


def sound_file(
    path: Path,
    sound: np.ndarray,
    codec: str,
    options: dict[str, str],
    *,
    layout: str = "mono",
    rate: int = SAMPLE_RATE_HZ,
    **encoder: str,
) -> Path:
    with av.open(str(path), "w", options=options) as container:
        rate = 48_000 if codec == "libopus" else rate
        stream = cast("AudioStream", container.add_stream(codec, rate=rate, layout=layout, options=encoder))
        resampler = av.AudioResampler(format=stream.format, layout=layout, rate=rate)
        for start in range(0, len(sound), SAMPLE_RATE_HZ):
            frame = av.AudioFrame.from_ndarray(
                sound[None, start : start + SAMPLE_RATE_HZ], format="fltp", layout="mono"
            )
            frame.sample_rate, frame.pts = SAMPLE_RATE_HZ, start
            for resampled in resampler.resample(frame):
                container.mux(stream.encode(resampled))
        container.mux(stream.encode(None))
    return path


def test_joined_transport_streams_stay_in_sync_where_the_sound_ended_early(tmp_path: Path) -> None:
    joined = tmp_path / "joined.ts"
    joined.write_bytes(part(tmp_path, "part", sound_s=2.5) * 3)
    heard = Heard(joined)
    assert heard.stats.duration_s == pytest.approx(12.0, abs=0.1)
    assert heard.flashes_s == pytest.approx([1.0, 5.0, 9.0], abs=0.1)
    assert heard.beeps_s == pytest.approx([1.0, 5.0, 9.0], abs=0.1)


@pytest.mark.parametrize("starts_s", [(0.0, 5400.0), (5400.0, 0.0), (95_440.0, 0.0), (0.0, 5400.0, 4.0)])
def test_a_clock_that_jumps_adds_no_time(tmp_path: Path, starts_s: tuple[float, ...]) -> None:
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(part(tmp_path, f"part{number}", at) for number, at in enumerate(starts_s)))
    heard = Heard(joined)
    expected = [1.0 + 4.0 * number for number in range(len(starts_s))]
    near_s = 0.1 * len(starts_s)  # a part ends with the end of its last AAC frame
    assert heard.stats.duration_s == pytest.approx(4.0 * len(starts_s), abs=near_s)
    assert heard.flashes_s == pytest.approx(expected, abs=near_s)
    assert heard.beeps_s == pytest.approx(expected, abs=near_s)
    assert not any("cut off" in warning for warning in heard.stats.warnings)


def test_lost_packets_of_a_transport_stream_remain_a_gap(tmp_path: Path) -> None:
    data = part(tmp_path, "part", seconds=9.0, at_s=[1.0, 7.0])
    packets = len(data) // 188
    gap = tmp_path / "gap.ts"
    gap.write_bytes(data[: packets * 3 // 10 * 188] + data[packets * 6 // 10 * 188 :])
    heard = Heard(gap)
    assert heard.stats.duration_s == pytest.approx(9.0, abs=0.1)
    assert heard.beeps_s == pytest.approx([1.0, 7.0], abs=0.1)


def shifted(kind: str, by_s: float) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """Return a change that moves one kind of stream, or all."""

    def change(packets: Iterator[Any]) -> Iterator[Any]:
        for packet in packets:
            if kind in {packet.stream.type, "all"}:
                packet.pts += round(by_s / packet.time_base)
                packet.dts += round(by_s / packet.time_base)
            yield packet

    return change


@pytest.mark.parametrize("container", ["ts", "mkv", "mp4", "flv"])
@pytest.mark.parametrize(("kind", "flash_s", "beep_s"), [("audio", 1.0, 6.0), ("video", 6.0, 1.0), ("all", 1.0, 1.0)])
def test_a_stream_that_starts_late_stays_late(
    sources: Path, tmp_path: Path, container: str, kind: str, flash_s: float, beep_s: float
) -> None:
    late = remuxed(sources / "film.mp4", tmp_path / f"late.{container}", change=shifted(kind, 5.0))
    heard = Heard(late)
    assert heard.flashes_s == pytest.approx([flash_s], abs=0.1)
    assert heard.beeps_s == pytest.approx([beep_s], abs=0.1)
    assert not any("states" in warning for warning in heard.stats.warnings)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sources")
    source = film(folder / "film.mp4")
    # FFmpeg does not read beyond the end of an edit list.
    remuxed(source, folder / "unedited.mp4", {"use_editlist": "0"})
    return folder


@pytest.mark.parametrize("cut_s", [0.58, 0.6, 0.62])  # it ends in other parts of an audio packet
@pytest.mark.parametrize("silent", [False, True], ids=["header states packets", "header silent"])
def test_an_edit_list_that_cuts_the_start_is_followed(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut_s: float, *, silent: bool
) -> None:
    if silent:  # as where FFmpeg decodes no audio while it opens the file
        monkeypatch.setattr(durations, "_usual_s", lambda _: 0.0)
    options = {"avoid_negative_ts": "disabled"}
    heard = Heard(remuxed(sources / "film.mp4", tmp_path / "cut.mp4", options, change=shifted("all", -cut_s)))
    assert heard.stats.duration_s == pytest.approx(4.0 - cut_s, abs=0.1)
    assert heard.flashes_s == pytest.approx([1.0 - cut_s], abs=0.1)
    assert heard.beeps_s == pytest.approx([1.0 - cut_s], abs=0.1)
    assert not heard.stats.warnings


@pytest.mark.parametrize(
    ("container", "options"),
    [("mp4", {"movflags": "frag_keyframe+delay_moov+default_base_moof"}), ("mkv", {"live": "1"}), ("ts", {})],
)
def test_a_file_still_being_written_is_as_long_as_what_is_there(
    sources: Path, tmp_path: Path, container: str, options: dict[str, str]
) -> None:
    whole = remuxed(sources / "film.mp4", tmp_path / f"whole.{container}", options)
    heard = Heard(material.truncated(whole, tmp_path / f"part.{container}", 0.75))
    assert heard.flashes_s == pytest.approx([1.0], abs=0.1)
    assert heard.beeps_s == pytest.approx([1.0], abs=0.1)
    assert 1.5 < heard.stats.duration_s < 4.0
    assert not any("states" in warning for warning in heard.stats.warnings)


@pytest.mark.parametrize("starts_s", [(0.0, 0.0), (300.0, 0.0, 95_441.5)])
def test_joined_program_streams_stay_in_sync(tmp_path: Path, starts_s: tuple[float, ...]) -> None:
    sound = beeps(4.0, [1.0])[: 3 * SAMPLE_RATE_HZ]
    source = write_video(
        tmp_path / "film.vob", flashes(4.0, [1.0]), fps=FPS, audio=sound, codec="mpeg2video", audio_codec="mp2",
        options={"g": str(FPS), "strict": "-2"},
    )  # fmt: skip
    parts = [
        remuxed(source, tmp_path / f"part{number}.vob", {"output_ts_offset": str(at)}).read_bytes()
        for number, at in enumerate(starts_s)
    ]
    joined = tmp_path / "joined.vob"
    joined.write_bytes(b"".join(parts))
    heard = Heard(joined)
    expected = [1.0 + 4.0 * number for number in range(len(starts_s))]
    assert heard.flashes_s == pytest.approx(expected, abs=0.1)
    assert heard.beeps_s == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize(
    ("name", "codec", "options", "encoder"),
    [
        ("radio.aac", "aac", {}, {"b": "64k"}),
        ("radio.mp3", "libmp3lame", {"write_xing": "0"}, {"flags": "+qscale", "global_quality": "826"}),
    ],
)
def test_sound_without_a_stated_length_is_not_stretched(
    tmp_path: Path, name: str, codec: str, options: dict[str, str], encoder: dict[str, str]
) -> None:
    at_s = [10.0, 50.0, 70.0, 89.0]
    heard = Heard(sound_file(tmp_path / name, beeps(90.0, at_s, noise_s=4.0), codec, options, **encoder))
    assert heard.info.duration_s == 0.0, "a guess is no statement"
    assert heard.stats.duration_s == pytest.approx(90.0, abs=0.15)
    assert [time_s for time_s in heard.beeps_s if time_s > 4.1] == pytest.approx(at_s, abs=0.1)
    assert not heard.stats.warnings


def test_the_links_of_a_chained_stream_continue_each_other(tmp_path: Path) -> None:
    links = [
        sound_file(tmp_path / f"{seconds}.opus", beeps(seconds, [1.0, seconds - 1]), "libopus", {}).read_bytes()
        for seconds in (45.0, 4.0, 12.0)
    ]
    chained = tmp_path / "chained.opus"
    chained.write_bytes(b"".join(links))
    heard = Heard(chained)
    assert heard.stats.duration_s == pytest.approx(61.0, abs=0.1)
    assert heard.beeps_s == pytest.approx([1.0, 44.0, 46.0, 48.0, 50.0, 60.0], abs=0.1)


def test_a_link_with_other_parameters_is_read_too(tmp_path: Path) -> None:
    sound = beeps(4.0, [1.0])
    links = [
        sound_file(tmp_path / f"{layout}.opus", sound, "libopus", {}, layout=layout).read_bytes()
        for layout in ("mono", "stereo")
    ]
    chained = tmp_path / "chained.opus"
    chained.write_bytes(links[0] + links[1] + links[0])
    heard = Heard(chained)
    assert heard.stats.duration_s == pytest.approx(12.0, abs=0.1)
    assert heard.beeps_s == pytest.approx([1.0, 5.0, 9.0], abs=0.1)
    assert heard.stats.clock_jumps == 2


@pytest.mark.parametrize(("ending", "codec"), [("ogg", "flac"), ("aac", "aac")])
@pytest.mark.parametrize("rates", [(16_000, 48_000), (48_000, 16_000, 48_000)])
def test_a_sample_rate_that_changes_neither_cuts_nor_stretches(
    tmp_path: Path, ending: str, codec: str, rates: tuple[int, ...]
) -> None:
    parts = [
        sound_file(tmp_path / f"{rate}.{ending}", beeps(4.0, [1.0]), codec, {}, rate=rate).read_bytes()
        for rate in rates
    ]
    joined = tmp_path / f"joined.{ending}"
    joined.write_bytes(b"".join(parts))
    heard = Heard(joined)
    assert heard.stats.duration_s == pytest.approx(4.0 * len(rates), abs=0.25)
    assert heard.beeps_s == pytest.approx([1.0 + 4.0 * number for number in range(len(rates))], abs=0.25)


@pytest.mark.parametrize("kept_bytes", [40, 60, 100])
def test_a_link_that_breaks_off_costs_nothing_of_those_before(tmp_path: Path, kept_bytes: int) -> None:
    sound = beeps(3.0, [1.0])
    first, second = (
        sound_file(tmp_path / f"{layout}.opus", sound, "libopus", {}, layout=layout).read_bytes()
        for layout in ("mono", "stereo")
    )
    broken = tmp_path / "broken.opus"
    broken.write_bytes(first + second[:kept_bytes])
    heard = Heard(broken)
    assert heard.stats.duration_s == pytest.approx(3.0, abs=0.1)
    assert heard.beeps_s == pytest.approx([1.0], abs=0.1)


def media_headers(data: bytes) -> Iterator[int]:
    position = data.find(b"mdhd")
    while position >= 0:
        yield position + 4
        position = data.find(b"mdhd", position + 4)


def test_a_wrong_length_in_the_header_changes_nothing(tmp_path: Path) -> None:
    data = bytearray(film(tmp_path / "film.mp4", 40.0, at_s=[1.0, 30.0, 39.0]).read_bytes())
    for at in media_headers(bytes(data)):
        assert data[at] == 0
        (length,) = struct.unpack_from(">I", data, at + 16)
        struct.pack_into(">I", data, at + 16, length // 10)
    wrong = tmp_path / "wrong.mp4"
    wrong.write_bytes(data)
    heard = Heard(wrong)
    assert heard.stats.duration_s == pytest.approx(40.0, abs=0.1)
    assert heard.flashes_s == pytest.approx([1.0, 30.0, 39.0], abs=0.1)
    assert heard.beeps_s == pytest.approx([1.0, 30.0, 39.0], abs=0.1)


def with_sample_durations(source: Path, target: Path, kind: bytes, change: Callable[[int], int]) -> Path:
    """Change all durations in the table of one stream of an MP4 file."""
    data = bytearray(source.read_bytes())
    table = data.index(b"stts", data.index(kind, data.index(b"moov")))
    (entries,) = struct.unpack_from(">I", data, table + 8)
    for at in range(table + 12, table + 12 + 8 * entries, 8):
        count, ticks = struct.unpack_from(">II", data, at)
        if count > 1:  # a single long duration is a gap
            struct.pack_into(">II", data, at, count, change(ticks))
    target.write_bytes(data)
    return target


@settings(max_examples=examples(10), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([b"vide", b"soun"]), st.floats(1.0, 19.0))
def test_a_wrong_table_of_durations_adds_no_time(sources: Path, tmp_path: Path, kind: bytes, bits: float) -> None:
    wrong = with_sample_durations(
        sources / "unedited.mp4", tmp_path / "wrong.mp4", kind, lambda ticks: round(ticks * 2**bits) & 0x7FFFFFFF
    )
    heard, right = Heard(wrong), Heard(sources / "unedited.mp4")
    assert heard.stats.duration_s == pytest.approx(right.stats.duration_s, abs=0.2)
    assert heard.flashes_s == pytest.approx(right.flashes_s, abs=0.15)
    assert heard.beeps_s == pytest.approx(right.beeps_s, abs=0.1)


def test_a_table_of_short_durations_loses_no_audio(sources: Path, tmp_path: Path) -> None:
    wrong = with_sample_durations(sources / "unedited.mp4", tmp_path / "wrong.mp4", b"soun", lambda ticks: ticks // 5)
    heard, right = Heard(wrong), Heard(sources / "unedited.mp4")
    assert heard.stats.duration_s == pytest.approx(right.stats.duration_s, abs=0.2)
    assert heard.beeps_s == pytest.approx(right.beeps_s, abs=0.1)


def test_slides_beside_short_audio_are_shown_as_long_as_they_state(tmp_path: Path) -> None:
    slides = write_video(
        tmp_path / "slides.mp4", flashes(0.5, [0.2]), times_s=[0.0, 40.0, 80.0, 120.0, 160.0], audio=beeps(4.0, [1.0])
    )
    heard = Heard(slides)
    assert heard.flashes_s == pytest.approx([80.0], abs=0.1)
    assert heard.stats.duration_s >= 160.0


def lengthened(at_s: float, stated_s: float) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """Return a change that lets one frame state another duration."""

    def change(packets: Iterator[Any]) -> Iterator[Any]:
        for packet in packets:
            if packet.stream.type == "video" and float(packet.pts * packet.time_base) == pytest.approx(at_s, abs=0.01):
                packet.duration = round(stated_s / packet.time_base)
            yield packet

    return change


@pytest.mark.parametrize("stated_s", [60.0, 5000.0])
@pytest.mark.parametrize("at_s", [5.9, 3.9])
def test_a_frame_that_states_an_absurd_duration_adds_no_time(tmp_path: Path, stated_s: float, at_s: float) -> None:
    source = film(tmp_path / "film.mp4", 6.0)
    heard = Heard(remuxed(source, tmp_path / "long.mkv", change=lengthened(at_s, stated_s)))
    assert heard.stats.duration_s == pytest.approx(6.0, abs=0.1)
    assert heard.stats.frame_rate.measure(0.0)[0] == pytest.approx(FPS, abs=0.05)


def test_the_last_slide_is_shown_as_long_as_it_states(tmp_path: Path) -> None:
    slides = write_video(tmp_path / "slides.mp4", flashes(0.3, []), times_s=[0.0, 20.0, 40.0], options={"bf": "0"})
    held = remuxed(slides, tmp_path / "held.mkv", change=lengthened(40.0, 15.0))
    assert Heard(held).stats.duration_s == pytest.approx(55.0, abs=0.01)


def test_a_stated_length_over_the_limit_is_no_reason_to_refuse_a_file(tmp_path: Path) -> None:
    joined = tmp_path / "joined.ts"
    joined.write_bytes(part(tmp_path, "first") + part(tmp_path, "second", 5400.0))
    heard = Heard(joined, LimitsConfig(max_duration_s=60.0))
    assert heard.info.duration_s > 60
    assert heard.stats.duration_s == pytest.approx(8.0, abs=0.2)


@pytest.mark.parametrize("container", ["flv", "mkv"])
def test_one_wrong_timestamp_moves_nothing_else(tmp_path: Path, container: str) -> None:
    source = remuxed(film(tmp_path / "film.mp4", 4.0), tmp_path / f"film.{container}")
    with av.open(str(source)) as reader:
        warn = DecodeStats().warn
        packets = without_outliers(_with_one_wrong(reader.demux(reader.streams.video[0])), warn, warn, start_s=0.0)
        times = [packet.pts for packet in packets]
    assert times.count(None) == 2, "the wrong one, and the one that flushes the decoder"
    assert max(time for time in times if time is not None) < 5000


def test_a_presentation_time_that_decoding_never_reaches_is_replaced(tmp_path: Path) -> None:
    def late(packets: Iterator[Any]) -> Iterator[Any]:
        for number, packet in enumerate(packets):
            if number in {20, 21}:
                packet.pts += round(1000 / packet.time_base)
            yield packet

    source = film(tmp_path / "film.mp4", 6.0)
    heard = Heard(remuxed(source, tmp_path / "late.mp4", change=late))
    assert heard.stats.duration_s == pytest.approx(6.0, abs=0.1)


def _with_one_wrong(packets: Iterator[Any]) -> Iterator[Any]:
    for number, packet in enumerate(packets):
        if number == 20:
            packet.pts = packet.dts = packet.dts + 5_000_000
        yield packet


def test_a_long_pause_is_kept(tmp_path: Path) -> None:
    slides = write_video(tmp_path / "slides.mkv", flashes(0.5, []), times_s=[0.0, 1.0, 100.0, 101.0, 700.0])
    heard = Heard(slides)
    assert heard.stats.frame_count == 5
    assert heard.stats.duration_s > 700
    assert not heard.stats.warnings
