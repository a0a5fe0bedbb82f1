from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from pipeline.search.ranking import RETRIEVERS, Candidate, RankedMoment, RankedScene, Retriever, fuse

ROWS = [("v1", start, start + length) for start in range(0, 12, 2) for length in (0, 1, 3)]
ROWS += [("v2", start, start + 4) for start in range(0, 12, 4)]
ROWS += [("v1", 0, 600), ("v1", 10, 600), ("v1", 590, 700), ("v1", 200, 205), ("v1", 550, 555), ("v1", 4, 40)]


def candidates(retriever: Retriever, rows: Sequence[int]) -> list[Candidate]:
    return [
        Candidate(row % 2, row, *ROWS[row], retriever, 1.0 / rank, rank, evidence=1.0 / rank)
        for rank, row in enumerate(rows, 1)
    ]


lists = st.fixed_dictionaries(
    {
        retriever: st.lists(st.integers(0, len(ROWS) - 1), unique=True).map(
            lambda rows, retriever=retriever: candidates(retriever, rows)
        )
        for retriever in RETRIEVERS
        if retriever != "scene"
    }
)


@given(lists)
def test_every_row_is_in_one_moment_and_short_moments_of_a_video_do_not_overlap(
    found: Mapping[Retriever, list[Candidate]],
) -> None:
    moments = fuse(found, 1000)
    rows = [(each.retriever, each.key) for moment in moments for each in moment.candidates if not _is_long(each)]
    short = [(each.retriever, each.key) for those in found.values() for each in those if not _is_long(each)]
    assert sorted(rows) == sorted(short)
    for place, one in enumerate(moments):
        assert any(each.key == one.best.key for each in one.candidates)
        for each in one.candidates:
            assert each.video_id == one.best.video_id
            assert _overlap(each, one.best)
            assert _is_long(each) or not _is_long(one.best), "a long moment swallows no short one"
        for other in moments[:place]:
            apart = one.best.video_id != other.best.video_id or not _overlap(one.best, other.best)
            assert apart or _is_long(one.best) or _is_long(other.best)


def test_a_slide_that_shows_for_minutes_leaves_each_sentence_its_own_moment() -> None:
    slide, early, late = (ROWS.index(("v1", *span)) for span in ((0, 600), (200, 205), (550, 555)))
    found = fuse({"lexical": candidates("lexical", [slide, late, early])}, 10)
    assert [_span(moment) for moment in found] == [("v1", 550, 555), ("v1", 0, 600), ("v1", 200, 205)]
    assert [each.row for each in found[0].candidates] == [late, slide], "which also speaks for the sentence"
    assert [each.row for each in found[2].candidates] == [early]


def test_long_moments_with_much_overlap_are_merged() -> None:
    slide, picture, next_slide = (ROWS.index(("v1", *span)) for span in ((0, 600), (10, 600), (590, 700)))
    found = fuse({"lexical": candidates("lexical", [slide, next_slide]), "visual": candidates("visual", [picture])}, 10)
    assert [len(moment.candidates) for moment in found] == [2, 1]


@given(lists, st.integers(0, 5))
def test_the_best_come_first_and_the_limit_holds(found: Mapping[Retriever, list[Candidate]], limit: int) -> None:
    everything = fuse(found, 1000)
    scores = [moment.score for moment in everything]
    assert scores == sorted(scores, reverse=True)
    assert [_span(moment) for moment in fuse(found, limit)] == [_span(moment) for moment in everything[:limit]]


@given(lists, st.permutations([each for each in RETRIEVERS if each != "scene"]))
def test_the_order_of_the_retrievers_changes_nothing(
    found: Mapping[Retriever, list[Candidate]], order: Sequence[Retriever]
) -> None:
    turned = {retriever: found[retriever] for retriever in order}
    assert [(_span(each), each.score) for each in fuse(turned, 1000)] == [
        (_span(each), each.score) for each in fuse(found, 1000)
    ]


