"""Clips, decoded: where they begin and end, and whether picture and sound keep step."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
import numpy as np
import pytest

from pipeline.analysis.media import DecodeStats, decode, probe, sources
from pipeline.export.clip import Clip, clip_ending, copy_clip
from pipeline.export.lossless import LOSSLESS_ENDINGS, cut_audio
from pipeline.export.reencode import encode_clip, exact_ending
from schemas.config import LimitsConfig, MediaConfig
from schemas.errors import ErrorKind, ExportError, MediaError
from schemas.media import SAMPLE_RATE_HZ, FrameBatch
from tests import material, pictures

FPS, SECONDS, KEYFRAME_S = 25, 8, 2.0
FRAME_S = 1 / FPS
FLASHES_S = (1.0, 3.2, 5.0, 7.0)
"""When the picture is white for a frame, and a tone of the same length sounds."""


@dataclass(frozen=True)
class Decoded:
    times_s: list[float]
    keyframes_s: list[float]
    flashes_s: list[float]
    beeps_s: list[float]
    rotations: set[int]


@lru_cache
def decoded(path: Path) -> Decoded:
    """Decode a file; times are from its start."""
    times_s, keyframes_s, flashes_s, rotations, pieces = [], [], [], set(), []
    with av.open(str(path)) as container:
        origin_s = (container.start_time or 0) / av.time_base
        for frame in container.decode(*container.streams.video[:1], *container.streams.audio[:1]):
            time_s = frame.time - origin_s
            if isinstance(frame, av.VideoFrame):
                times_s.append(time_s)
                keyframes_s += [time_s] if frame.key_frame else []
                rotations.add(frame.rotation)
                if frame.to_ndarray(format="gray").mean() > 200:
                    flashes_s.append(time_s)
            else:
                pieces.append((time_s, np.abs(frame.to_ndarray()[0].astype(float)), frame.sample_rate))
    loudest = max((samples.max() for _, samples, _ in pieces), default=0.0)
    found_s = [
        start_s + np.flatnonzero(samples > loudest / 5)[0] / rate
        for start_s, samples, rate in pieces
        if samples.max() > loudest / 5
    ]
    beeps_s = [each for number, each in enumerate(found_s) if not number or each - found_s[number - 1] > 0.3]
    return Decoded(times_s, keyframes_s, flashes_s, beeps_s, rotations)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same film in several containers: a flash and a beep at known times, a keyframe every two seconds."""
    folder = tmp_path_factory.mktemp("films")
    sound = np.zeros(SECONDS * SAMPLE_RATE_HZ, np.float32)
    for flash_s in FLASHES_S:
        start = round(flash_s * SAMPLE_RATE_HZ)
        sound[start : start + 640] = material.tone(0.04, 2000.0, 0.9)[:640]
    lit = {round(flash_s * FPS) for flash_s in FLASHES_S}
    frames = [np.full((96, 128, 3), 250 if number in lit else 20, np.uint8) for number in range(SECONDS * FPS)]
    coded = {
        "mp4": ("libx264", "aac"), "mkv": ("libx264", "aac"), "mov": ("libx264", "aac"), "ts": ("libx264", "aac"),
        "webm": ("libvpx-vp9", "libopus"), "avi": ("mpeg4", "libmp3lame"),
    }  # fmt: skip
    made = {}
    for ending, (picture, track) in coded.items():
        options = {"g": str(round(KEYFRAME_S * FPS)), "bf": "2", "sc_threshold": "1000000000"}
        if picture == "libx264":
            options["sc_threshold"] = "0"
        elif picture == "libvpx-vp9":
            options = {"g": options["g"], "deadline": "realtime", "cpu-used": "8"}
        made[ending] = material.write_video(
            folder / f"film.{ending}", frames, fps=FPS, audio=sound, codec=picture, audio_codec=track,
            options=options,
        )  # fmt: skip
    return made


CONTAINERS = ["mp4", "mkv", "mov", "ts", "webm", "avi"]


def in_step(clip: Decoded, late_s: float) -> bool:
    """Tell whether the beeps follow the flashes as they do in the source, within a block of compressed sound."""
    pairs = zip(clip.flashes_s, clip.beeps_s, strict=True)
    return all(abs(beep - flash - late_s) < 0.03 for flash, beep in pairs)


