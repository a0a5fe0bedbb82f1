from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from pipeline.analysis.summary.storyboard import storyboard
from tests.pipeline.analysis.scenes.videos import keyframe


def test_blank_frames_are_left_out_but_a_soft_film_is_not_blank() -> None:
    clear = [keyframe(n, 5.0 * n, n, n) for n in range(3)]
    assert storyboard([replace(keyframe(9, 0.0, 9, 4), sharpness=2.0), *clear], 4) == clear
    soft = [replace(frame, sharpness=9.0) for frame in clear]
    assert storyboard(soft, 3) == soft


def test_what_looks_the_same_is_shown_once_but_slides_with_other_titles_are_not_the_same() -> None:
    same = [replace(keyframe(0, 5.0 * n, n, 0), index=n) for n in range(6)]
    assert len(storyboard(same, 4)) == 1
    slides = [replace(keyframe(0, 5.0 * n, n, 0, title=f"Slide number {n}"), index=n) for n in range(6)]
    assert len(storyboard(slides, 4)) == 4


@given(st.lists(st.tuples(st.floats(0, 3000), st.integers(0, 5), st.floats(0, 500)), max_size=30), st.integers(0, 12))
def test_a_storyboard_is_in_order_and_no_longer_than_asked(taken: list[tuple[float, int, float]], count: int) -> None:
    frames = [
        replace(keyframe(n, time_s, n, topic), sharpness=sharpness)
        for n, (time_s, topic, sharpness) in enumerate(sorted(taken))
    ]
    board = storyboard(frames, count)
    assert len(board) <= count
    assert [frame.index for frame in board] == sorted({frame.index for frame in board})
    assert bool(board) == bool(frames and count)
