"""Frames are shown the way people see them: upright, with square pixels, in their right colours."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from tests import pictures

BT709, BT601, BT2020, PQ, HLG = 1, 6, 9, 16, 18
ORANGE = (224, 138, 43)


@pytest.fixture(scope="module")
def corners_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pictures.corners_video(tmp_path_factory.mktemp("corners") / "corners.mp4")


@pytest.mark.parametrize(("transposed", "x", "y"), product([False, True], [-1, 1], [-1, 1]))
def test_frames_are_turned_and_mirrored_as_the_display_matrix_says(
    tmp_path: Path, corners_video: Path, transposed: bool, x: int, y: int
) -> None:
    matrix = (0, y, x, 0) if transposed else (x, 0, 0, y)
    shown = pictures.seen(pictures.with_matrix(corners_video, tmp_path / "phone.mp4", *matrix))
    expected = pictures.CORNERS.swapaxes(0, 1)[::y, ::x] if transposed else pictures.CORNERS[::y, ::x]
    assert shown.info.video is not None
    assert shown.large[0].shape[:2] == (shown.info.video.height, shown.info.video.width)
    assert shown.large[0].shape == ((160, 120, 3) if transposed else (120, 160, 3))
    for image in (shown.large[0], shown.small[0]):
        assert pictures.quarters(image) == pytest.approx(expected, abs=15)


@pytest.mark.parametrize(("degrees", "shape"), [(10, (120, 160, 3)), (80, (160, 120, 3))])
def test_any_angle_counts_as_the_nearest_quarter_turn(
    tmp_path: Path, corners_video: Path, degrees: int, shape: tuple[int, int, int]
) -> None:
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    assert (
        pictures.seen(pictures.with_matrix(corners_video, tmp_path / "tilted.mp4", cos, sin, -sin, cos)).large[0].shape
        == shape
    )


def test_exif_orientation_of_a_photo_counts(tmp_path: Path) -> None:
    from PIL import Image, ImageOps

    photo = Image.fromarray(pictures.CORNERS.repeat(60, axis=0).repeat(80, axis=1))
    for orientation in (5, 7):
        exif = Image.Exif()
        exif[0x0112] = orientation
        photo.save(tmp_path / "photo.png", exif=exif)
        expected = np.asarray(ImageOps.exif_transpose(Image.open(tmp_path / "photo.png")))
        assert np.array_equal(pictures.seen(tmp_path / "photo.png").large[0], expected)


def test_every_frame_has_its_own_size_and_pixel_shape(tmp_path: Path) -> None:
    parts = [(352, 288, Fraction(12, 11)), (352, 288, Fraction(16, 11)), (640, 360, Fraction(1))]
    shown = pictures.seen(pictures.transport_stream(tmp_path / "switched.ts", parts))
    shapes = {round((image.mean() - 40) / 60): image.shape for image in shown.large}
    assert shapes == {0: (288, 384, 3), 1: (288, 512, 3), 2: (360, 640, 3)}
    assert all(image.shape == shapes[round((image.mean() - 40) / 60)] for image in shown.large)


def bt2020_light(rgb: Sequence[int]) -> NDArray[np.float64]:
    """Return the linear BT.2020 light of a BT.709 colour; 1.0 is white."""
    to_bt709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]])
    return np.linalg.inv(to_bt709) @ (np.array(rgb) / 255) ** 2.4


def pq(light: NDArray[np.float64]) -> NDArray[np.float64]:
    power = (light * 203 / 10_000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375


def hlg(light: NDArray[np.float64]) -> NDArray[np.float64]:
    light = light * 203 / 1000
    scene = light * (light @ [0.2627, 0.6780, 0.0593]) ** (-0.2 / 1.2)
    bright = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 0.1)) + 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), bright)


@pytest.mark.parametrize(
    ("encode", "transfer"), [(pq, PQ), (hlg, HLG), (lambda light: light ** (1 / 2.4), 14)], ids=["pq", "hlg", "sdr"]
)
@pytest.mark.parametrize("tagged", [True, False])
def test_hdr_and_wide_gamut_look_like_bt709(tmp_path: Path, encode: Any, transfer: int, tagged: bool) -> None:
    tags = (BT2020, BT2020 if tagged else 2, transfer)
    path = pictures.coloured_video(tmp_path / "wide.mkv", encode(bt2020_light(ORANGE)), matrix=9, tags=tags)
    for colour in pictures.seen(path).colours:
        assert colour == pytest.approx(ORANGE, abs=15)


def test_highlights_of_hdr_stay_apart(tmp_path: Path) -> None:
    levels = []
    for brightness in (0.5, 1.0, 2.0, 4.0):
        path = pictures.coloured_video(tmp_path / "grey.mkv", pq(np.full(3, brightness)), matrix=9, tags=(9, 9, PQ))
        levels.append(pictures.seen(path).large[0].mean())
    assert levels[0] == pytest.approx(255 * 0.5 ** (1 / 2.4), abs=3), "what is no highlight stays as in SDR"
    assert np.diff(levels).min() >= 1
    assert levels[1] > 240


@pytest.mark.parametrize(("size", "matrix"), [((1280, 720), BT709), ((720, 1280), BT709), ((720, 576), BT601)])
def test_untagged_hd_is_bt709_and_untagged_sd_is_bt601(tmp_path: Path, size: tuple[int, int], matrix: int) -> None:
    red = (220, 30, 10)
    path = pictures.coloured_video(
        tmp_path / "red.mkv",
        np.array(red) / 255,
        size=size,
        matrix=1 if matrix == BT709 else 5,
        tags=(2, 2, 2),
        pixel_format="yuv420p",
    )
    for colour in pictures.seen(path).colours:
        assert colour == pytest.approx(red, abs=4)


@pytest.mark.parametrize("full_range", [True, False])
def test_full_range_is_kept(tmp_path: Path, full_range: bool) -> None:
    path = pictures.coloured_video(
        tmp_path / "grey.mkv",
        (30 / 255,) * 3,
        matrix=1,
        tags=(1, 1, 1),
        full_range=full_range,
        pixel_format="yuv420p",
    )
    for colour in pictures.seen(path).colours:
        assert colour == pytest.approx([30] * 3, abs=5)


@pytest.mark.parametrize("matrix", [3, 8])
def test_a_colour_matrix_that_cannot_be_converted_is_no_failure(tmp_path: Path, matrix: int) -> None:
    path = pictures.coloured_video(
        tmp_path / "odd.mkv", (0.5, 0.5, 0.5), matrix=5, tags=(matrix, 1, 1), pixel_format="yuv420p"
    )
    shown = pictures.seen(path)
    assert shown.colours[0] == pytest.approx([128] * 3, abs=3)
    assert bool(shown.warnings) == (matrix != 3), "a reserved number says nothing"


@pytest.mark.parametrize("pixel_format", ["gray", "yuv444p", "gbrp10le", "bgr0", "yuva420p", "gray10le", "yuv422p12le"])
def test_pixel_formats(tmp_path: Path, pixel_format: str) -> None:
    path = pictures.coloured_video(
        tmp_path / "film.mkv", (0.4,) * 3, matrix=1, tags=(1, 1, 1), pixel_format=pixel_format
    )
    assert pictures.seen(path).colours[0] == pytest.approx([102] * 3, abs=4)


def tracks_video(path: Path, tracks: Sequence[tuple[int, int, str]]) -> Path:
    """Write tracks of so many frames, so wide, and with such a disposition."""
    with av.open(str(path), "w") as container:
        streams: list[Any] = []
        for _, width, disposition in tracks:
            stream: Any = container.add_stream("mpeg4", rate=25)
            stream.width, stream.height, stream.pix_fmt = width, 48, "yuv420p"
            stream.disposition = av.stream.Disposition[disposition]
            streams.append(stream)
        for stream, (frames, width, _) in zip(streams, tracks, strict=True):
            for index in range(frames):
                frame = av.VideoFrame.from_ndarray(np.full((48, width, 3), 10 * index, np.uint8), format="rgb24")
                frame.pts = index
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("tracks", "chosen"),
    [
        ([(1, 320, "default"), (6, 64, "dub")], 1),
        ([(1, 320, "default"), (6, 64, "default")], 1),
        ([(6, 64, "dub"), (6, 320, "dub"), (6, 96, "default")], 2),
        ([(1, 320, "default")], 0),
    ],
    ids=["motion photo", "motion photo, both default", "the default one", "only a still"],
)
def test_the_stream_is_chosen_that_players_choose(
    tmp_path: Path, tracks: Sequence[tuple[int, int, str]], chosen: int
) -> None:
    shown = pictures.seen(tracks_video(tmp_path / "tracks.mp4", tracks))
    assert shown.info.video is not None
    assert shown.info.video.index == chosen
    assert len(shown.large) == tracks[chosen][0]