def test_candidates_of_one_rank_are_in_a_fixed_order() -> None:
    """It decides which text a hit shows, and must not follow from the names of the retrievers."""
    assert set(RETRIEVERS) == set(get_args(Retriever))
    found = fuse({retriever: candidates(retriever, [0]) for retriever in reversed(RETRIEVERS)}, 1)
    assert [each.retriever for each in found[0].candidates] == ["semantic", "visual", "lexical", "scene"]


def test_a_second_moment_of_a_video_ranks_below_another_video() -> None:
    rows = [ROWS.index(("v1", 0, 1)), ROWS.index(("v1", 4, 5)), ROWS.index(("v2", 0, 4))]
    close = [replace(each, evidence=1.0 - each.rank / 50) for each in candidates("lexical", rows)]
    found = fuse({"lexical": close}, 3)
    assert [moment.best.video_id for moment in found] == ["v1", "v2", "v1"]


def scene(row: int, end_s: float, text: float, image: float = 0.0) -> RankedScene:
    first = Candidate(row % 2, row, *ROWS[row], "scene", text, 1, evidence=0.0)
    return RankedScene(first, first.start_s, end_s, text, image)


def test_a_matching_scene_raises_its_moments() -> None:
    rows = [ROWS.index(span) for span in (("v1", 0, 1), ("v2", 0, 4), ("v1", 4, 5))]
    found = {"semantic": [replace(each, evidence=0.5 - each.rank / 20) for each in candidates("semantic", rows)]}
    assert _span(fuse(found, 10)[-1]) == ("v1", 4, 5)
    for raising in (scene(ROWS.index(("v1", 2, 3)), 9.0, 0.9), scene(ROWS.index(("v1", 2, 3)), 9.0, 0.0, 0.9)):
        lifted = fuse(found, 10, [raising])
        assert _span(lifted[0]) == ("v1", 4, 5)
        assert len(lifted) == 3


def test_a_scene_in_which_no_moment_was_found_is_there_with_its_first_moment() -> None:
    matching = scene(ROWS.index(("v2", 0, 4)), 9.0, 0.9)
    [moment] = fuse({}, 10, [matching])
    assert _span(moment) == ("v2", 0, 4)
    assert moment.candidates == [matching.first]
    assert fuse({}, 10, [matching], may_add=False) == []


def test_what_a_full_list_leaves_out_has_as_much_as_its_last() -> None:
    """Else a list that was cut would punish what comes just below the cut."""
    shown = candidates("visual", [ROWS.index(("v1", 0, 1))])
    said = candidates("semantic", [ROWS.index(("v2", 0, 4))])
    found = {"visual": [replace(shown[0], evidence=0.5)], "semantic": [replace(said[0], evidence=0.9)]}
    whole, cut = fuse(found, 10), fuse(found, 10, count=1)
    assert [each.best.video_id for each in whole] == ["v2", "v1"]
    assert whole[0].score > whole[1].score
    assert cut[0].score == cut[1].score, "for all we know, both have what the other one has"


@given(lists, st.floats(0.01, 0.5))
def test_more_evidence_never_lowers_a_moment(found: Mapping[Retriever, list[Candidate]], more: float) -> None:
    everything = fuse(found, 1000)
    if not everything:
        return
    key = everything[-1].best.key
    raised = {
        retriever: [replace(each, evidence=each.evidence + more) if each.key == key else each for each in those]
        for retriever, those in found.items()
    }

    def index(moments: Sequence[RankedMoment]) -> int:
        return next(index for index, moment in enumerate(moments) if any(each.key == key for each in moment.candidates))

    assert index(fuse(raised, 1000)) <= index(everything)


def _span(moment: RankedMoment) -> tuple[str, float, float]:
    return moment.best.video_id, moment.best.start_s, moment.best.end_s


def _overlap(one: Candidate, other: Candidate) -> bool:
    return one.start_s == other.start_s or (one.start_s < other.end_s and other.start_s < one.end_s)


def _is_long(row: Candidate) -> bool:
    return row.end_s - row.start_s > 30
