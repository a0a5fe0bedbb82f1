import cv2
import numpy as np
import pytest

from pipeline.analysis.keyframes.images import hamming, phash, sharpness, thumbnail


@pytest.fixture
def photo() -> np.ndarray:
    coarse = np.random.default_rng(5).integers(0, 255, (45, 80, 3), np.uint8)
    return cv2.resize(coarse, (640, 360), interpolation=cv2.INTER_CUBIC)


def test_blur_lowers_sharpness_and_size_does_not(photo: np.ndarray) -> None:
    assert sharpness(photo) > 2 * sharpness(cv2.GaussianBlur(photo, (0, 0), 12))
    larger = cv2.resize(photo, (1280, 720), interpolation=cv2.INTER_CUBIC)
    assert sharpness(larger) == pytest.approx(sharpness(photo), rel=0.2)
    assert sharpness(np.zeros((9, 9, 3), np.uint8)) == 0.0


def test_hashes_are_near_for_the_same_image_and_far_for_another(photo: np.ndarray) -> None:
    compressed = cv2.imdecode(cv2.imencode(".jpg", photo, [cv2.IMWRITE_JPEG_QUALITY, 40])[1], cv2.IMREAD_COLOR)
    brighter = np.clip(photo.astype(int) + 20, 0, 255).astype(np.uint8)
    assert hamming(phash(photo), phash(compressed)) <= 4
    assert hamming(phash(photo), phash(brighter)) <= 6
    assert hamming(phash(photo), phash(photo[::-1].copy())) > 15
    assert 0 <= phash(photo) < 2**64


@pytest.mark.parametrize("size", [(360, 640), (640, 360), (1, 1), (8, 5000), (5000, 8)])
def test_thumbnails_are_small_jpegs_of_the_same_shape(size: tuple[int, int]) -> None:
    data = thumbnail(np.full((*size, 3), 128, np.uint8), 320, 80)
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert image.shape[1] <= 320
    assert image.shape[0] <= 1280
    if min(size) > 100:
        assert image.shape[1] / image.shape[0] == pytest.approx(size[1] / size[0], rel=0.02)


def test_thumbnails_keep_their_colours() -> None:
    red = np.zeros((90, 160, 3), np.uint8)
    red[..., 0] = 200
    image = cv2.imdecode(np.frombuffer(thumbnail(red, 80, 90), np.uint8), cv2.IMREAD_COLOR)
    assert image[20, 40, 2] > 150 > image[20, 40, 0]
