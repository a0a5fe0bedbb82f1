import pytest

from pipeline.lake import Lake
from pipeline.lake.video_record import clock, describe_video
from schemas.errors import LakeError
from tests.pipeline.lake.lakes import NOON, analysis, publish


@pytest.fixture
def filled(lake: Lake) -> Lake:
    publish(lake, "01", ["aaaa1111", "aaaa2222", "bbbb3333"], failed=["bbbb3333"])
    seen = {"uri": "/else/where.mp4", "size_bytes": 1, "mtime_ns": 1, "video_id": "aaaa1111", "seen_at": NOON}
    lake.write_sources(
        "run1", [seen, seen | {"uri": "/b/twin.mp4"}, seen | {"uri": "/a/twin.mp4", "video_id": "aaaa2222"}]
    )
    return lake


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "aaaa1111",
        "aaaa1",
        "AAAA1",
        "/archive/aaaa1111.mp4",
        "/archive/copies/aaaa1111.mp4",
        "aaaa1111.mp4",
        "/else/where.mp4",
        "where.mp4",
        "where",
    ],
)
def test_a_video_is_found_by_id_start_of_id_place_or_file_name(filled: Lake, name: str) -> None:
    assert describe_video(filled, name).video_id == "aaaa1111"


def test_a_video_is_found_by_a_path_from_here(filled: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert describe_video(filled, "archive/aaaa1111.mp4").video_id == "aaaa1111"


@pytest.mark.parametrize("name", ["aaaa", "twin.mp4"])
def test_a_name_that_several_videos_have_is_answered_with_a_list_of_them(filled: Lake, name: str) -> None:
    with pytest.raises(LakeError, match=r"(?s)may be any of 2 videos.*aaaa1111.*aaaa2222"):
        describe_video(filled, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cccc", "aaa", "", "'; DROP VIEW videos; --", "nothing.mp4"])
def test_a_name_that_no_video_has_is_an_error_that_says_where_to_look(filled: Lake, name: str) -> None:
    with pytest.raises(LakeError, match="lists them"):
        describe_video(filled, name)


def test_everything_worth_showing_is_there(filled: Lake) -> None:
    shown, made = describe_video(filled, "aaaa1111"), analysis("aaaa1111")
    assert shown.headline == made.summary.headline
    assert (shown.summary, shown.chapters, shown.highlights, shown.topics) == (
        made.summary.sentences, made.summary.chapters, made.summary.highlights, made.summary.topics,
    )  # fmt: skip
    assert (shown.keyphrases, shown.labels) == (made.summary.keyphrases, made.summary.labels)
    assert (shown.abstract, shown.abstract_source, shown.abstract_dropped) == (
        made.summary.abstract, "model:tiny-bart", 2
    )  # fmt: skip
    assert shown.shots == made.shots
    assert [line.text for line in shown.transcript] == [each.text for each in made.transcript.utterances]
    assert shown.error is None
    facts = dict(shown.facts)
    assert facts["Length"] == "0:30"
    assert facts["Picture"] == "1280 x 720, 25 frames/s, h264, turned by 90°"
    assert facts["Language"] == "en (88%)"
    assert facts["Computed in"] == "3.5 s (8.6 x real time)"


def test_a_failed_video_shows_why(filled: Lake) -> None:
    shown = describe_video(filled, "bbbb3333")
    assert (shown.status, shown.headline, shown.shots, shown.summary) == ("failed", "", (), ())
    assert shown.error is not None
    assert (shown.error.kind, shown.error.message) == ("corrupt", "bbbb3333 is broken.")


@pytest.mark.parametrize(("seconds", "written"), [(0, "0:00"), (59.6, "1:00"), (3599, "59:59"), (3723.4, "1:02:03")])
def test_times_are_written_as_on_a_clock(seconds: float, written: str) -> None:
    assert clock(seconds) == written
