import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.analysis.fusion import reciprocal_rank_fusion, weighted_scores
from pipeline.analysis.fusion.late import normalised

rankings = st.lists(st.lists(st.integers(0, 20), unique=True, max_size=12), max_size=4)
columns = st.integers(1, 8).flatmap(
    lambda n: st.lists(
        st.lists(st.integers(-50, 50) | st.just(None), min_size=n, max_size=n), min_size=1, max_size=4
    )
).map(lambda rows: [np.array([np.nan if value is None else value / 10 for value in row]) for row in rows])  # fmt: skip


def test_ranks_are_combined_by_the_published_formula() -> None:
    items, scores = reciprocal_rank_fusion([["a", "b", "c"], ["b", "d"]])
    assert items.tolist() == ["b", "a", "d", "c"]
    assert scores == pytest.approx([1 / 62 + 1 / 61, 1 / 61, 1 / 62, 1 / 63])


@given(rankings)
def test_fused_ranks_hold_each_item_once_whatever_the_order_of_the_ways(
    lists: list[list[int]],
) -> None:
    items, scores = reciprocal_rank_fusion(lists)
    assert sorted(items.tolist()) == sorted({item for each in lists for item in each})
    assert (np.diff(scores) <= 0).all()
    turned = reciprocal_rank_fusion(lists[::-1])
    assert dict(zip(*map(np.ndarray.tolist, turned), strict=True)) == pytest.approx(
        dict(zip(items.tolist(), scores.tolist(), strict=True))
    )


@given(rankings, st.lists(st.integers(0, 20), unique=True, max_size=12))
def test_a_way_without_results_or_without_weight_changes_no_order(lists: list[list[int]], other: list[int]) -> None:
    items, scores = reciprocal_rank_fusion(lists)
    with_empty = reciprocal_rank_fusion([*lists, []])
    assert (with_empty[0].tolist(), with_empty[1].tolist()) == (items.tolist(), scores.tolist())
    unweighted = reciprocal_rank_fusion([*lists, other], [*[1.0] * len(lists), 0.0])
    assert [each for each in unweighted[0].tolist() if each in set(items.tolist())] == items.tolist()


def test_the_first_of_two_places_counts() -> None:
    assert reciprocal_rank_fusion([[7, 3, 7]])[1] == pytest.approx([1 / 61, 1 / 62])


@given(columns, st.floats(0.1, 9), st.floats(-5, 5))
def test_the_scale_of_a_way_does_not_matter(scores: list[np.ndarray], scale: float, shift: float) -> None:
    stretched = [scale * scores[0] + shift, *scores[1:]]
    for normalise in ("zscore", "minmax"):
        one = weighted_scores(scores, normalise=normalise)
        assert weighted_scores(stretched, normalise=normalise) == pytest.approx(one, abs=1e-6, nan_ok=True)


@given(columns)
def test_a_way_that_knows_nothing_changes_nothing(scores: list[np.ndarray]) -> None:
    silent = np.full(len(scores[0]), np.nan)
    for missing in ("mean", "skip"):
        one = weighted_scores(scores, missing=missing)
        assert weighted_scores([*scores, silent], missing=missing) == pytest.approx(one, nan_ok=True)
        assert np.isfinite(one).tolist() == np.isfinite(np.stack(scores)).any(axis=0).tolist()


@given(columns, st.integers(0, 7))
def test_a_missing_score_counts_like_an_average_one(scores: list[np.ndarray], place: int) -> None:
    place %= len(scores[0])
    others = np.delete(scores[0], place)
    known = others[np.isfinite(others)]
    if not len(known):
        return
    absent, average = scores[0].copy(), scores[0].copy()
    absent[place], average[place] = np.nan, known.mean()
    for normalise in ("minmax", "none"):
        found = [weighted_scores([first, *scores[1:]], normalise=normalise)[place] for first in (absent, average)]
        if np.isfinite(found[0]):
            assert found[0] == pytest.approx(found[1], abs=1e-9)


def test_weights_weigh_and_wrong_ones_are_refused() -> None:
    assert weighted_scores([[0, 1], [1, 0]], [3, 1], normalise="minmax").tolist() == [0.25, 0.75]
    assert weighted_scores([[0.5], [np.nan]], [3, 1], normalise="none", missing="skip").tolist() == [0.5]
    assert weighted_scores([]).tolist() == []
    assert normalised([2, 2, np.nan]).tolist()[:2] == [0, 0]
    for weights in ([1], [1, -1], [1, np.nan]):
        with pytest.raises(ValueError, match="2 weights"):
            reciprocal_rank_fusion([[1], [2]], weights)
