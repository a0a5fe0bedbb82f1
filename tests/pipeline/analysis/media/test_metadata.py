"""What files say about themselves, in the containers that archives hold."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from pipeline.analysis.media import DecodeStats, decode, probe
from pipeline.analysis.media.metadata import _parsed
from schemas.config import LimitsConfig, MediaConfig
from schemas.media import MediaInfo, Track

MADE = datetime(2020, 1, 2, 1, 4, 5, tzinfo=UTC)


def tagged(
    path: Path,
    tags: Mapping[str, str] = {},
    *,
    codec: str = "mpeg4",
    options: Mapping[str, str] = {},
    container_options: Mapping[str, str] = {},
) -> Path:
    with av.open(str(path), "w", options=dict(container_options)) as made:
        stream: Any = made.add_stream(codec, rate=25, options=dict(options))
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        made.metadata.update(tags)
        for _ in range(3):
            made.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), "rgb24")))
        made.mux(stream.encode(None))
    return path


def probed(path: Path) -> MediaInfo:
    return probe(str(path), MediaConfig(), LimitsConfig())


@pytest.mark.parametrize("name", ["a.mov", "a.mkv", "a.mxf", "a.avi"])
def test_the_start_timecode_is_read_from_tracks_and_tags(tmp_path: Path, name: str) -> None:
    codec = "mpeg2video" if name.endswith("mxf") else "mpeg4"
    assert probed(tagged(tmp_path / name, {"timecode": "01:02:03:04"}, codec=codec)).timecode == "01:02:03:04"


def test_the_start_timecode_is_read_from_the_first_group_of_pictures(tmp_path: Path) -> None:
    film = tagged(tmp_path / "a.mpg", codec="mpeg2video", options={"gop_timecode": "10:11:12:13"})
    assert probed(film).timecode == "10:11:12:13"


def test_a_tag_that_is_no_timecode_is_not_taken_for_one(tmp_path: Path) -> None:
    assert probed(tagged(tmp_path / "a.mkv", {"timecode": "<script>"})).timecode is None


@pytest.mark.parametrize(
    ("name", "tags"),
    [
        ("a.mov", {"creation_time": "2020-01-02T03:04:05+02:00"}),
        ("a.mkv", {"creation_time": "2020-01-02T03:04:05+02:00"}),
        ("a.avi", {"date": "2020-01-02 01:04:05"}),
        (
            "phone.mov",
            {"com.apple.quicktime.creationdate": "2020-01-02T03:04:05+0200", "creation_time": "2022-05-06T07:08:09Z"},
        ),
    ],
)
def test_the_creation_time_is_that_of_the_recording(tmp_path: Path, name: str, tags: dict[str, str]) -> None:
    options = {"movflags": "use_metadata_tags"} if name == "phone.mov" else {}
    assert probed(tagged(tmp_path / name, tags, container_options=options)).created_at == MADE


@pytest.mark.parametrize(
    "text",
    [
        "1904-01-01T00:00:00Z", "1970-01-01T00:00:00.000000Z", "1969-12-31 19:00:00", "1980-01-01 00:00:00",
        "2001-01-01T00:00:00Z", "2999-01-01T00:00:00Z", "0000-00-00 00:00:00", "2019", "2019-05-06", "9:15", "",
        "0001-01-01T00:00:00+14:00", "yesterday",
    ],
)  # fmt: skip
def test_a_clock_that_was_not_set_is_no_creation_time(text: str) -> None:
    assert _parsed(text) is None


@pytest.mark.parametrize(
    "text", ["2020:01:02 01:04:05", "Thu Jan  2 01:04:05 2020", "2020-01-02T03:04:05+0200", "2020-01-02 01:04:05 "]
)
def test_creation_times_come_in_many_forms(text: str) -> None:
    assert _parsed(text) == MADE


def test_all_tracks_are_described_with_the_names_of_codecs(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mkv"), "w") as made:
        stream: Any = made.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        sound: Any = made.add_stream("libmp3lame", rate=16000, layout="stereo")
        sound.metadata.update({"language": "deu", "title": "Kommentar"})
        subtitles: Any = made.add_stream("subrip")
        subtitles.codec_context.subtitle_header = b"[Script Info]\n"
        subtitles.metadata["language"] = "und"
        for _ in range(3):
            made.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), "rgb24")))
        samples = av.AudioFrame.from_ndarray(np.zeros((2, 1152), np.int16), "s16p", "stereo")
        samples.sample_rate = 16000
        made.mux(sound.encode(samples))
        made.mux([*stream.encode(None), *sound.encode(None)])
    info = probed(tmp_path / "a.mkv")
    assert info.tracks == (
        Track(0, "video", "mpeg4", None, None, None, default=False),
        Track(1, "audio", "mp3", "deu", 2, "Kommentar", default=False),
        Track(2, "subtitle", "subrip", None, None, None, default=False),
    )
    assert info.audio is not None
    assert info.audio.codec == "mp3"


def test_a_decoder_is_not_a_codec(tmp_path: Path) -> None:
    film = tagged(tmp_path / "a.webm", codec="libsvtav1", options={"preset": "13"})
    video = probed(film).video
    assert video is not None
    assert video.codec == "av1"


def with_chapters(path: Path, spans_s: Sequence[tuple[float, float, str]], *, start_s: float = 0.0) -> Path:
    """Write 2 s of film with chapters, whose clock starts at `start_s`."""
    with av.open(str(path), "w") as made:
        stream: Any = made.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        made.set_chapters(
            [
                {
                    "id": number, "start": round((start_s + start) * 1000), "end": round((start_s + end) * 1000),
                    "time_base": Fraction(1, 1000), "metadata": {"title": title} if title else {},
                }
                for number, (start, end, title) in enumerate(spans_s)
            ]
        )  # fmt: skip
        for number in range(50):
            frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), "rgb24")
            frame.pts, frame.time_base = round((start_s * 25) + number), Fraction(1, 25)
            made.mux(stream.encode(frame))
        made.mux(stream.encode(None))
    return path


def chapters_in(path: Path) -> list[tuple[str, float, float]]:
    stats = DecodeStats()
    info = probed(path)
    items = decode(str(path), info, MediaConfig(), LimitsConfig(), wanted=lambda *_: False, threads=1, stats=stats)
    assert list(items)
    return [(each.title, round(each.start_s, 2), round(each.end_s, 2)) for each in stats.chapters]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_chapters_of_a_file_are_read(tmp_path: Path, name: str) -> None:
    film = with_chapters(tmp_path / name, [(0, 0.5, "Один"), (0.5, 2, "<b>")])
    assert chapters_in(film) == [("Один", 0.0, 0.5), ("<b>", 0.5, 2.0)]


def test_chapters_start_with_the_film_even_if_its_clock_does_not(tmp_path: Path) -> None:
    film = with_chapters(tmp_path / "a.mkv", [(0, 0.5, "one"), (0.5, 2, "two")], start_s=40.0)
    assert chapters_in(film) == [("one", 0.0, 0.5), ("two", 0.5, 2.0)]


def test_chapters_beyond_the_end_are_left_out(tmp_path: Path) -> None:
    film = with_chapters(tmp_path / "a.mkv", [(0, 1, ""), (1, 90, "two"), (90, 100, "three")])
    assert chapters_in(film) == [("", 0.0, 1.0), ("two", 1.0, 2.0)]