@pytest.mark.parametrize("cut", [copy_clip, encode_clip])
@pytest.mark.parametrize(("transcribed", "default"), [(None, 0), (0, 0), (1, 1)])
def test_players_of_a_clip_choose_the_audio_track_that_was_transcribed(
    tmp_path: Path, cut: Callable[..., Clip], transcribed: int | None, default: int
) -> None:
    both = material.audio_tracks(
        tmp_path / "both.mkv", ("eng", av.stream.Disposition.default, 0.1), ("ger", 0, 0.1), seconds=1.0
    )
    cut(str(both), 0.0, 0.8, tmp_path / "clip.mkv", audio_track=transcribed)
    with av.open(str(tmp_path / "clip.mkv")) as made:
        assert [stream.language for stream in made.streams.audio] == ["eng", "ger"]
        marked = [bool(stream.disposition & av.stream.Disposition.default) for stream in made.streams.audio]
    assert marked == [number == default for number in range(2)]


@pytest.mark.slow
@pytest.mark.parametrize("container", CONTAINERS)
def test_a_copy_starts_at_the_keyframe_before_and_stays_in_sync(
    films: dict[str, Path], tmp_path: Path, container: str
) -> None:
    source = decoded(films[container])
    path = str(films[container])
    clip = copy_clip(path, 2.9, 5.5, tmp_path / f"clip{clip_ending(path, has_video=True)}")
    assert clip.start_s == pytest.approx(max(each for each in source.keyframes_s if each < 2.9), abs=0.001)
    assert clip.end_s == pytest.approx(5.5, abs=3 * FRAME_S)
    found = decoded(clip.path)
    first_s = found.times_s[0]
    assert found.times_s[-1] + FRAME_S - first_s == pytest.approx(clip.end_s - clip.start_s, abs=3 * FRAME_S)
    expected = [each - clip.start_s for each in source.flashes_s[1:3]]
    assert [each - first_s for each in found.flashes_s] == pytest.approx(expected, abs=0.002)
    assert in_step(found, source.beeps_s[1] - source.flashes_s[1]), (source, found)


@pytest.mark.parametrize("container", CONTAINERS)
def test_an_exact_clip_starts_and_ends_at_the_frame(films: dict[str, Path], tmp_path: Path, container: str) -> None:
    source = decoded(films[container])
    path = str(films[container])
    clip = encode_clip(path, 2.92, 5.48, tmp_path / f"clip{exact_ending(path, has_video=True)}")
    assert (clip.start_s, clip.end_s) == (2.92, pytest.approx(5.48, abs=0.001))
    found = decoded(clip.path)
    assert found.times_s[0] == pytest.approx(0.0, abs=0.002)
    assert 2.56 - FRAME_S - 0.002 <= found.times_s[-1] < 2.56
    assert found.flashes_s == pytest.approx([each - 2.92 for each in source.flashes_s[1:3]], abs=0.002)
    assert in_step(found, source.beeps_s[1] - source.flashes_s[1]), (source, found)


@pytest.mark.parametrize("cut", [copy_clip, encode_clip])
@pytest.mark.parametrize("container", ["ts", "mkv"])
def test_every_moment_of_joined_recordings_can_be_cut(
    films: dict[str, Path], tmp_path: Path, container: str, cut: Callable[..., Clip]
) -> None:
    joined = tmp_path / f"joined.{container}"
    joined.write_bytes(films[container].read_bytes() * 2)
    flashes_s, jumps = analysed(joined)
    assert jumps == 1
    assert flashes_s == pytest.approx([*FLASHES_S, *(SECONDS + each for each in FLASHES_S)], abs=0.1)
    clip = cut(str(joined), flashes_s[5] - 0.2, flashes_s[6] + 0.2, tmp_path / "clip.mkv", clock_jumps=jumps)
    found = decoded(clip.path)
    late_s = clip.start_s - found.times_s[0]
    assert [each + late_s for each in found.flashes_s] == pytest.approx(flashes_s[5:7], abs=0.01)
    assert in_step(found, 0.0)


def analysed(path: Path) -> tuple[list[float], int]:
    """Return when the analysis sees flashes, and how often the clock jumps."""
    found: list[float] = []
    stats = DecodeStats()
    config, limits = MediaConfig(), LimitsConfig()
    info = probe(str(path), config, limits)
    for item in decode(str(path), info, config, limits, wanted=lambda *_: False, threads=1, stats=stats):
        if isinstance(item, FrameBatch):
            found += item.times_s[item.small.mean(axis=(1, 2, 3)) > 200].tolist()
    return found, stats.clock_jumps


