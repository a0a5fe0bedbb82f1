"""Finding: from a query to its moment, by one modality and by several fused."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from benchmarks.figures.figure import Figure
from benchmarks.material.analysed import Row, Video
from benchmarks.material.films import KnownFilm
from benchmarks.material.questions import questions
from benchmarks.measures.retrieval import Question, Retrieval, Span, first_hit, retrieval
from pipeline.fusion import fuse_early, reciprocal_rank_fusion, weighted_scores
from pipeline.fusion.queries import QueryEncoder, QueryVectors
from pipeline.lake import Lake
from schemas.config import FusionConfig

PART = "finding"
_METHOD = "a hit is a stretch of which at least half lies in the true moment"
_TRUTH = "scenes of the script that answer the query"

Scores = np.ndarray
"""(queries, scenes); NaN where a scene lacks the modality."""


def finding_figures(films: Sequence[KnownFilm], videos: Mapping[str, Video], lake: Lake) -> Iterator[Figure]:
    """Measure finding: the scenes of the lake, ranked by each modality alone and by both, fused in each way."""
    asked = questions(films, videos)
    scenes = [row for video in videos.values() for row in video.scenes]
    spans = [Span(row["video_id"], row["start_s"], row["end_s"]) for row in scenes]
    queries = QueryEncoder.of_lake(lake, threads=2).texts([question.text for question in asked])
    text = _cosines(queries.text, scenes, "text_embedding")
    vision = _cosines(queries.coordinated, scenes, "coordinated_embedding")
    weight = FusionConfig().text_weight
    ways: dict[str, tuple[Scores, str]] = {
        "text alone": (text, "cosine of query and what is said and written in a scene"),
        "pictures alone": (vision, "cosine of query and pictures of a scene, in the space that they share"),
        "early fusion": (_early(queries, scenes, weight), f"cosine of the joined vectors, text weighing {weight:g}"),
        "late fusion, scores": (
            np.stack([weighted_scores(pair, [weight, 1 - weight]) for pair in zip(text, vision, strict=True)]),
            f"weighted mean of both z-scores, text weighing {weight:g}",
        ),
        "late fusion, ranks": (
            np.stack([_by_ranks(pair) for pair in zip(text, vision, strict=True)]),
            "reciprocal rank fusion of both, k = 60",
        ),
    }
    for name, (scores, method) in ways.items():
        yield from _figures(name, asked, [_ranked(row, spans) for row in scores], method)


def _cosines(queries: np.ndarray, scenes: Sequence[Row], column: str) -> Scores:
    vectors = _matrix(scenes, column)
    return np.where(np.any(vectors != 0, axis=1), queries @ vectors.T, np.nan)


def _early(queries: QueryVectors, scenes: Sequence[Row], weight: float) -> Scores:
    texts, pictures = _matrix(scenes, "text_embedding"), _matrix(scenes, "coordinated_embedding")
    joined = np.stack(
        [fuse_early(text, shown, text_weight=weight)[0] for text, shown in zip(texts, pictures, strict=True)]
    )
    asked = [
        fuse_early(text, shown, text_weight=weight)[0]
        for text, shown in zip(queries.text, queries.coordinated, strict=True)
    ]
    return np.stack(asked) @ joined.T


def _by_ranks(pair: Sequence[np.ndarray]) -> np.ndarray:
    rankings = [np.argsort(-scores, kind="stable")[: int(np.isfinite(scores).sum())] for scores in pair]
    found, scores = reciprocal_rank_fusion(rankings)
    row = np.full(len(pair[0]), np.nan)
    row[found] = scores
    return row


def _ranked(scores: np.ndarray, spans: Sequence[Span]) -> list[Span]:
    return [spans[place] for place in np.argsort(-scores, kind="stable") if np.isfinite(scores[place])]


def _matrix(rows: Sequence[Row], column: str) -> np.ndarray:
    size = next(len(row[column]) for row in rows if row[column] is not None)
    return np.stack([np.zeros(size) if row[column] is None else np.asarray(row[column]) for row in rows])


def _figures(name: str, asked: Sequence[Question], found: Sequence[Sequence[Span]], method: str) -> Iterator[Figure]:
    ranks = [first_hit(spans, question.answers) for spans, question in zip(found, asked, strict=True)]
    whole = retrieval(ranks)
    by_need: dict[str, Retrieval] = {
        need: retrieval([rank for rank, question in zip(ranks, asked, strict=True) if question.needs == need])
        for need in Counter(question.needs for question in asked)
    }
    listed = ", ".join(f"{need} {each.mrr:.2f}" for need, each in by_need.items())
    for measure, value in (("R@1", whole.r1), ("R@5", whole.r5), ("MRR", whole.mrr)):
        cases = f"{whole.queries} queries" + (f"; MRR by what answers: {listed}" if measure == "MRR" else "")
        yield Figure(
            PART, f"{name}, {measure}", value, "%" if measure != "MRR" else "", cases, f"{method}; {_METHOD}", _TRUTH,
            "higher",
        )  # fmt: skip
