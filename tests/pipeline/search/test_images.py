import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.search.images import read_image
from schemas.errors import ConfigurationError


def png(width: int, height: int) -> bytes:
    """Make a black PNG of one bit per pixel without holding its pixels in memory."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    row = bytes(1 + (width + 7) // 8)
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([1, 0, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [10_001, 14_000, 28_000])
def test_a_small_file_with_a_huge_image_is_refused_before_decoding(
    tmp_path: Path, side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "bomb.png"
    file.write_bytes(png(side, side))
    assert file.stat().st_size < 200_000
    monkeypatch.setattr("pipeline.search.images.cv2.imdecode", lambda *_: pytest.fail("it was decoded"))
    tracemalloc.start()
    try:
        with pytest.raises(ConfigurationError, match="more than 100 megapixels"):
            read_image(file)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp", ".bmp", ".tiff", ".gif"])
def test_an_image_keeps_its_colours(tmp_path: Path, ending: str) -> None:
    Image.new("RGB", (40, 20), (200, 30, 10)).save(tmp_path / f"red{ending}")
    read = read_image(tmp_path / f"red{ending}")
    assert read.shape == (20, 40, 3)
    assert np.abs(read.astype(int) - (200, 30, 10)).max() < 10


@pytest.mark.parametrize("content", [b"", b"no picture", png(64, 64)[:40], b"GIF89a", b"\xff\xd8\xff"])
def test_a_file_that_is_not_an_image_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "no.jpg").write_bytes(content)
    with pytest.raises(ConfigurationError, match="is not an image"):
        read_image(tmp_path / "no.jpg")


def test_an_image_of_one_bit_per_pixel_is_read(tmp_path: Path) -> None:
    (tmp_path / "small.png").write_bytes(png(3000, 2000))
    assert read_image(tmp_path / "small.png").shape == (2000, 3000, 3)