def test_an_exact_clip_starts_at_its_time_although_the_keyframe_is_far_before(tmp_path: Path) -> None:
    frames = [np.full((96, 128, 3), 250 if number == 75 else 20, np.uint8) for number in range(100)]
    options = {"g": "1000", "sc_threshold": "0"}
    film = material.write_video(tmp_path / "film.ts", frames, fps=FPS, audio=material.tone(4.0), options=options)
    found = decoded(encode_clip(str(film), 2.5, 3.5, tmp_path / "clip.mp4").path)
    assert found.times_s[0] == pytest.approx(0.0, abs=0.002)
    assert found.flashes_s == pytest.approx([0.5], abs=0.1)


def test_copied_packets_are_those_of_the_source(films: dict[str, Path], tmp_path: Path) -> None:
    clip = copy_clip(str(films["mp4"]), 2.0, 4.0, tmp_path / "clip.mp4")

    def packets(path: Path) -> list[bytes]:
        with av.open(str(path)) as container:
            return [bytes(each) for each in container.demux(container.streams.video[0]) if each.size]

    source, copied = packets(films["mp4"]), packets(clip.path)
    start = source.index(copied[0])
    assert source[start : start + len(copied)] == copied


def test_a_clip_from_the_start_to_beyond_the_end_is_the_whole_video(films: dict[str, Path], tmp_path: Path) -> None:
    for cut in (copy_clip, encode_clip):
        clip = cut(str(films["mp4"]), 0.0, 100.0, tmp_path / f"{cut.__name__}.mp4")
        assert len(decoded(clip.path).times_s) == SECONDS * FPS
        assert clip.end_s == pytest.approx(SECONDS, abs=0.1)


def test_a_copy_of_a_rotated_video_stays_rotated(tmp_path: Path) -> None:
    source = material.rotated_video(tmp_path / "turned.mp4", 90)
    clip = copy_clip(str(source), 0.2, 0.8, tmp_path / "clip.mp4")
    assert decoded(clip.path).rotations == decoded(source).rotations != {0}


def test_an_exact_clip_of_a_variable_rate_video_keeps_its_times(tmp_path: Path) -> None:
    times_s = [0.0, 0.1, 0.5, 0.6, 1.4, 1.5, 2.5, 2.6]
    source = material.variable_rate_video(tmp_path / "film.mp4", times_s)
    clip = encode_clip(str(source), 1.0, 2.55, tmp_path / "clip.mp4")
    assert decoded(clip.path).times_s == pytest.approx([0.0, 0.4, 0.5, 1.5], abs=0.002)


@pytest.mark.parametrize(("ending", "codec"), [(".wav", "pcm_s16le"), (".mp3", "libmp3lame"), (".flac", "flac")])
@pytest.mark.parametrize("exact", [False, True])
def test_audio_alone_can_be_cut(tmp_path: Path, ending: str, codec: str, exact: bool) -> None:
    sound = material.silence(6.0)
    sound[3 * SAMPLE_RATE_HZ : 3 * SAMPLE_RATE_HZ + 1600] = material.tone(0.1, level=0.9)
    source = material.write_audio(tmp_path / f"sound{ending}", sound, codec=codec)
    name = (exact_ending if exact else clip_ending)(str(source), has_video=False)
    assert name == ending
    cut = encode_clip if exact else cut_audio if ending in LOSSLESS_ENDINGS else copy_clip
    clip = cut(str(source), 2.0, 5.0, tmp_path / f"clip{name}")
    assert clip.end_s - clip.start_s == pytest.approx(3.0, abs=0.2)
    [beep_s] = decoded(clip.path).beeps_s
    assert beep_s == pytest.approx(1.0, abs=0.15)


def test_streams_that_do_not_fit_the_container_are_refused_with_advice(films: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"h264, aac.*--exact"):
        copy_clip(str(films["mp4"]), 1, 2, tmp_path / "clip.webm")
    with pytest.raises(ExportError, match=r"clip\.xyz"):
        copy_clip(str(films["mp4"]), 1, 2, tmp_path / "clip.xyz")
    with pytest.raises(ExportError, match="nothing between"):
        copy_clip(str(films["mp4"]), 50, 60, tmp_path / "clip.mp4")
    with pytest.raises(ExportError, match="nothing between"):
        encode_clip(str(films["mp4"]), 50, 60, tmp_path / "clip.mp4")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("cut", [copy_clip, encode_clip])
