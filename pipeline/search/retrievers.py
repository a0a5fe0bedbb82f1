"""The retrievers: each ranks the moments of a lake on its own. `ranking` fuses their lists."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pipeline.search.lexical import Bm25, searched_text
from pipeline.search.ranking import Candidate, RankedScene, Retriever
from pipeline.search.rows import Space
from pipeline.search.state import State
from pipeline.search.terms import WordQuery
from schemas.search import Filter

_ORDER = ("video_id", "start_s", "moment_id", "end_s")
_SCENE = ("video_id", "scene_start_s", "scene_end_s")


def by_words(state: State, words: WordQuery, bm25: Bm25, filters: Filter, count: int) -> list[Candidate]:
    """Find moments that contain words of the query.

    Args:
        state: The segments to search.
        words: The query.
        bm25: Scores with word frequencies of all segments, so that scores of different segments are comparable.
        filters: Which moments may be found.
        count: Maximum number of moments.
    """
    found = []
    for number, segment in enumerate(state.segments):
        rows = segment.lexical.search(words, filters, segment.superseded, count)
        texts = segment.take(["text", "translation"], rows).to_pylist()
        scores = [bm25.score(searched_text(each["text"], each["translation"])) for each in texts]
        found += [(score, number, row) for score, row in zip(scores, rows, strict=True)]
    return _candidates(state, "lexical", found, count)


def by_vector(  # noqa: PLR0917 - as the three retrievers call it
    state: State,
    space: Space,
    retriever: Retriever,
    query: NDArray[np.float32],
    filters: Filter,
    count: int,
    *,
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
        min_similarity: Cosines up to this value do not count.
    """
    return _candidates(state, retriever, _nearest(state, space, query, filters, count, min_similarity), count)


def _nearest(  # noqa: PLR0917
    state: State, space: Space, query: NDArray[np.float32], filters: Filter, count: int, min_similarity: float
) -> list[tuple[float, int, int]]:
    """Return score, segment and row of the nearest rows of each segment."""
    found: list[tuple[float, int, int]] = []
    if not query.any():
        return found
    for number, segment in enumerate(state.segments):
        index = segment.vectors_in(space, state.models.get(space), len(query))
        if index is not None:
            rows, scores = index.search(query, segment.mask(filters), count)
            kept = int(np.count_nonzero(scores > min_similarity))
            found += zip(scores[:kept].tolist(), [number] * kept, rows[:kept].tolist(), strict=True)
    return found


def scenes_near(state: State, query: NDArray[np.float32], filters: Filter, count: int) -> list[RankedScene]:
    """Find scenes by everything said, written and shown in them."""
    # A scene is stored at its first moment, whose kind, speaker and time are not those of the scene.
    wanted = replace(filters, kinds=(), speakers=(), from_s=None, to_s=None)
    made: list[tuple[float, str, float, float]] = []
    found = _nearest(state, "scene", query, wanted, count, 0.0)
    for number, segment in enumerate(state.segments):
        scored = [(score, row) for score, of_segment, row in found if of_segment == number]
        scenes = segment.take(_SCENE, [row for _, row in scored]).to_pylist()
        made += [
            (-score, scene["video_id"], scene["scene_start_s"], scene["scene_end_s"])
            for (score, _), scene in zip(scored, scenes, strict=True)
        ]
    return [
        RankedScene(video_id, start_s, end_s, rank)
        for rank, (_, video_id, start_s, end_s) in enumerate(sorted(made)[:count], 1)
    ]


def _candidates(
    state: State, retriever: Retriever, found: Sequence[tuple[float, int, int]], count: int
) -> list[Candidate]:
    """Rank scored rows. The order of equal scores does not depend on how rows are divided into segments."""
    made = []
    for number, segment in enumerate(state.segments):
        scored = [(score, row) for score, of_segment, row in found if of_segment == number]
        columns = segment.take(_ORDER, [row for _, row in scored])
        for (score, row), *order in zip(scored, *(column.to_pylist() for column in columns.columns), strict=True):
            made.append((-score, *order, number, row))
    made.sort()
    return [
        Candidate(number, row, video_id, start_s, end_s, retriever, -score, rank)
        for rank, (score, video_id, start_s, _, end_s, number, row) in enumerate(made[:count], 1)
    ]
