"""Attribution by erasure, on functions whose answer is known and on the real encoder."""

from collections.abc import Sequence

import numpy as np
import pytest

from pipeline.analysis.keyframes.images import thumbnail
from pipeline.analysis.text import TextEncoder
from pipeline.extras.explain import heat_overlay
from pipeline.extras.explain.erasure import image_heat, word_weights
from schemas.config import TextConfig


def counts_of_a(texts: Sequence[str]) -> np.ndarray:
    return np.array([[text.split().count("a"), 1.0] for text in texts], dtype=np.float32)


def test_a_word_weighs_what_its_absence_costs() -> None:
    weights = word_weights("a b a", np.array([1.0, 0.0], np.float32), counts_of_a, "en")
    assert [(each.word, each.weight) for each in weights] == [("a", 1.0), ("b", 0.0), ("a", 1.0)]
    assert word_weights("", np.zeros(2, np.float32), counts_of_a, "en") == ()
    assert len(word_weights("a " * 500, np.ones(2, np.float32), counts_of_a, "en")) == 60


@pytest.mark.models
def test_the_encoder_s_answer_to_a_question_rests_on_the_word_they_share_in_meaning() -> None:
    encoder = TextEncoder(TextConfig(model="embedded:minilm"), device="cpu", threads=1)
    [question] = encoder.encode(["Where does oxygen come from?"])
    weights = word_weights("Half of the oxygen in the air comes from the sea.", question, encoder.encode, "en")
    assert max(weights, key=lambda each: each.weight).word == "oxygen"


def redness(images: Sequence[np.ndarray]) -> np.ndarray:
    return np.array([[image[..., 0].mean() / 255] for image in images], dtype=np.float32)


@pytest.mark.parametrize("size", [(90, 160), (160, 90), (9, 400)])
def test_a_part_of_the_picture_is_hot_where_covering_it_costs_similarity(size: tuple[int, int]) -> None:
    picture = np.zeros((*size, 3), np.uint8)
    picture[: size[0] // 2, : size[1] // 2, 0] = 255
    heat = image_heat(picture, np.ones(1, np.float32), redness)
    rows, columns = heat.shape
    assert (rows >= 2, columns >= 2) == (True, True)
    assert heat[0, 0] > 0
    assert heat[0, 0] > heat[-1, -1]
    if size == (90, 160):
        overlay = heat_overlay(thumbnail(picture, 160, 80), heat)
        assert overlay.startswith(b"\x89PNG")
