"""Rates as they are found in archives: exact, rounded to milliseconds, with gaps, and truly varying."""

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.analysis.media.frame_rate import FrameRate


def measured(times_s: NDArray[np.float64], stated_fps: float = 0.0, tick_s: float = 1e-5) -> tuple[float, bool]:
    rate = FrameRate(tick_s)
    for start in range(0, len(times_s), 48):
        rate.add(times_s[start : start + 48])
    return rate.measure(stated_fps)


@pytest.mark.parametrize("fps", [1.0, 12.5, 24000 / 1001, 25.0, 30000 / 1001, 60000 / 1001, 120.0, 240.0])
@pytest.mark.parametrize("tick_s", [1e-5, 1e-3])
def test_a_constant_rate_is_constant_even_in_milliseconds(fps: float, tick_s: float) -> None:
    times_s = np.round(np.arange(1000) / fps / tick_s) * tick_s
    found, varies = measured(times_s, tick_s=tick_s)
    assert found == pytest.approx(fps, rel=1e-3)
    assert not varies


def test_hundredths_of_a_second_as_in_gif_are_rounding_too() -> None:
    found, varies = measured(np.round(np.arange(300) / 30, 2), tick_s=0.01)
    assert (round(found, 1), varies) == (30.0, False)


def test_a_stated_rate_is_kept_if_the_times_agree() -> None:
    times_s = np.round(np.arange(50) * 1001 / 24000, 3)
    assert measured(times_s, stated_fps=24000 / 1001) == (24000 / 1001, False)
    assert measured(times_s, stated_fps=25.0)[0] == pytest.approx(24000 / 1001, rel=1e-3)


def test_a_gap_or_a_lost_frame_is_no_other_rate() -> None:
    times_s = np.delete(np.arange(500) / 25, [100, *range(300, 350)])
    assert measured(times_s) == (25.0, False)


@pytest.mark.parametrize(
    "intervals_s",
    [
        [1 / 30] * 300 + [1 / 10] * 100,
        [1 / 24, 1 / 30] * 100,
        [1 / 60] * 900 + [0.5] * 20,
        list(np.random.default_rng(0).uniform(0.02, 0.06, 400)),
    ],
)
def test_a_rate_that_changes_varies_and_is_an_average(intervals_s: list[float]) -> None:
    found, varies = measured(np.cumsum(intervals_s))
    assert varies
    assert found == pytest.approx(1 / np.mean(intervals_s), rel=0.01)


@pytest.mark.parametrize("frames", [0, 1, 2, 100])
def test_too_few_frames_or_times_that_are_all_the_same_say_nothing(frames: int) -> None:
    assert measured(np.zeros(frames), stated_fps=25.0) == (25.0, False)


def test_frames_whose_times_are_out_of_order_have_the_rate_of_their_times_in_order() -> None:
    order = np.arange(600).reshape(-1, 4)[:, [0, 3, 1, 2]].ravel()
    assert measured(order / 25) == (25.0, False)
