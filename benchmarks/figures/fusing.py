"""Scores of scenes for text queries: by each modality, and by each fusion method of the product."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from benchmarks.material.analysed import Row, Video
from pipeline.analysis.fusion import cosines, fuse_early, reciprocal_rank_fusion, weighted_scores
from pipeline.analysis.fusion.methods import fusion_method
from pipeline.analysis.fusion.parts import SceneParts, Track
from pipeline.lake import Lake
from pipeline.search.evidence import CONSE
from pipeline.search.query_encoder import QueryEncoder, Spaces
from schemas.config import FusionConfig

Scores = np.ndarray
"""(queries, scenes); NaN if a scene lacks the modality."""

_IMAGE_WEIGHT, _MIN_IMAGE = 2.5, 0.15
"""As in `pipeline.search.ranking`."""
_DOUBTFUL = 0.3
"""Weight of an utterance that is flagged as doubtful, as in the product."""


def scoring_methods(lake: Lake, videos: Mapping[str, Video], texts: Sequence[str]) -> Iterator[tuple[str, Scores, str]]:
    """Yield name, scores and description of each method; scenes are in the order of the videos.

    All methods use the default of `fusion.text_weight`; docs/quality.md explains how it was chosen.
    """
    scenes = [row for video in videos.values() for row in video.scenes]
    encoder = QueryEncoder.of_lake(lake, threads=2)
    queries = encoder.texts(texts)
    weight = FusionConfig().text_weight
    said, shown = _matrix(scenes, "text_embedding"), _matrix(scenes, "coordinated_embedding")
    text = _by_part(queries.text, said, encoder.spaces.text[0])
    picture = _by_part(queries.coordinated, shown, encoder.spaces.coordinated[0])
    yield "text alone", text, "cosine of the query and the scene's speech and on-screen text"
    yield "frames alone", picture, "cosine of the query and the scene's frames, in their shared space"
    written = _written(queries.text, videos, encoder)
    seen = written + _IMAGE_WEIGHT * np.maximum(CONSE.evidence(np.nan_to_num(picture)), _MIN_IMAGE)
    yield (
        "frames with the text on them",
        seen,
        "the same with the best on-screen text of the scene, weighted as in search, without what is said",
    )

    joined = np.stack([fuse_early(*pair, text_weight=weight)[0] for pair in zip(said, shown, strict=True)])
    vectors = zip(queries.text, queries.coordinated, strict=True)
    joined_queries = np.stack([fuse_early(*pair, text_weight=weight)[0] for pair in vectors])
    yield "early fusion", _cosines(joined_queries, joined), f"cosine of the joined vectors, text weight {weight:g}"
    for name in ("projected", "hybrid"):
        method = fusion_method(
            FusionConfig(method=name),
            text=encoder.spaces.text,
            vision=encoder.spaces.vision,
            coordinated=encoder.spaces.coordinated,
        )
        fused = np.stack(
            [each[0] for each in method.fuse([part for video in videos.values() for part in _parts(video, scenes)])]
        )
        fused_queries = _fused_queries(encoder.spaces, method.space, texts)
        yield (
            f"{name} fusion",
            _cosines(fused_queries, fused),
            f"cosine of the vectors of `fusion.method = {name}`, untrained",
        )

    pairs = list(zip(text, picture, strict=True))
    yield (
        "late fusion by scores",
        np.stack([weighted_scores(pair, [weight, 1 - weight]) for pair in pairs]),
        f"weighted mean of both z-scores, text weight {weight:g}",
    )
    yield (
        "late fusion by ranks",
        np.stack([_by_ranks(pair) for pair in pairs]),
        "reciprocal rank fusion of both rankings, k = 60",
    )


def _written(queries: np.ndarray, videos: Mapping[str, Video], encoder: QueryEncoder) -> Scores:
    """Return the evidence of the best on-screen text of each scene; 0 for scenes without."""
    columns = []
    scale, space = encoder.text_parts[0].scale, encoder.spaces.text[0]
    for video in videos.values():
        for scene in video.scenes:
            inside = [frame["text_embedding"] for frame in video.frames
                      if frame["text_embedding"] and scene["start_s"] <= frame["time_s"] < scene["end_s"]]  # fmt: skip
            none = np.full(len(queries), scale.mean)
            found = _by_part(queries, np.asarray(inside, np.float32), space).max(axis=1) if inside else none
            columns.append(scale.evidence(found))
    return np.stack(columns, axis=1)


def _parts(video: Video, others: Sequence[Row]) -> Iterator[SceneParts]:
    """Yield the input of the fusion methods for each scene, from the lake."""
    size = len(_vector({"coordinated_embedding": None}, "coordinated_embedding", others))
    starts_s = {shot["shot_index"]: shot["start_s"] for shot in video.shots}
    # The first keyframe of a shot represents it from its start.
    opens = [index == 0 or video.frames[index - 1]["shot_index"] != each["shot_index"]
             for index, each in enumerate(video.frames)]  # fmt: skip
    times_s = [min(starts_s.get(frame["shot_index"], frame["time_s"]), frame["time_s"]) if first else frame["time_s"]
               for frame, first in zip(video.frames, opens, strict=True)]  # fmt: skip
    times_s.append(video.row["duration_s"])
    texts = [
        (row["start_s"], row["end_s"], row["embedding"], _DOUBTFUL if row["flags"] else 1.0) for row in video.utterances
    ]
    texts += [
        (start_s, end_s, frame["text_embedding"], 1.0)
        for frame, (start_s, end_s) in zip(video.frames, pairwise(times_s), strict=True)
    ]
    texts = [each for each in texts if each[2] is not None]
    for scene in video.scenes:
        inside = [frame for frame in video.frames if scene["start_s"] <= frame["time_s"] < scene["end_s"]]
        seconds = [min(end_s, scene["end_s"]) - max(start_s, scene["start_s"]) for start_s, end_s, _, _ in texts]
        near = [(each, spent_s) for each, spent_s in zip(texts, seconds, strict=True) if spent_s > 0]
        yield SceneParts(
            text=_vector(scene, "text_embedding", others),
            vision=_vector(scene, "vision_embedding", others),
            image=_vector(scene, "coordinated_embedding", others),
            texts=_track(size, [each[2] for each, _ in near], [sum(each[:2]) / 2 for each, _ in near],
                         [each[3] * spent_s for each, spent_s in near]),
            frames=_track(size, [frame["coordinated_embedding"] for frame in inside if frame["coordinated_embedding"]],
                          [frame["time_s"] for frame in inside if frame["coordinated_embedding"]]),
        )  # fmt: skip


def _track(
    size: int, vectors: Sequence[Sequence[float]], times_s: Sequence[float], weights: Sequence[float] | None = None
) -> Track:
    stacked = np.asarray(vectors, np.float32).reshape(-1, size)
    return Track.of(
        stacked, np.asarray(times_s, float), np.ones(len(vectors)) if weights is None else np.asarray(weights)
    )


def _fused_queries(spaces: Spaces, fused: tuple[str, int], texts: Sequence[str]) -> np.ndarray:
    return QueryEncoder(replace(spaces, fused=fused), threads=2).texts(texts).fused


def _by_part(queries: np.ndarray, vectors: np.ndarray, space: str) -> Scores:
    there = np.any(vectors != 0, axis=1)
    return np.stack([np.where(there, cosines(query, vectors, space), np.nan) for query in queries])


def _cosines(queries: np.ndarray, vectors: np.ndarray) -> Scores:
    return np.where(np.any(vectors != 0, axis=1), queries @ vectors.T, np.nan)


def _by_ranks(pair: Sequence[np.ndarray]) -> np.ndarray:
    rankings = [np.argsort(-scores, kind="stable")[: int(np.isfinite(scores).sum())] for scores in pair]
    found, scores = reciprocal_rank_fusion(rankings)
    row = np.full(len(pair[0]), np.nan)
    row[found] = scores
    return row


def _matrix(scenes: Sequence[Row], column: str) -> np.ndarray:
    return np.stack([_vector(row, column, scenes) for row in scenes])


def _vector(row: Row, column: str, others: Sequence[Row]) -> np.ndarray:
    """Return a vector; zeros if the lake has none."""
    if row[column] is not None:
        return np.asarray(row[column], np.float32)
    sizes = (len(other[column]) for other in others if other[column] is not None)
    return np.zeros(next(sizes, 384), np.float32)
