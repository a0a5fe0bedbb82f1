import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.analysis.shots.judging import SIDE, judge_abrupt

Frames = np.ndarray


def scene(seed: int, count: int, motion: float = 1.0) -> Frames:
    """Frames of a camera that moves `motion` pixels per frame over a blurred picture."""
    rng = np.random.default_rng(seed)
    wide = cv2.resize(rng.integers(0, 255, (9, 64, 3), dtype=np.uint8), (512, 72), interpolation=cv2.INTER_CUBIC)
    return np.stack([wide[20:47, round(20 + n * motion) : round(20 + n * motion) + 48] for n in range(count)])


def across(frames: Frames, frame: int) -> str:
    return judge_abrupt(frames[max(frame - SIDE, 0) : frame], frames[frame : frame + SIDE])


@given(st.integers(0, 999), st.floats(0, 0.5))
def test_a_cut_between_scenes_that_move_little_is_clear(seed: int, motion: float) -> None:
    one, other = scene(seed, 12, motion), scene(seed + 1000, 12, motion)
    assert across(np.concatenate([one, other]), 12) == "transition"


@given(st.integers(0, 999), st.floats(0, 40))
def test_motion_however_fast_is_never_a_clear_cut(seed: int, motion: float) -> None:
    assert across(scene(seed, 10, motion), 5) != "transition"


@given(st.integers(0, 999), st.integers(1, 4), st.integers(40, 255))
def test_a_picture_that_returns_after_a_flash_has_no_transition(seed: int, length: int, light: int) -> None:
    frames = scene(seed, 24, 0.2)
    frames[12 : 12 + length] = np.clip(frames[12 : 12 + length].astype(int) + light, 0, 255)
    assert across(frames, 12) == "none"
    assert across(frames, 12 + length) == "none"


@given(st.integers(0, 999), st.integers(4, 20), st.integers(4, 30))
def test_what_appears_in_front_of_a_picture_is_left_to_the_network(seed: int, height: int, width: int) -> None:
    frames = scene(seed, 24, 0.2)
    frames[12:, 3 : 3 + height, 9 : 9 + width] = (20, 240, 20)
    assert across(frames, 12) != "transition"


def test_dark_pictures_are_left_to_the_network() -> None:
    frames = np.concatenate([scene(1, 12), scene(2, 12)]) // 12
    assert across(frames, 12) == "doubtful"


@pytest.mark.parametrize("seconds", [1, 2, 3])
def test_a_cut_at_the_first_frames_is_clear_too(seconds: int) -> None:
    frames = np.concatenate([scene(1, 12)[:seconds], scene(2, 12)])
    assert across(frames, seconds) == "transition"


@given(st.integers(0, 999), st.integers(1, 4), st.sampled_from([0, 255]))
def test_a_white_or_black_frame_between_two_shots_does_not_hide_the_cut(seed: int, length: int, level: int) -> None:
    one, other = scene(seed, 12, 0.2), scene(seed + 1000, 12, 0.2)
    frames = np.concatenate([one, np.full((length, *one.shape[1:]), level, np.uint8), other])
    assert across(frames, 12) != "none"
    assert across(frames, 12 + length) != "none"
