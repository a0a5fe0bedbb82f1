"""Voices are found without knowing how many there are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage

from pipeline.analysis.speakers import clustering
from pipeline.analysis.speakers.clustering import agglomerate, find_voices

PIECE = 800


def around(centres: NDArray[np.float64], owners: list[int], noise: float, seed: int = 0) -> NDArray[np.float32]:
    """Unit vectors near the centres that they belong to."""
    vectors = centres[owners] + noise * np.random.default_rng(seed).standard_normal((len(owners), centres.shape[1]))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_speech_that_repeats_exactly_is_one_voice() -> None:
    vectors = np.repeat(around(np.eye(192)[:1], [0] * 20, 0.03), 2, axis=0)
    assert (1 - vectors @ vectors.T).min() < 0, "rounding makes some similarities more than 1"
    assert set(agglomerate(vectors, 0.4).tolist()) == {0}


@given(st.lists(st.integers(0, 3), min_size=1, max_size=30), st.integers(0, 99))
def test_clusters_are_the_voices_where_these_are_clearly_apart(owners: list[int], seed: int) -> None:
    labels = agglomerate(around(np.eye(64)[:4], owners, 0.05, seed), 0.4)
    together = np.array(owners)[:, None] == np.array(owners)
    assert np.array_equal(labels[:, None] == labels, together)


@given(st.integers(2, 9), st.integers(0, 99))
def test_the_same_sound_twice_is_one_voice(count: int, seed: int) -> None:
    one = around(np.eye(192)[:1], [0], 1.0, seed)
    assert agglomerate(one.repeat(count, axis=0), 0.4).tolist() == [0] * count


@given(st.integers(1, 25), st.integers(0, 99), st.floats(-1, 1))
def test_average_linkage_joins_as_scipy_does(count: int, seed: int, threshold: float) -> None:
    vectors = np.random.default_rng(seed).standard_normal((count, 5))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    labels = agglomerate(vectors, threshold)
    if count == 1:
        assert labels.tolist() == [0]
        return
    expected = fcluster(linkage(vectors, "average", "sqeuclidean"), 2 * (1 - threshold), "distance")
    assert np.array_equal(labels[:, None] == labels, expected[:, None] == expected)


def test_equal_vectors_are_one_voice() -> None:
    # The similarity of a vector with itself may be rounded to more than one.
    vectors = around(np.eye(192)[:1], [0], 0.05, seed=1).repeat(7, axis=0) * np.float32(1.0000002)
    assert agglomerate(vectors, 0.4).tolist() == [0] * 7


def test_the_most_talkative_voices_come_first_and_are_kept() -> None:
    owners = [0] * 3 + [1] * 6 + [2] * 4
    centres = np.eye(16)[:3]
    vectors, seconds = around(centres, owners, 0.02), np.full(len(owners), 1.5)
    for most, expected in ((20, [1, 2, 0]), (2, [1, 2])):
        voices = find_voices(vectors, seconds, threshold=0.4, max_voices=most)
        assert (voices @ centres.T).argmax(axis=1).tolist() == expected


def test_a_moment_is_no_voice_unless_there_is_no_other() -> None:
    vectors = around(np.eye(16)[:2], [0] * 5 + [1], 0.02)
    assert len(find_voices(vectors, np.full(6, 1.5), threshold=0.4, max_voices=20)) == 1
    assert len(find_voices(vectors[:1], np.array([0.5]), threshold=0.4, max_voices=20)) == 1


def test_a_long_track_has_the_voices_of_its_pieces_and_odd_moments_are_none_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clustering, "MAX_CLUSTERED", PIECE)
    owners = [number // 50 % 3 for number in range(3 * PIECE)]
    vectors = around(np.eye(64)[:3], owners, 0.05)
    # Here and there a cough or a cheer, like no voice and like no other.
    odd = around(np.eye(64)[3:63], list(range(60)), 0.0)
    vectors[20::40] = odd
    voices = find_voices(vectors, np.full(len(owners), 1.5), threshold=0.4, max_voices=20)
    assert len(voices) == 3
    assert sorted((voices @ np.eye(64)[:3].T).argmax(axis=1).tolist()) == [0, 1, 2]


def test_a_voice_that_speaks_for_seconds_in_a_long_track_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clustering, "MAX_CLUSTERED", PIECE)
    owners = [0] * (3 * PIECE)
    owners[1000:1004] = [1] * 4
    voices = find_voices(around(np.eye(64)[:2], owners, 0.05), np.full(len(owners), 1.5), threshold=0.4, max_voices=20)
    assert len(voices) == 2


@given(st.lists(st.integers(0, 2), min_size=2, max_size=20), st.integers(1, 19), st.integers(0, 99))
def test_clusters_joined_from_pieces_are_those_of_the_whole(owners: list[int], cut: int, seed: int) -> None:
    vectors = around(np.eye(64)[:3], owners, 0.05, seed)
    pieces = [piece for piece in (vectors[:cut], vectors[cut:]) if len(piece)]
    means = []
    for piece in pieces:
        labels = agglomerate(piece, 0.4)
        means += [piece[labels == label].mean(axis=0) for label in np.unique(labels)]
    joined = agglomerate(np.stack(means), 0.4)
    assert len(np.unique(joined)) == len(set(owners))
