"""Do groups differ? On numbers whose answer is known."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.extras.audit import disparities


def test_a_difference_that_is_there_is_told_from_chance() -> None:
    rng = np.random.default_rng(1)
    groups = {f"v{place}": "ab"[place % 2] for place in range(40)}
    noise = {video: float(rng.normal()) for video in groups}
    worse = {video: value + (3.0 if groups[video] == "b" else 0.0) for video, value in noise.items()}
    differing, chance = disparities({"label_score": noise, "word_error_rate": worse}, groups)
    assert (differing.measure, chance.measure) == ("word_error_rate", "label_score")
    assert differing.p_value < 0.01
    assert chance.p_value > 0.05
    assert [score.group for score in differing.groups] == ["a", "b"], "fewer word errors come first"
    best, worst = differing.groups
    assert best.high < worst.low
    assert differing.gap == worst.mean - best.mean


def test_small_groups_and_measures_of_one_group_are_left_out() -> None:
    groups = {"v1": "a", "v2": "a", "v3": "b", "v4": "b", "v5": "c"}
    values = {"failed": dict.fromkeys(groups, 0.0), "label_score": {"v1": 1.0, "v2": 1.0}}
    [found] = disparities(values, groups, min_videos=2)
    assert [score.group for score in found.groups] == ["a", "b"]
    assert (found.gap, found.p_value) == (0.0, 1.0)
    assert disparities(values, groups) == []


@given(st.lists(st.tuples(st.floats(-1e3, 1e3), st.sampled_from("abc")), min_size=2, max_size=30))
def test_means_lie_in_their_intervals_and_shares_are_shares(rows: list[tuple[float, str]]) -> None:
    values = {f"v{place}": value for place, (value, _) in enumerate(rows)}
    groups = {f"v{place}": group for place, (_, group) in enumerate(rows)}
    for found in disparities({"label_score": values}, groups, min_videos=1):
        assert 0 < found.p_value <= 1
        assert found.gap >= 0
        for score in found.groups:
            own = [value for value, group in rows if group == score.group]
            assert score.videos == len(own)
            assert min(own) - 1e-6 <= score.low <= score.high <= max(own) + 1e-6
