"""Retrieval: from a query to its moment, by one modality and by both."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest

import numpy as np

from benchmarks.figures.figure import Figure
from benchmarks.figures.fusing import scoring_methods
from benchmarks.material.analysed import Video
from benchmarks.material.films import KnownFilm
from benchmarks.material.questions import cross_lingual_questions, listed_questions, questions, tuned_on
from benchmarks.material.script import cross_lingual_asks
from benchmarks.measures.retrieval import Question, Retrieval, Span, difference_interval, first_hit, retrieval
from pipeline.lake import Lake
from pipeline.search import Searcher

PART = "retrieval"
_SEARCH = (
    "`videolake search`: moments ranked with their scenes. Search was tuned on one half of the queries of the scripts; "
    "the other half and the new queries of `held_out.toml` were not looked at before"
)
_OF_METHOD = {"frames with the text on them": (None, None, 0.45)}
_GOALS = (0.76, None, 0.85)
"""R@1, R@5 and MRR of queries that search was not tuned on."""
_TRUTH = (
    "the scenes of the script that answer the query; a result counts if at least half of it lies within one of them"
)


def retrieval_figures(films: Sequence[KnownFilm], videos: Mapping[str, Video], lake: Lake) -> Iterator[Figure]:
    """Measure scenes ranked by one modality and by every fusion of both, and `videolake search`."""
    asked = questions(films, videos)
    yield from _methods(asked, videos, lake)
    searcher = Searcher(lake)
    tuning, held_out, unseen = (cross_lingual_questions(films, videos, part) for part in cross_lingual_asks())
    for name, those, goals in (
        ("search, tuned half", [each for each in asked if tuned_on(each)], ()),
        ("search, other half", [each for each in asked if not tuned_on(each)], _GOALS),
        ("search, new queries", listed_questions(films, videos, "held_out.toml"), _GOALS),
        ("search for exact words", listed_questions(films, videos, "exact.toml"), (1.0,)),
        ("search in other languages", questions(films, videos, english=False), ()),
        ("cross-lingual search", [*tuning, *held_out], (0.85,)),
        ("cross-lingual search, other half", held_out, (0.85,)),
        ("cross-lingual search, new queries", unseen, (0.85,)),
    ):
        found = [[Span(hit.video_id, hit.start_s, hit.end_s) for hit in searcher.search(each.text)] for each in those]
        yield from _figures(name, those, _ranks(those, found), _SEARCH, goals)


def _methods(asked: Sequence[Question], videos: Mapping[str, Video], lake: Lake) -> Iterator[Figure]:
    scenes = [row for video in videos.values() for row in video.scenes]
    spans = [Span(row["video_id"], row["start_s"], row["end_s"]) for row in scenes]
    ranks: dict[str, list[int | None]] = {}
    for name, scores, method in scoring_methods(lake, videos, [question.text for question in asked]):
        ranks[name] = _ranks(asked, [_ranked(row, spans) for row in scores])
        yield from _figures(name, asked, ranks[name], method, _OF_METHOD.get(name, ()))
    mrr = {name: retrieval(found).mrr for name, found in ranks.items()}
    fused = [name for name in mrr if "fusion" in name]
    single = max((name for name in mrr if name not in fused), key=mrr.__getitem__)
    best = max(fused, key=mrr.__getitem__)
    low, high = difference_interval(ranks[best], ranks[single])
    yield Figure(
        PART, "MRR of the best fusion over the best modality", mrr[best] / max(mrr[single], 1e-9), "x",
        f"{len(asked)} queries; {best} over {single}: {low:+.3f} to {high:+.3f}",
        "the ratio, and the 95 % confidence interval of the difference by paired bootstrap", _TRUTH, "higher", 1.0,
    )  # fmt: skip


def _ranked(scores: np.ndarray, spans: Sequence[Span]) -> list[Span]:
    return [spans[index] for index in np.argsort(-scores, kind="stable") if np.isfinite(scores[index])]


def _ranks(asked: Sequence[Question], found: Sequence[Sequence[Span]]) -> list[int | None]:
    return [first_hit(spans, question.answers) for spans, question in zip(found, asked, strict=True)]


def _figures(
    name: str, asked: Sequence[Question], ranks: Sequence[int | None], method: str, goals: Sequence[float | None] = ()
) -> Iterator[Figure]:
    whole = retrieval(ranks)
    by_need: dict[str, Retrieval] = {
        need: retrieval([rank for rank, question in zip(ranks, asked, strict=True) if question.needs == need])
        for need in Counter(question.needs for question in asked)
    }
    listed = ", ".join(f"{need} {each.mrr:.2f}" for need, each in by_need.items())
    measures = (("R@1", whole.r1), ("R@5", whole.r5), ("MRR", whole.mrr))
    for (measure, value), goal in zip_longest(measures, goals):
        cases = f"{whole.queries} queries" + (f"; {listed}" if measure == "MRR" else "")
        yield Figure(
            PART, f"{name}, {measure}", value, "%" if measure != "MRR" else "", cases, method, _TRUTH, "higher", goal,
        )  # fmt: skip
