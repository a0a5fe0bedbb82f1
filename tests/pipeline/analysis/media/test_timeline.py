import itertools
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from pipeline.analysis.media.timeline import Timeline

BASE = Fraction(1, 1000)


def placed(
    stamps: list[int | None], *, duration_s: float = 0.0, origin_s: float = 0.0
) -> tuple[list[float], list[str]]:
    notes: list[str] = []
    timeline = Timeline(origin_s=origin_s, duration_s=duration_s, frame_s=0.04, warn=notes.append)
    return [timeline.time_of(stamp, BASE) for stamp in stamps], notes


@given(st.lists(st.none() | st.integers(-(10**7), 10**7), max_size=50), st.floats(0, 1000))
def test_times_always_increase_from_zero_or_later(stamps: list[int | None], duration_s: float) -> None:
    times, _ = placed(stamps, duration_s=duration_s)
    assert all(time_s >= 0 for time_s in times)
    assert all(before < after for before, after in itertools.pairwise(times))


@given(st.lists(st.integers(1, 400), max_size=50))
def test_good_timestamps_are_left_as_they_are(steps: list[int]) -> None:
    stamps = [sum(steps[: count + 1]) for count in range(len(steps))]
    times, notes = placed(list(stamps))
    assert times == [stamp / 1000 for stamp in stamps]
    assert not notes


def test_a_clock_that_restarts_is_joined() -> None:
    times, notes = placed([0, 40, 80, 0, 40], duration_s=10)
    assert times[:3] == [0.0, 0.04, 0.08]
    assert times[3] > 0.08
    assert notes


def test_a_clock_that_wraps_continues() -> None:
    times, _ = placed([0, 40, 10**9, 10**9 + 40], duration_s=10)
    assert [round(time_s, 3) for time_s in times] == [0.0, 0.04, 0.08, 0.12]
