from functools import lru_cache
from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.analysis.keyframes.selector import KeyframeSelector
from schemas.config import KeyframesConfig
from schemas.media import SampledFrame
from schemas.records import KeyframeImage, Shot


@lru_cache(maxsize=512)
def picture(seed: int, blur: int = 0) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 255, (9, 16, 3), np.uint8)
    image = cv2.resize(coarse, (320, 180), interpolation=cv2.INTER_NEAREST)
    return cv2.blur(image, (blur, blur)) if blur else image


def shots_of(lengths_s: list[float]) -> list[Shot]:
    edges = np.concatenate([[0.0], np.cumsum(lengths_s)])
    return [Shot(number, float(low), float(high), "cut", 1.0) for number, (low, high) in enumerate(pairwise(edges))]


def select(shots: list[Shot], frames: list[SampledFrame], step: int = 3, **config: float) -> list[KeyframeImage]:
    """Feed frames and shots as in a real video: a shot is known only some time after it has ended."""
    selector = KeyframeSelector(KeyframesConfig(**config))
    chosen: list[KeyframeImage] = []
    told = 0
    for place, frame in enumerate(frames):
        selector.add(frame)
        if place % step == step - 1:
            decided_s = frame.time_s - 2.0
            ended = [shot for shot in shots[told:] if shot.end_s <= decided_s]
            told += len(ended)
            chosen += selector.advance(ended, decided_s)
    return chosen + selector.finish(shots[told:])


def every(seconds: float, until_s: float, seed: int | None = None) -> list[SampledFrame]:
    times = np.arange(0, until_s, seconds)
    return [
        SampledFrame(float(time_s), picture(number if seed is None else seed)) for number, time_s in enumerate(times)
    ]


@given(st.lists(st.integers(2, 40), min_size=1, max_size=8), st.integers(1, 9))
def test_every_shot_keeps_a_keyframe_in_time_order(lengths: list[int], step: int) -> None:
    shots = shots_of([float(length) for length in lengths])
    chosen = select(shots, every(1.0, shots[-1].end_s), step)
    assert {frame.shot_index for frame in chosen} == {shot.index for shot in shots}
    assert [frame.time_s for frame in chosen] == sorted(frame.time_s for frame in chosen)
    assert all(shots[frame.shot_index].start_s <= frame.time_s < shots[frame.shot_index].end_s for frame in chosen)


def test_the_sharpest_frame_of_an_interval_is_chosen() -> None:
    frames = [SampledFrame(float(time_s), picture(1, blur=0 if time_s == 4 else 15)) for time_s in range(9)]
    assert [frame.time_s for frame in select(shots_of([9.0]), frames, interval_s=40.0)] == [4.0]


def test_a_long_shot_has_a_keyframe_per_interval_without_duplicates() -> None:
    chosen = select(shots_of([60.0]), every(1.0, 60.0), interval_s=10.0)
    assert len(chosen) == 4 + 5, "the first interval of a video is divided into four"
    assert sum(frame.time_s < 10.0 for frame in chosen) == 4
    later = select(shots_of([20.0, 60.0]), every(1.0, 80.0), interval_s=10.0)
    assert sum(frame.shot_index == 1 for frame in later) == 6
    assert len(select(shots_of([60.0]), every(1.0, 60.0, seed=1), interval_s=10.0)) == 1


def test_frames_near_a_transition_are_chosen_only_if_there_is_no_other() -> None:
    shots = shots_of([2.0, 2.0])
    frames = [SampledFrame(1.0, picture(1, blur=9)), SampledFrame(1.97, picture(2)), SampledFrame(2.02, picture(3))]
    assert [frame.time_s for frame in select(shots, frames)] == [1.0, 2.02]


@pytest.mark.slow
def test_candidates_of_a_two_hour_shot_stay_bounded() -> None:
    selector = KeyframeSelector(KeyframesConfig())
    image = picture(1)
    most = 0
    for second in range(7200):
        selector.add(SampledFrame(float(second), image))
        selector.advance([], second - 5.0)
        most = max(most, len(selector._candidates))
    assert most <= 48
