import numpy as np
import pytest

from pipeline.analysis.vision.change import blank, changed, featureless, grey
from tests.pipeline.analysis.vision.slides import SLIDE, encoded, slide


def replaced(old: str, new: str) -> list[str]:
    return [line.replace(old, new) for line in SLIDE]


@pytest.mark.parametrize("size_px", [14, 18, 28])
@pytest.mark.parametrize(("old", "new"), [("13", "18"), ("1.5", "1,5"), ("level", "1evel"), ("grew", "fell")])
def test_one_word_digit_or_comma_is_a_change_even_after_encoding(size_px: int, old: str, new: str):
    frames = encoded([slide(SLIDE, size_px=size_px), slide(replaced(old, new), size_px=size_px)], repeat=4)
    assert changed(grey(frames[3]), grey(frames[-1]))


def test_a_changed_digit_in_pale_text_is_a_change():
    frames = encoded([slide(SLIDE, ink=200, ground=240), slide(replaced("13", "18"), ink=200, ground=240)], repeat=4)
    assert changed(grey(frames[3]), grey(frames[-1]))


@pytest.mark.parametrize("crf", [18, 28])
def test_a_slide_that_stands_still_does_not_change_through_encoding(crf: int):
    first, *others = [grey(frame) for frame in encoded([slide(SLIDE)], repeat=12, crf=crf)]
    assert not any(changed(first, other) for other in others)


def test_another_size_is_a_change():
    assert changed(np.zeros((9, 9), np.uint8), np.zeros((9, 10), np.uint8))


def test_black_and_noisy_black_are_blank_and_the_smallest_pale_text_is_not():
    generator = np.random.default_rng(7)
    assert blank(np.zeros((720, 1280), np.uint8))
    assert blank(generator.integers(0, 12, (720, 1280), dtype=np.uint8))
    assert not blank(grey(slide(["a"], size_px=12, ink=200, ground=240)))


@pytest.mark.parametrize("level", [0, 90, 255])
def test_black_white_and_grey_show_nothing_even_with_the_noise_of_compression(level: int):
    noise = np.random.default_rng(3).integers(-3, 4, (90, 160, 3))
    assert featureless(np.clip(level + noise, 0, 255).astype(np.uint8))


def test_a_thin_line_a_colour_and_a_dark_scene_show_something():
    black = np.zeros((90, 160, 3), np.uint8)
    line, dark = black.copy(), black.copy()
    line[41] = 255
    dark[:45] = 20
    assert not any(featureless(image) for image in (line, dark, np.full_like(black, (220, 20, 20))))
