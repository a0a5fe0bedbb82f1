import socket

import numpy as np
import pytest

from pipeline.analysis.vision import TextReader
from pipeline.analysis.vision.text_detector import lines
from pipeline.analysis.vision.text_recognizer import straightened
from schemas.config import OcrConfig
from tests.pipeline.analysis.vision.slides import SLIDE, encoded, slide

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def reader() -> TextReader:
    return TextReader(OcrConfig(), threads=1)


def texts(lines: tuple) -> list[str]:
    return [line.text for line in lines]


@pytest.mark.parametrize("size_px", [16, 24, 48])
def test_the_lines_of_a_slide_are_read_in_order(reader: TextReader, size_px: int):
    assert texts(reader.read(slide(SLIDE, size_px=size_px))) == list(SLIDE)


def test_light_text_on_a_dark_ground_is_read(reader: TextReader):
    assert texts(reader.read(slide(SLIDE, ink=230, ground=20))) == list(SLIDE)


def test_boxes_are_fractions_of_the_image_around_the_text(reader: TextReader):
    (line,) = reader.read(slide(["Only this"], size_px=40))
    x0, y0, x1, y1 = line.box
    assert x0 == pytest.approx(80 / 1280, abs=0.01)
    assert y0 == pytest.approx(60 / 720, abs=0.02)
    assert x0 < x1 < 0.3
    assert y0 < y1 < 0.18
    assert 0.9 < line.score <= 1


def test_lines_under_the_least_score_are_dropped():
    strict = TextReader(OcrConfig(min_score=1.0), threads=1)
    assert strict.read(slide(SLIDE)) == ()


def test_noise_and_blank_images_hold_no_text(reader: TextReader):
    noise = np.random.default_rng(7).integers(0, 255, (360, 640, 3), dtype=np.uint8)
    session = reader.session()
    assert session.read(noise) == ()
    assert session.read(np.zeros((360, 640, 3), np.uint8)) == ()


@pytest.mark.parametrize("shape", [(1, 1, 3), (4, 900, 3), (900, 4, 3), (31, 33, 3)])
def test_images_of_any_shape_are_safe(reader: TextReader, shape: tuple[int, ...]):
    image = np.random.default_rng(7).integers(0, 255, shape, dtype=np.uint8)
    assert isinstance(reader.session().read(image), tuple)


def test_lines_that_stand_still_are_recognised_once_while_others_change(reader: TextReader):
    """A page that is filled line by line, and then a digit of it changes."""
    session = reader.session()
    pages = [SLIDE[:count] for count in (1, 2, 3)]
    frames = encoded([slide(page) for page in pages], repeat=4)
    for place, page in enumerate(pages):
        assert texts(session.read(frames[place * 4 + 3])) == list(page)
        assert session.lines_read == place + 1
    changed = [line.replace("1.5", "7.5") for line in SLIDE]
    assert texts(session.read(slide(changed))) == changed
    assert session.lines_read == 4


def test_a_line_elsewhere_or_after_other_frames_is_recognised_again(reader: TextReader):
    session = reader.session()
    assert texts(session.read(slide(["Only this"]))) == ["Only this"]
    for number in range(4):
        session.read(slide(["", "", f"Page {number}"]))
    assert texts(session.read(slide(["Only this"]))) == ["Only this"]
    assert texts(session.read(slide(["", "Only this"]))) == ["Only this"]
    assert session.lines_read == 7


def test_slow_changes_are_recognised_again(reader: TextReader):
    session = reader.session()
    read = [session.read(slide(["Room 13"], ink=ink)) for ink in (30, 37, 44, 51)]
    assert [texts(lines) for lines in read] == [["Room 13"]] * 4
    assert 1 < session.lines_read < 4


def test_text_that_fades_in_is_read_as_it_is_at_the_end(reader: TextReader):
    session = reader.session()
    assert session.read(slide(SLIDE, ink=250)) == ()
    for ink in range(246, 170, -8):
        lines_now = session.read(slide(SLIDE, ink=ink))
    assert texts(lines_now) == list(SLIDE)
    assert session.lines_read < 8 * len(SLIDE)


def test_rotated_and_upright_text_is_cut_out_as_it_runs():
    image = np.zeros((60, 80, 3), np.uint8)
    image[10:20, 5:45] = np.arange(40, dtype=np.uint8)[:, None]
    box = np.array([[5, 10], [45, 10], [45, 20], [5, 20]], np.float32)
    assert (straightened(image, box) == image[10:20, 5:45]).all()
    # The same line, running upwards.
    upwards = np.ascontiguousarray(np.rot90(image, -1))
    turned = np.array([[40, 5], [50, 5], [50, 45], [40, 45]], np.float32)
    assert (straightened(upwards, turned) == image[10:20, 5:45]).all()
    # As many pixels along a slanted line.
    slanted = np.array([[5, 10], [41, 20], [38, 29], [2, 19]], np.float32)
    assert straightened(image, slanted).shape == (9, 37, 3)


def test_lines_of_a_map_grow_and_weak_and_tiny_ones_are_dropped():
    probabilities = np.zeros((100, 200), np.float32)
    probabilities[20:30, 40:120] = 0.9
    probabilities[50:60, 40:120] = 0.4
    probabilities[80:82, 40:42] = 0.9
    ((top_left, _, bottom_right, _),) = lines(probabilities)
    # 1.6 x area / outline of 80 x 10 pixels.
    assert top_left == pytest.approx([40 - 7.1, 20 - 7.1], abs=1.5)
    assert bottom_right == pytest.approx([120 + 7.1, 30 + 7.1], abs=1.5)


def test_sessions_and_readers_in_one_process_do_not_disturb_each_other(reader: TextReader):
    one, two = reader.session(), TextReader(OcrConfig(max_side_px=640), threads=2).session()
    assert texts(one.read(slide(SLIDE))) == list(SLIDE)
    assert texts(two.read(slide(["Something else"]))) == ["Something else"]
    assert texts(one.read(slide(SLIDE))) == list(SLIDE)


def test_reading_needs_no_network_and_writes_nothing(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    def refuse(*args: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    TextReader(OcrConfig(), threads=1).read(slide(SLIDE))
    assert capfd.readouterr() == ("", "")


def test_the_digest_and_licence_of_the_models_are_known(reader: TextReader):
    assert (reader.info.role, reader.info.licence, len(reader.info.digest)) == ("ocr", "Apache-2.0", 16)
