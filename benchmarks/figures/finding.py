"""Search: from a query to its moment, by single modalities and by fusion."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from benchmarks.figures.figure import Figure
from benchmarks.figures.fusing import scoring_methods
from benchmarks.material.analysed import Video
from benchmarks.material.films import KnownFilm
from benchmarks.material.questions import questions
from benchmarks.measures.retrieval import Question, Retrieval, Span, difference_interval, first_hit, retrieval
from pipeline.lake import Lake
from pipeline.search import Searcher

PART = "finding"
_METHOD = "a hit lies in the true moment by at least half of its length"
_TRUTH = "scenes of the script that answer the query"


def finding_figures(films: Sequence[KnownFilm], videos: Mapping[str, Video], lake: Lake) -> Iterator[Figure]:
    """Measure scenes ranked by each modality and by each fusion method, and the search of the product."""
    asked = questions(films, videos)
    yield from _methods(asked, videos, lake)
    searcher = Searcher(lake)
    for name, queries in (
        ("search", asked),
        ("search in other languages", questions(films, videos, english=False)),
    ):
        found = [[Span(hit.video_id, hit.start_s, hit.end_s) for hit in searcher.search(each.text)] for each in queries]
        yield from _figures(name, queries, _ranks(queries, found), "`videolake search`, by words, meaning and images")


def _methods(asked: Sequence[Question], videos: Mapping[str, Video], lake: Lake) -> Iterator[Figure]:
    scenes = [row for video in videos.values() for row in video.scenes]
    spans = [Span(row["video_id"], row["start_s"], row["end_s"]) for row in scenes]
    ranks: dict[str, list[int | None]] = {}
    for name, scores, method in scoring_methods(lake, videos, [question.text for question in asked]):
        ranks[name] = _ranks(asked, [_ranked(row, spans) for row in scores])
        yield from _figures(name, asked, ranks[name], method)
    mrr = {name: retrieval(found).mrr for name, found in ranks.items()}
    single = max((name for name in mrr if name.endswith("alone")), key=mrr.__getitem__)
    best = max((name for name in mrr if not name.endswith("alone")), key=mrr.__getitem__)
    better = [name for name, value in mrr.items() if value > mrr[single]]
    low, high = difference_interval(ranks[best], ranks[single])
    yield Figure(
        PART, "MRR of the best fusion over the best modality", mrr[best] / max(mrr[single], 1e-9), "x",
        f"{len(asked)} queries",
        f"{best} over {single}; 95 % interval of the difference: {low:+.3f} to {high:+.3f} (paired bootstrap); better "
        f"than {single}: {', '.join(better) or 'none'}", _TRUTH, "higher", 1.0,
    )  # fmt: skip


def _ranked(scores: np.ndarray, spans: Sequence[Span]) -> list[Span]:
    return [spans[index] for index in np.argsort(-scores, kind="stable") if np.isfinite(scores[index])]


def _ranks(asked: Sequence[Question], found: Sequence[Sequence[Span]]) -> list[int | None]:
    return [first_hit(spans, question.answers) for spans, question in zip(found, asked, strict=True)]


def _figures(name: str, asked: Sequence[Question], ranks: Sequence[int | None], method: str) -> Iterator[Figure]:
    whole = retrieval(ranks)
    by_need: dict[str, Retrieval] = {
        need: retrieval([rank for rank, question in zip(ranks, asked, strict=True) if question.needs == need])
        for need in Counter(question.needs for question in asked)
    }
    listed = ", ".join(f"{need} {each.mrr:.2f}" for need, each in by_need.items())
    for measure, value in (("R@1", whole.r1), ("R@5", whole.r5), ("MRR", whole.mrr)):
        cases = f"{whole.queries} queries" + (f"; MRR by modality of the answer: {listed}" if measure == "MRR" else "")
        yield Figure(
            PART, f"{name}, {measure}", value, "%" if measure != "MRR" else "", cases, f"{method}; {_METHOD}", _TRUTH,
            "higher",
        )  # fmt: skip
