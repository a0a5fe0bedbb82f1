import numpy as np
import pytest

from pipeline.analysis.vision import Repeats
from tests.pipeline.analysis.vision.slides import SLIDE, encoded, slide


def earlier(images: list[np.ndarray]) -> list[int | None]:
    repeats = Repeats()
    return [repeats.earlier(image, index) for index, image in enumerate(images)]


def test_a_slide_that_stands_still_repeats_itself_even_after_encoding():
    assert earlier(encoded([slide(SLIDE)])) == [None, *[0] * 7]


def test_a_slide_that_comes_back_after_others_repeats_the_first():
    slides = [slide([f"Number {number}"]) for number in range(5)]
    assert earlier([*slides, *slides]) == [*[None] * 5, 0, 1, 2, 3, 4]


@pytest.mark.parametrize("size_px", [12, 24])
def test_one_other_digit_is_another_frame(size_px: int):
    images = [slide([f"Room {number}"], size_px=size_px) for number in (13, 18)]
    assert earlier(images) == [None, None]


def test_another_size_or_colour_alone_is_another_frame():
    grey = np.full((90, 160, 3), (100, 100, 100), np.uint8)
    # About as bright: 0.299 x 150 + 0.587 x 85 + 0.114 x 41.
    red = np.full((90, 160, 3), (150, 85, 41), np.uint8)
    assert earlier([grey, red, grey[:80], grey]) == [None, None, None, 0]


def test_slow_changes_add_up_to_another_frame():
    images = [np.full((90, 160, 3), 100 + 3 * step, np.uint8) for step in range(8)]
    assert earlier(images) == [None, 0, 0, None, 3, 3, None, 6]


def test_what_has_not_come_back_for_long_is_forgotten_and_what_has_is_not():
    repeats = Repeats()
    title, forgotten, *others = [np.full((90, 160, 3), 12 * step, np.uint8) for step in range(21)]
    assert repeats.earlier(title, 0) is None
    assert repeats.earlier(forgotten, 1) is None
    for index, other in enumerate(others, 2):
        repeats.earlier(other, index)
        assert repeats.earlier(title, 100) == 0
    assert repeats.earlier(forgotten, 101) is None
