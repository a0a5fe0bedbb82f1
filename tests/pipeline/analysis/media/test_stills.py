"""Still images are read, or refused by their names; none is called damaged."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.analysis.media import probe
from schemas.config import LimitsConfig, MediaConfig
from schemas.errors import ErrorKind, MediaError
from tests import pictures

RED = (220, 30, 10)


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tiff", "bmp", "jp2", "j2k", "gif", "avif"])
def test_a_still_image_is_one_frame(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"photo.{ending}"
    Image.new("RGB", (96, 64), RED).save(path)
    shown = pictures.seen(path)
    assert len(shown.large) == 1
    assert shown.large[0].shape == (64, 96, 3)
    assert shown.colours[0] == pytest.approx(RED, abs=8)
    assert shown.warnings == {}


def test_a_transparent_avif_is_read_by_its_image_not_its_mask(tmp_path: Path) -> None:
    Image.new("RGBA", (96, 64), (*RED, 99)).save(tmp_path / "photo.avif")
    assert pictures.seen(tmp_path / "photo.avif").colours[0] == pytest.approx(RED, abs=8)


@pytest.mark.parametrize("ending", ["gif", "png", "avif"])
def test_frames_of_an_animated_image_keep_their_times(tmp_path: Path, ending: str) -> None:
    frames = [Image.new("RGB", (96, 64), (60 * number, 30, 10)) for number in range(4)]
    path = tmp_path / f"moving.{ending}"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=[200, 400, 200, 200])
    assert pictures.seen(path).times_s == pytest.approx([0, 0.2, 0.6, 0.8], abs=0.001)


def refused(path: Path) -> MediaError:
    with pytest.raises(MediaError) as raised:
        probe(str(path), MediaConfig(), LimitsConfig())
    return raised.value


def test_an_animated_webp_is_refused_by_its_name(tmp_path: Path) -> None:
    frames = [Image.fromarray(np.full((64, 96, 3), 60 * number, np.uint8)) for number in range(3)]
    frames[0].save(tmp_path / "moving.webp", save_all=True, append_images=frames[1:], duration=200)
    error = refused(tmp_path / "moving.webp")
    assert error.kind == ErrorKind.UNSUPPORTED
    assert "animated WebP" in str(error)


def test_an_image_made_of_tiles_is_no_video_of_one_tile(tmp_path: Path) -> None:
    error = refused(pictures.tiled_image(tmp_path / "photo.avif"))
    assert error.kind == ErrorKind.UNSUPPORTED
    assert "HEIC" in str(error)


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC still image"),
        (b"8BPS\0\1", "Photoshop"),
        (b"\xff\x0a\xfa", "JPEG XL"),
        (b"%PDF-1.7", "PDF"),
    ],
)
def test_an_image_that_cannot_be_read_is_refused_by_its_name(tmp_path: Path, head: bytes, name: str) -> None:
    path = tmp_path / "photo.mp4"
    path.write_bytes(head + bytes(500))
    error = refused(path)
    assert error.kind == ErrorKind.UNSUPPORTED
    assert name in str(error)
