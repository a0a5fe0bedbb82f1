"""The retrievers: each ranks the moments of a lake on its own. `ranking` fuses their lists."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from heapq import nlargest

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.fusion import cosines, parts_of
from pipeline.search.evidence import MIN_EVIDENCE, Scale, asked_in, by_rank, joined_evidence
from pipeline.search.lexical import Bm25, searched_text
from pipeline.search.query_encoder import QueryVectors, TextPart
from pipeline.search.ranking import Candidate, RankedScene, Retriever
from pipeline.search.rows import Space, join_scenes
from pipeline.search.state import State
from pipeline.search.terms import WordQuery
from schemas.search import Filter

_ORDER = ("video_id", "start_s", "moment_id", "end_s")
_SCENE = ("scene_start_s", "scene_end_s")
_BM25_SHARE = 0.02
"""Weight of BM25 in lexical evidence: it decides among moments with the same words of the query."""

Vector = NDArray[np.float32]
Found = tuple[float, float, int, int]
"""Evidence, score, segment and row."""
_Key = tuple[int, int]
"""Segment and row."""


def by_words(state: State, words: WordQuery, bm25: Bm25, filters: Filter, count: int) -> list[Candidate]:
    """Find moments that contain words of the query.

    The evidence is the square of the share of the query's words, weighted by rarity: most moments share some word with
    a question, which says little.

    Args:
        state: The segments to search.
        words: The query.
        bm25: Scores with word frequencies of all segments, so that scores of different segments are comparable.
        filters: Which moments may be found.
        count: Maximum number of moments.
    """
    found: list[Found] = []
    for number, segment in enumerate(state.segments):
        rows = segment.lexical.search(words, filters, segment.superseded, count)
        texts = segment.take(["text", "translation"], rows).to_pylist()
        matches = [bm25.match(searched_text(each["text"], each["translation"])) for each in texts]
        found += [
            (share**2 + _BM25_SHARE * score / (score + 10), score, number, row)
            for (score, share), row in zip(matches, rows, strict=True)
        ]
    return _candidates(state, "lexical", found, count)


def by_text(
    state: State, query: QueryVectors, parts: Sequence[TextPart], filters: Filter, count: int
) -> list[Candidate]:
    """Find moments whose text means something like the query.

    Args:
        state: The segments to search.
        query: One query, as (1, d) in the text space, with its language; see `asked_in`.
        parts: The encoders that share the text space. Each compares its own part, on its own scale; a moment counts
            by the first that made a part of it and of the query; see `joined_evidence`.
        filters: Which moments may be found.
        count: Maximum number of moments.
    """
    asked = query.text[0]
    scores: dict[_Key, float] = {}
    evidence: dict[_Key, NDArray[np.float64]] = {}
    for part in parts:
        own = np.zeros_like(asked)
        own[part.start : part.stop] = asked[part.start : part.stop]
        if not own.any():
            continue
        near: list[tuple[float, _Key, NDArray[np.float64]]] = []
        for number, segment in enumerate(state.segments):
            index = segment.vectors_in("text", state.models.get("text"), len(asked))
            if index is not None:
                rows, similar, vectors = index.search_vectors(own, segment.mask(filters), count)
                keys = [(number, row) for row in rows.tolist()]
                near += zip(similar.tolist(), keys, _text_evidence(asked, vectors, parts), strict=True)
                scores.update(zip(keys, cosines(asked, vectors, state.models.get("text", "")).tolist(), strict=True))
        # As many as if all segments were one, so that the evidence does not depend on them.
        least = min(nlargest(count, (similar for similar, *_ in near)), default=0.0)
        evidence.update({key: values for similar, key, values in near if similar >= least})
    joined = _joined(state, evidence, query.language)
    return _candidates(
        state, "semantic", [(value, scores[key], *key) for key, value in joined.items() if value > MIN_EVIDENCE], count
    )


def by_vector(  # noqa: PLR0917 - as the retrievers call it
    state: State,
    space: Space,
    retriever: Retriever,
    query: Vector,
    filters: Filter,
    count: int,
    *,
    scale: Scale | None = None,
    min_similarity: float = 0.0,
) -> list[Candidate]:
    """Find moments whose vectors are near the query's.

    Args:
        state: The segments to search.
        space: Which vectors to compare.
        retriever: The retriever to name in the candidates.
        query: (d,) of unit length; zeros find nothing.
        filters: Which moments may be found.
        count: Maximum number of moments.
        scale: Of the cosines; None: the evidence follows from the rank.
        min_similarity: Cosines up to this value do not count.
    """
    # With several parts, those of a row are shorter: see `even_parts`.
    query = query * np.float32(np.sqrt(len(parts_of(state.models.get(space, ""), len(query)))))
    near = [each for each in _nearest(state, space, query, filters, count) if each[0] > min_similarity]
    evidence = scale.evidence if scale else float
    scored = [(evidence(score), score, segment, row) for score, segment, row in near]
    found = _candidates(state, retriever, scored, count)
    if scale:
        return found
    ranked = by_rank([each.rank for each in found])
    return [replace(each, evidence=value) for each, value in zip(found, ranked, strict=True)]


def scenes_near(  # noqa: PLR0917 - as the retrievers call it
    state: State,
    query: QueryVectors,
    parts: Sequence[TextPart],
    image: Scale | None,
    filters: Filter,
    count: int,
) -> list[RankedScene]:
    """Find scenes by everything said, written and shown in them.

    Args:
        state: The segments to search.
        query: One query, as (1, d) in each space.
        parts: The encoders that share the text space.
        image: Scale of the coordinated space; None: scenes give no evidence of images.
        filters: Which moments may be found.
        count: Maximum number of scenes.
    """
    # A scene is stored at its first moment, whose kind, speaker, names and time are not those of the scene.
    wanted = Filter(videos=filters.videos, languages=filters.languages, topics=filters.topics)
    joined = join_scenes(query.text, query.coordinated)[0]
    found: list[Found] = []
    text_of: dict[_Key, NDArray[np.float64]] = {}
    image_of: dict[_Key, float] = {}
    for number, segment in enumerate(state.segments):
        index = segment.vectors_in("scene", state.models.get("scene"), len(joined))
        if index is None or not joined.any():
            continue
        rows, scores, vectors = index.search_vectors(joined, segment.mask(wanted), count)
        text, shown = np.split(vectors, [query.text.shape[1]], axis=1)
        of_text = _text_evidence(query.text[0], text, parts)
        of_image = _evidence(query.coordinated[0], shown, state.models.get("coordinated", ""), image)
        for row, score, of_words, of_frames in zip(rows.tolist(), scores.tolist(), of_text, of_image, strict=True):
            if score > 0:
                found.append((0.0, score, number, row))
                text_of[number, row], image_of[number, row] = of_words, of_frames
    firsts = _candidates(state, "scene", found, count)
    joined_of = _joined(state, {each.key: text_of[each.key] for each in firsts}, query.language)
    made = []
    for number, segment in enumerate(state.segments):
        own = [each for each in firsts if each.segment == number]
        columns = segment.take(_SCENE, [each.row for each in own]).to_pydict()
        made += [
            RankedScene(each, start_s, end_s, joined_of[each.key], image_of[each.key])
            for each, start_s, end_s in zip(own, *columns.values(), strict=True)
        ]
    return sorted(made, key=lambda scene: scene.first.rank)


def _text_evidence(query: Vector, texts: Vector, parts: Sequence[TextPart]) -> NDArray[np.float64]:
    """Return the evidence of texts, (d,) and (n, d) to (n, parts); NaN where an encoder has not made both."""
    columns = []
    for part in parts:
        own = slice(part.start, part.stop)
        there = np.any(texts[:, own] != 0, axis=1) & query[own].any()
        columns.append(np.where(there, part.scale.evidence(cosines(query[own], texts[:, own], "")), np.nan))
    return np.stack(columns, axis=1) if columns else np.zeros((len(texts), 1))


def _joined(state: State, evidence: Mapping[_Key, NDArray[np.float64]], language: str) -> dict[_Key, float]:
    """Return one evidence for each row, given those of all encoders, (parts,) each, and the language of the query."""
    if not evidence:
        return {}
    joined = dict(zip(evidence, joined_evidence(np.stack(list(evidence.values()))), strict=True))
    found: dict[_Key, float] = {}
    for number, segment in enumerate(state.segments):
        keys = [key for key in evidence if key[0] == number]
        languages = segment.take(["language"], [row for _, row in keys])["language"].to_pylist()
        values = asked_in(language, languages, np.array([joined[key] for key in keys]))
        found.update(zip(keys, values.tolist(), strict=True))
    return found


def _evidence(query: Vector, vectors: Vector, space: str, scale: Scale | None) -> list[float]:
    """Return the evidence of the cosines of a query (d,) and vectors (n, d) of any length; 0 for zeros."""
    there = np.any(vectors != 0, axis=1) & query.any()
    found = np.where(there, scale.evidence(cosines(query, vectors, space)), 0.0) if scale else np.zeros(len(vectors))
    evidence: list[float] = found.tolist()
    return evidence


def _nearest(state: State, space: Space, query: Vector, filters: Filter, count: int) -> list[tuple[float, int, int]]:
    """Return score, segment and row of the nearest rows of each segment."""
    found: list[tuple[float, int, int]] = []
    if not query.any():
        return found
    for number, segment in enumerate(state.segments):
        index = segment.vectors_in(space, state.models.get(space), len(query))
        if index is not None:
            rows, scores = index.search(query, segment.mask(filters), count)
            found += zip(scores.tolist(), [number] * len(rows), rows.tolist(), strict=True)
    return found


def _candidates(state: State, retriever: Retriever, found: Iterable[Found], count: int) -> list[Candidate]:
    """Rank scored rows. The order of equal scores does not depend on how rows are divided into segments."""
    made = []
    listed = list(found)
    for number, segment in enumerate(state.segments):
        own = [each for each in listed if each[2] == number]
        columns = segment.take(_ORDER, [row for *_, row in own])
        for (evidence, score, _, row), *order in zip(
            own, *(column.to_pylist() for column in columns.columns), strict=True
        ):
            made.append((-evidence, -score, *order, number, row))
    made.sort()
    return [
        Candidate(number, row, video_id, start_s, end_s, retriever, -score, rank, -evidence)
        for rank, (evidence, score, video_id, start_s, _, end_s, number, row) in enumerate(made[:count], 1)
    ]
