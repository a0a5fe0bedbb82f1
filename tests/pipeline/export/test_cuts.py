"""Edit decision lists and OpenTimelineIO, read by the adapters of OpenTimelineIO."""

import re
from fractions import Fraction
from itertools import pairwise

import opentimelineio as otio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.export.cuts import cuts_of, shots_of
from pipeline.export.edl import edl
from pipeline.export.otio import timeline
from pipeline.export.rates import RATES, frame_rate, parsed_rate
from pipeline.lake import VideoRecord
from schemas.errors import ExportError
from tests.pipeline.export.records import chapters, said, shots, video

NTSC = Fraction(30000, 1001)
FILM = video(
    shots=shots(0, 2.4, 7.0, end_s=60),
    chapters=chapters(0, 7.0, end_s=60, titles=["Start", "Down;\nthe\x1b[31m river"]),
    utterances=(said("Good morning.", 3.0),),
)


def film_at(rate: Fraction, frames: tuple[int, ...], **fields: object) -> VideoRecord:
    *starts_s, end_s = (float(frame / rate) for frame in frames)
    return video(
        shots=shots(*starts_s, end_s=end_s), fps=float(rate), frame_count=frames[-1], duration_s=end_s, **fields
    )


@st.composite
def films(draw: st.DrawFn) -> tuple[VideoRecord, Fraction, list[int]]:
    rate = draw(st.sampled_from(RATES))
    lengths = draw(st.lists(st.integers(1, 3000), min_size=1, max_size=12))
    frames = [sum(lengths[:count]) for count in range(len(lengths) + 1)]
    return film_at(rate, tuple(frames)), rate, frames


@given(films())
def test_an_edl_lists_each_shot_to_the_frame(drawn: tuple[VideoRecord, Fraction, list[int]]) -> None:
    film, rate, frames = drawn
    tracks = otio.adapters.read_from_string(edl(shots_of(film)), "cmx_3600", rate=float(rate)).tracks
    assert [(track.name, track.kind) for track in tracks] == [("V", "Video"), ("A1", "Audio"), ("A2", "Audio")]
    for track in tracks:
        ranges = [clip.trimmed_range() for clip in track.find_clips()]
        assert [each.start_time.to_frames() for each in ranges] == frames[:-1]
        assert [each.end_time_exclusive().to_frames() for each in ranges] == frames[1:]


@given(films())
def test_a_timeline_holds_each_shot_to_the_frame(drawn: tuple[VideoRecord, Fraction, list[int]]) -> None:
    film, rate, frames = drawn
    tracks = otio.adapters.read_from_string(timeline(shots_of(film)), "otio_json").tracks
    assert [(track.name, track.kind) for track in tracks] == [("Video", "Video"), ("Audio", "Audio")]
    for clips in tracks:
        assert [clip.source_range.start_time.value for clip in clips] == frames[:-1]
        assert {clip.source_range.start_time.rate for clip in clips} == {float(rate)}
        assert [clip.source_range.duration.value for clip in clips] == [b - a for a, b in pairwise(frames)]
        assert {clip.available_range().duration.value for clip in clips} == {frames[-1]}


def tracks_of(text: str, adapter: str) -> dict[str, list[str]]:
    """Return the clips of each track by name; a gap is named by nothing."""
    read = otio.adapters.read_from_string(text, adapter, **({"rate": 25.0} if adapter == "cmx_3600" else {}))
    return {track.name: [each.name for each in track] for track in read.tracks}


def test_each_cut_takes_the_streams_of_its_file() -> None:
    silent = video(video_id="a" * 32, uri="/archive/silent.mp4", has_audio=False)
    heard = video(
        video_id="b" * 32, uri="/archive/radio.flac", has_video=False, fps=0.0, frame_count=0,
        utterances=(said("It was the best of times.", 1.0),),
    )  # fmt: skip
    cuts = [
        *cuts_of(FILM, [(0.0, 2.0, "both")]),
        *cuts_of(silent, [(2.0, 3.0, "seen")]),
        *cuts_of(heard, [(0.0, 4.0, "heard")]),
    ]
    events = [line.split()[2] for line in edl(cuts).splitlines() if re.match(r"\d", line)]
    assert events == ["AA/V", "V", "AA"]
    written = timeline(cuts)
    assert tracks_of(written, "otio_json") == {"Video": ["both", "seen", ""], "Audio": ["both", "", "heard"]}
    pictures, sound = otio.adapters.read_from_string(written, "otio_json").tracks
    ends = [[round(track.range_of_child(each).end_time_exclusive().to_seconds(), 6) for each in track]
            for track in (pictures, sound)]  # fmt: skip
    assert ends[0] == ends[1] == [2.0, 3.0, 7.0]
    assert [marker.name for each in (*pictures, *sound) for marker in each.markers] == [
        "Start", "It was the best of times."
    ]  # fmt: skip


def test_audio_alone_only_has_audio_tracks() -> None:
    heard = video(has_video=False, fps=0.0, frame_count=0)
    cuts = cuts_of(heard, [(1.0, 2.0, "one"), (3.5, 4.0, "two")])
    assert tracks_of(timeline(cuts), "otio_json") == {"Audio": ["one", "two"]}
    assert list(tracks_of(edl(cuts, fps=Fraction(25)), "cmx_3600")) == ["A1", "A2"]
    with pytest.raises(ExportError, match=r"audio alone.*--fps"):
        edl(cuts)