def test_a_missing_or_broken_video_is_reported(tmp_path: Path, cut: object) -> None:
    with pytest.raises(MediaError) as gone:
        cut(str(tmp_path / "none.mp4"), 0, 1, tmp_path / "clip.mp4")
    assert gone.value.kind == ErrorKind.VANISHED
    with pytest.raises(MediaError):
        cut(str(material.text_named_mp4(tmp_path / "text.mp4")), 0, 1, tmp_path / "clip.mp4")


@pytest.fixture(scope="module")
def long_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute of noise, with sound in its first second only."""
    noise = np.random.default_rng(7)
    frames = (noise.integers(0, 255, (32, 48, 3), dtype=np.uint8) for _ in range(600))
    path = tmp_path_factory.mktemp("long") / "film.mkv"
    return material.write_video(path, frames, fps=10, audio=material.tone(1.0), audio_codec="aac")


@pytest.mark.parametrize("cut", [copy_clip, encode_clip])
def test_an_unreadable_source_is_not_reported_as_an_unwritable_target(
    long_film: Path, tmp_path: Path, cut: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = long_film.stat().st_size // 2

    class Failing(io.FileIO):
        def read(self, size: int = -1) -> bytes:
            if self.tell() > most:
                raise OSError(5, "the network is gone")
            return super().read(size)

    monkeypatch.setattr(sources, "_open_regular", lambda _, path: Failing(path, "rb"))
    with pytest.raises(MediaError, match=r"film\.mkv.* the network is gone"):
        cut(str(long_film), 50.0, 55.0, tmp_path / "clip.mkv")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("cut", [copy_clip, encode_clip])
def test_a_track_that_ends_early_is_not_read_to_the_end_of_the_file(
    long_film: Path, tmp_path: Path, cut: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = [0]

    class Counting(io.FileIO):
        def read(self, size: int = -1) -> bytes:
            data = super().read(size)
            read[-1] += len(data)
            return data

    monkeypatch.setattr(sources, "_open_regular", lambda _, path: Counting(path, "rb"))
    cut(str(long_film), 2.0, 3.0, tmp_path / "short.mkv")
    read.append(0)
    cut(str(long_film), 2.0, 59.0, tmp_path / "long.mkv")
    assert read[0] < read[1] - long_film.stat().st_size / 3


@pytest.mark.parametrize("matrix", [(-1, 0, 0, 1), (0, 1, 1, 0), (0, 1, -1, 0)], ids=["mirrored", "both", "turned"])
def test_an_exact_clip_is_upright(tmp_path: Path, matrix: tuple[int, int, int, int]) -> None:
    source = pictures.with_matrix(pictures.corners_video(tmp_path / "stored.mp4"), tmp_path / "phone.mp4", *matrix)
    clip = encode_clip(str(source), 0.0, 1.0, tmp_path / "clip.mp4")
    shown, [frame, *_] = pictures.seen(clip.path), pictures.seen(source).large
    assert shown.info.video is not None
    assert shown.info.video.rotation == 0
    assert pictures.quarters(shown.large[0]) == pytest.approx(pictures.quarters(frame), abs=12)
    assert shown.large[0].shape == frame.shape


@pytest.mark.parametrize("ending", [".mp4", ".webm"])
def test_an_exact_clip_has_one_size_and_nothing_in_it_is_squeezed(tmp_path: Path, ending: str) -> None:
    parts = [(352, 288, Fraction(12, 11)), (352, 288, Fraction(16, 11)), (640, 360, Fraction(1))]
    source = pictures.transport_stream(tmp_path / "switched.ts", parts)
    shown = pictures.seen(encode_clip(str(source), 0.0, 2.0, tmp_path / f"clip{ending}").path)
    assert {image.shape for image in shown.large} == {(288, 384, 3)}
    bars = [int((image[:, 192].mean(axis=1) < 25).sum()) for image in shown.large]
    assert bars[1] == 0
    assert bars[12] == pytest.approx(288 - 384 * 288 / 512, abs=4), "16:9 has bars above and below"
    assert bars[-1] == pytest.approx(288 - 384 * 360 / 640, abs=4)


def test_an_exact_clip_of_hdr_stays_hdr(tmp_path: Path) -> None:
    tags = (9, 9, 16)
    source = pictures.coloured_video(tmp_path / "hdr.mkv", (0.5, 0.4, 0.3), matrix=9, tags=tags)
    clip = encode_clip(str(source), 0.0, 1.0, tmp_path / "clip.mp4")
    expected, shown = pictures.seen(source), pictures.seen(clip.path)
    assert shown.info.video is not None
    assert shown.info.video.pixel_format == "yuv420p10le"
    assert shown.colours[0] == pytest.approx(expected.colours[0], abs=4)
