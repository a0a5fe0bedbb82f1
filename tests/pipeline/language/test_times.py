import pytest

from pipeline.language import format_time, parse_time_range, parse_video_time
from schemas.errors import ConfigurationError


def test_times_are_read_as_people_write_them() -> None:
    time_range = parse_time_range("a@b.mp4@1:02:03.5-62:04")
    assert (time_range.video, time_range.start_s, time_range.end_s) == ("a@b.mp4", 3723.5, 3724.0)
    with pytest.raises(ConfigurationError):
        parse_time_range("x@-1-2")


def test_a_moment_is_a_video_and_a_time() -> None:
    moment = parse_video_time("a@b.mp4@1:02:03.5")
    assert (moment.video, moment.time_s) == ("a@b.mp4", 3723.5)


@pytest.mark.parametrize("text", ["", "talk.mp4", "@1:23", "talk.mp4@", "talk.mp4@noon", "talk.mp4@-1", "1:23"])
def test_what_is_not_a_moment_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"not a moment\. Write VIDEO@TIME, such as talk\.mp4@1:23"):
        parse_video_time(text)


@pytest.mark.parametrize(("seconds", "written"), [(0, "0:00"), (59.6, "1:00"), (3599, "59:59"), (3723.4, "1:02:03")])
def test_times_are_written_as_on_a_clock(seconds: float, written: str) -> None:
    assert format_time(seconds) == written
