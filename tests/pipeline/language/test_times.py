import pytest

from pipeline.language import format_time


@pytest.mark.parametrize(("seconds", "written"), [(0, "0:00"), (59.6, "1:00"), (3599, "59:59"), (3723.4, "1:02:03")])
def test_times_are_written_as_on_a_clock(seconds: float, written: str) -> None:
    assert format_time(seconds) == written