def test_markers_carry_chapters_and_speech_in_one_line() -> None:
    text = edl(shots_of(FILM))
    assert "* LOC: 00:00:00:00 GREEN   Start\n" in text
    assert "* LOC: 00:00:03:00 WHITE   Good morning.\n" in text
    assert "* LOC: 00:00:07:00 GREEN   Down; the\ufffd[31m river\n" in text
    read = otio.adapters.read_from_string(timeline(shots_of(FILM)), "otio_json")
    markers = [[(each.name, each.color) for each in clip.markers] for clip in read.tracks[0]]
    assert markers == [[("Start", "GREEN")], [("Good morning.", "WHITE")], [("Down; the\ufffd[31m river", "GREEN")]]


def test_clips_name_their_file() -> None:
    read = otio.adapters.read_from_string(timeline(shots_of(FILM)), "otio_json")
    [first, *_] = read.find_clips()
    assert first.media_reference.target_url == "file:///archive/The%20talk.mp4"
    assert "* FROM CLIP NAME: The talk.mp4" in edl(shots_of(FILM))


def test_drop_frame_is_never_the_default() -> None:
    film = film_at(NTSC, (0, 1800, 3600))
    assert "FCM: NON-DROP FRAME" in edl(shots_of(film))
    assert "00:01:00:00" in edl(shots_of(film))
    dropped = edl(shots_of(film), drop_frame=True)
    assert "FCM: DROP FRAME" in dropped
    assert "00:01:00;02" in dropped
    with pytest.raises(ExportError, match="Drop-frame"):
        edl(shots_of(FILM), drop_frame=True)


def test_a_variable_rate_video_has_no_frame_rate() -> None:
    film = video(fps=23.41, shots=shots(0, 1.234, 5.5, end_s=20), frame_count=468)
    assert frame_rate(film) is None
    with pytest.raises(ExportError, match="--fps"):
        edl(shots_of(film))
    assert "00:00:01:06" in edl(shots_of(film), fps=Fraction(25))
    clips = otio.adapters.read_from_string(timeline(shots_of(film)), "otio_json").tracks[0]
    assert clips[1].source_range.start_time == otio.opentime.RationalTime(1234, 1000)
    assert clips[1].metadata["videolake"]["variable_frame_rate"]


def test_shots_off_the_frame_grid_mean_a_variable_rate() -> None:
    steady = film_at(Fraction(25), (0, 30, 77, 200))
    assert frame_rate(steady) == 25
    assert frame_rate(video(fps=25.0, shots=shots(0, 1.2, 3.097, end_s=8), frame_count=200)) is None
    assert frame_rate(video(fps=25.0, shots=shots(0, 1.2, end_s=8), frame_count=150)) is None


def test_video_that_starts_after_audio_has_its_own_grid() -> None:
    late = video(fps=25.0, shots=shots(0.021, 1.221, 3.101, end_s=8.021), frame_count=200, duration_s=8.021)
    assert frame_rate(late) == 25


def test_an_edl_refuses_rates_that_are_not_timecode_rates() -> None:
    slides = film_at(Fraction(12), (0, 24, 60))
    assert frame_rate(slides) == 12
    with pytest.raises(ExportError, match="12 frames/s is not a timecode rate"):
        edl(shots_of(slides))


def test_cuts_of_several_videos_make_one_list_at_one_rate() -> None:
    other = film_at(NTSC, (0, 300, 900), video_id="f" * 32, uri="/archive/other.mov")
    cuts = [*cuts_of(FILM, [(2.0, 4.0, "hit 1")]), *cuts_of(other, [(5.0, 7.0, "hit 2")])]
    with pytest.raises(ExportError, match="one rate"):
        edl(cuts)
    text = edl(cuts, fps=Fraction(25))
    assert "002  AX       AA/V  C        00:00:05:00 00:00:07:00 00:00:02:00 00:00:04:00" in text
    assert "TITLE: Moments of 2 videos" in text


def test_the_error_for_too_many_shots_in_an_edl_names_another_format() -> None:
    film = film_at(Fraction(25), tuple(range(0, 10_000, 10)))
    with pytest.raises(ExportError, match=r"\.otio"):
        edl(shots_of(video(**{name: getattr(film, name) for name in ("fps", "frame_count")}, shots=film.shots * 2)))


def test_events_are_numbered_and_follow_each_other() -> None:
    lines = [line for line in edl(shots_of(FILM)).splitlines() if re.match(r"\d", line)]
    assert [line[:3] for line in lines] == ["001", "002", "003"]
    clocks = [line.split()[4:] for line in lines]
    assert [each[3] for each in clocks[:-1]] == [each[2] for each in clocks[1:]]


@pytest.mark.parametrize(
    ("text", "rate"), [("23.976", Fraction(24000, 1001)), ("29.97", NTSC), ("30000/1001", NTSC), ("25", 25)]
)
def test_rates_are_read_as_people_write_them(text: str, rate: Fraction) -> None:
    assert parsed_rate(text) == rate


@pytest.mark.parametrize("text", ["", "0", "1/0", "12", "nan", "25fps", "-25"])
def test_other_rates_are_refused(text: str) -> None:
    with pytest.raises(ExportError, match="is not a timecode rate"):
        parsed_rate(text)
