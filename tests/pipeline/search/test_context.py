"""Sentences lean towards what is said around them, in the multilingual part of their vectors alone."""

from random import Random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.models import joined_space
from pipeline.search.context import NEAR_S, with_context

_ENGLISH, _SIZE = 2, 3
_SPACE = joined_space("embedded:minilm", ("embedded:e5", _SIZE))
_MULTILINGUAL = slice(_ENGLISH, None)
_KINDS = ("speech", "subtitle", "screen")

_ROW = st.tuples(
    st.sampled_from("ab"), st.sampled_from(_KINDS), st.integers(0, 40).map(lambda step: step * NEAR_S / 8),
    st.integers(0, 3),
)  # fmt: skip
_ROWS = st.lists(_ROW, min_size=1, max_size=15)


def _moments(rows: list[tuple[str, str, float, int]]) -> pa.Table:
    videos, kinds, starts_s, _ = zip(*rows, strict=True)
    return pa.table(
        {
            "video_id": pa.array(videos).dictionary_encode(),
            "kind": pa.array(kinds).dictionary_encode(),
            "start_s": pa.array(starts_s, pa.float64()),
            "end_s": pa.array([start_s + 2 for start_s in starts_s], pa.float64()),
        }
    )


def _vectors(rows: list[tuple[str, str, float, int]]) -> NDArray[np.float32]:
    """Return vectors like those of `even_parts`; the last number of a row decides which, and 0 makes it zeros."""
    made = np.zeros((len(rows), _ENGLISH + _SIZE), np.float32)
    for vector, (*_, kind) in zip(made, rows, strict=True):
        if kind:
            vector[:_ENGLISH] = 0.5**0.5, 0
            vector[_ENGLISH + kind - 1] = 0.5**0.5
    return made


def _expected(rows: list[tuple[str, str, float, int]]) -> NDArray[np.float64]:
    """Work out the multilingual parts row by row."""
    parts = _vectors(rows)[:, _MULTILINGUAL].astype(np.float64)
    made = parts.copy()
    for index, (video, kind, start_s, _) in enumerate(rows):
        near = [
            parts[other]
            for other, row in enumerate(rows)
            if other != index and row[:2] == (video, kind) and abs(row[2] - start_s) <= NEAR_S
        ]
        around = np.sum(near, axis=0) if near else np.zeros(_SIZE)
        if kind != "screen" and parts[index].any() and around.any():
            length = np.linalg.norm(parts[index])
            mixed = 0.7 * parts[index] / length + 0.3 * around / np.linalg.norm(around)
            made[index] = length * mixed / np.linalg.norm(mixed)
    return made


@settings(max_examples=60, deadline=None)
@given(_ROWS)
def test_the_multilingual_part_turns_towards_the_neighbours(rows: list[tuple[str, str, float, int]]) -> None:
    vectors = _vectors(rows)
    found = with_context(vectors, _moments(rows), _SPACE)
    assert found[:, _MULTILINGUAL] == pytest.approx(_expected(rows), abs=1e-6)
    np.testing.assert_array_equal(found[:, :_ENGLISH], vectors[:, :_ENGLISH])
    np.testing.assert_array_equal(vectors, _vectors(rows))


@settings(max_examples=30, deadline=None)
@given(_ROWS, st.randoms(use_true_random=False))
def test_neither_the_order_of_rows_nor_other_videos_matter(
    rows: list[tuple[str, str, float, int]], chance: Random
) -> None:
    found = with_context(_vectors(rows), _moments(rows), _SPACE)
    order = list(range(len(rows)))
    chance.shuffle(order)
    some = [index for index in order if rows[index][0] == rows[0][0]]
    alone = with_context(_vectors([rows[i] for i in some]), _moments([rows[i] for i in some]), _SPACE)
    np.testing.assert_allclose(alone, found[some], atol=1e-6)


def test_a_sentence_without_a_subject_is_found_by_the_subject_of_its_neighbours() -> None:
    rows = [("a", "speech", 0.0, 1), ("a", "speech", 5.0, 2), ("a", "speech", 300.0, 2)]
    query = np.float32([1, 0, 0])
    near, far = with_context(_vectors(rows), _moments(rows), _SPACE)[1:, _MULTILINGUAL] @ query
    assert near > 0.2
    assert far == 0


def test_a_vector_that_is_not_finite_changes_no_other() -> None:
    rows = [("a", "speech", 5.0 * index, index % 3) for index in range(6)]
    broken, without = _vectors(rows), _vectors(rows)
    broken[2, _MULTILINGUAL], without[2, _MULTILINGUAL] = np.nan, 0
    found = with_context(broken, _moments(rows), _SPACE)
    np.testing.assert_array_equal(found, with_context(without, _moments(rows), _SPACE))


def test_vectors_of_one_encoder_stay() -> None:
    vectors = _vectors([("a", "speech", 0.0, 1), ("a", "speech", 1.0, 2)])
    found = with_context(vectors, _moments([("a", "speech", 0.0, 1), ("a", "speech", 1.0, 2)]), "embedded:minilm")
    assert found is vectors
