import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.analysis.objects.boxes import Boxes, kept
from pipeline.analysis.objects.content import is_drawn, natural_content, within_bars
from schemas.records import TextLine

NOISE = np.random.default_rng(5).integers(40, 255, (90, 120, 3), dtype=np.uint8)
LINES = tuple(TextLine(text, (0.1, 0.1, 0.5, 0.2), 0.9) for text in ("Agenda", "Results"))


@given(bars=st.tuples(*[st.integers(0, 60)] * 4))
def test_bars_of_any_size_are_cut_off_and_boxes_stay_where_they_are(bars: tuple[int, int, int, int]) -> None:
    top, bottom, left, right = bars
    framed = cv2.copyMakeBorder(NOISE, top, bottom, left, right, cv2.BORDER_CONSTANT, value=(16, 16, 16))
    content = within_bars(framed)
    height, width = framed.shape[:2]
    if 0.25 * width * height <= 90 * 120:
        assert abs(content.image.shape[0] - 90) <= 0.04 * height + 1
        assert abs(content.image.shape[1] - 120) <= 0.04 * width + 1
    whole = content.in_frame(np.array([[0, 0, 1, 1]], np.float32))[0] * [width, height, width, height]
    x0, y0, x1, y1 = np.round(whole).astype(int)
    np.testing.assert_array_equal(framed[y0:y1, x0:x1], content.image)


def test_a_dark_frame_with_a_small_light_has_no_bars() -> None:
    night = np.zeros((90, 160, 3), np.uint8)
    night[40:50, 70:90] = 200
    assert within_bars(night).image is night
    assert natural_content(np.zeros((90, 160, 3), np.uint8), ()) is None


def test_slides_are_drawn_whatever_their_background() -> None:
    gradient = np.repeat(np.linspace(40, 200, 360, dtype=np.uint8)[:, None, None], 640, axis=1).repeat(3, axis=2)
    white = np.full((360, 640, 3), 255, np.uint8)
    for background in (white, gradient):
        slide = cv2.putText(background.copy(), "Agenda", (60, 120), cv2.FONT_HERSHEY_SIMPLEX, 2, (30, 30, 90), 3)
        assert is_drawn(slide, LINES)
        assert natural_content(slide, LINES) is None


def test_a_sky_and_a_photograph_with_a_caption_are_no_drawings() -> None:
    sky = np.repeat(np.linspace(120, 220, 360, dtype=np.uint8)[:, None, None], 640, axis=1).repeat(3, axis=2)
    plane = cv2.rectangle(sky.copy(), (300, 170), (340, 180), (30, 30, 30), -1)
    assert not is_drawn(plane, ())
    assert not is_drawn(NOISE, LINES)


boxes = st.lists(
    st.tuples(*[st.floats(-0.25, 1.25, width=32)] * 4, st.floats(0.0, 1.0, width=32), st.sampled_from(["cat", "dog"])),
    max_size=12,
)


@given(boxes)
def test_what_is_kept_lies_in_the_frame_best_first_with_no_object_twice(
    found: list[tuple[float, float, float, float, float, str]],
) -> None:
    corners = np.array([each[:4] for each in found], np.float32).reshape(-1, 4)
    scores = np.array([each[4] for each in found], np.float32)
    left = kept(Boxes(corners, scores, tuple(each[5] for each in found)))
    assert ((left.boxes >= 0) & (left.boxes <= 1)).all()
    assert (np.diff(left.scores) <= 0).all()
    objects = left.objects()
    assert set(left.scores) <= set(scores)
    for index, one in enumerate(objects):
        assert one.box[2] > one.box[0]
        assert one.box[3] > one.box[1]
        for other in objects[index + 1 :]:
            assert iou(one.box, other.box) <= (0.5 if one.label == other.label else 0.8) + 1e-3


def iou(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    common = max(width, 0.0) * max(height, 0.0)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return common / (areas - common) if areas > common else 0.0


def test_nothing_is_kept_of_nothing() -> None:
    assert kept(Boxes(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), ())).objects() == ()


@pytest.mark.parametrize("other", ["dog", "cat"])
def test_two_boxes_of_one_object_are_one_object(other: str) -> None:
    found = Boxes(
        np.array([[0.1, 0.1, 0.5, 0.5], [0.11, 0.1, 0.5, 0.51]], np.float32), np.array([0.6, 0.9], np.float32),
        ("cat", other),
    )  # fmt: skip
    assert [(each.label, round(each.score, 1)) for each in kept(found).objects()] == [(other, 0.9)]
