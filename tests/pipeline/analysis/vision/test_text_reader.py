import socket

import numpy as np
import pytest

from pipeline.analysis.vision import TextReader
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


def test_boxes_are_fractions_of_the_picture_around_the_text(reader: TextReader):
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


def test_noise_and_blank_pictures_hold_no_text(reader: TextReader):
    noise = np.random.default_rng(7).integers(0, 255, (360, 640, 3), dtype=np.uint8)
    session = reader.session()
    assert session.read(noise) == ()
    assert session.read(np.zeros((360, 640, 3), np.uint8)) == ()
    assert session.frames_read == 1


@pytest.mark.parametrize("shape", [(1, 1, 3), (4, 900, 3), (900, 4, 3), (31, 33, 3)])
def test_pictures_of_any_shape_are_safe(reader: TextReader, shape: tuple[int, ...]):
    picture = np.random.default_rng(7).integers(0, 255, shape, dtype=np.uint8)
    assert isinstance(reader.session().read(picture), tuple)


def test_a_slide_that_stands_still_is_read_once(reader: TextReader):
    session = reader.session()
    results = [session.read(frame) for frame in encoded([slide(SLIDE)])]
    assert session.frames_read == 1
    assert all(texts(lines) == list(SLIDE) for lines in results)


def test_a_slide_that_differs_in_one_number_is_read_again(reader: TextReader):
    before, after = SLIDE, [line.replace("13", "18") for line in SLIDE]
    frames = encoded([slide(before), slide(after)], repeat=4)
    session = reader.session()
    assert texts(session.read(frames[2])) == list(before)
    assert texts(session.read(frames[-1])) == list(after)


def test_slow_changes_add_up_to_another_reading(reader: TextReader):
    session = reader.session()
    assert session.read(slide(SLIDE, ink=250)) == ()
    for ink in range(246, 170, -4):
        lines = session.read(slide(SLIDE, ink=ink))
    assert texts(lines) == list(SLIDE)
    assert session.frames_read < 15


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
