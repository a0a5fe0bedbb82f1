import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.analysis.fusion import unit
from pipeline.analysis.fusion.conse import centred, conse

LABELS, SIZE = 40, 12
VECTORS = unit(np.random.default_rng(1).standard_normal((LABELS, SIZE)) + 1.0)
BACKGROUND = VECTORS.mean(axis=0)


def sure_of(label: int) -> np.ndarray:
    row = np.full(LABELS, 1e-4, np.float32)
    row[label] = 1.0
    return row / row.sum()


def test_an_image_stands_next_to_the_text_of_its_label() -> None:
    images = conse(np.stack([sure_of(label) for label in range(LABELS)]), VECTORS, BACKGROUND)
    scores = images @ centred(VECTORS, BACKGROUND).T
    assert (scores.argmax(axis=1) == np.arange(LABELS)).all()
    assert (np.diag(scores) > 0.9).all()


def test_what_the_model_is_as_unsure_of_as_of_all_else_has_no_part_in_an_image() -> None:
    doubt = conse(np.stack([0.5 * sure_of(3) + 0.5 / LABELS, sure_of(3)]), VECTORS, BACKGROUND)
    assert doubt[0] @ doubt[1] > 0.95


@given(st.integers(0, 2**32 - 1), st.integers(0, 6))
def test_vectors_are_of_unit_length_or_zeros_and_do_not_depend_on_their_neighbours(seed: int, blank: int) -> None:
    rng = np.random.default_rng(seed)
    chances = rng.dirichlet(np.full(LABELS, rng.uniform(0.01, 3)), size=6).astype(np.float32)
    chances[:blank] = 0.0
    together = conse(chances, VECTORS, BACKGROUND)
    assert not together[:blank].any()
    assert np.allclose(np.linalg.norm(together[blank:], axis=1), 1.0, atol=1e-5)
    alone = np.concatenate([conse(row[None], VECTORS, BACKGROUND) for row in chances])
    assert np.allclose(together, alone, atol=1e-5)


def test_no_images_and_no_texts_make_no_vectors() -> None:
    assert conse(np.zeros((0, LABELS), np.float32), VECTORS, BACKGROUND).shape == (0, SIZE)
    assert centred(np.zeros((0, SIZE), np.float32), BACKGROUND).shape == (0, SIZE)
    assert not centred(np.zeros((2, SIZE), np.float32), BACKGROUND).any()
