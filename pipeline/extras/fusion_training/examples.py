"""Training examples: the scenes of a lake, each with queries that it should answer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.analysis.fusion import Track
from pipeline.lake import Lake
from pipeline.search import QueryEncoder, joint_queries
from schemas.errors import LakeError
from schemas.tables import NO_ENCODER

_MAX_SCENES = 20_000
_DOUBTFUL_WEIGHT = 0.3
"""Weight of utterances with flags; others have 1."""
_MIN_LABEL_SCORE = 0.25
"""Labels below this probability are not used as queries."""

_CHOSEN = """
WITH chosen AS (
    SELECT video_id, scene_index, start_s, end_s FROM scenes ORDER BY hash(video_id, scene_index) LIMIT $max_scenes
)
"""
_TEXTS = """,
-- As in pipeline.analysis.scenes.spans: the first keyframe of a shot represents it from its start.
shown AS (
    SELECT frames.video_id, text, text_embedding,
        CASE WHEN lag(frames.shot_index) OVER earlier IS DISTINCT FROM frames.shot_index
            THEN least(shots.start_s, time_s) ELSE time_s END AS start_s,
    FROM frames LEFT JOIN shots USING (video_id, shot_index)
    WINDOW earlier AS (PARTITION BY frames.video_id ORDER BY time_s)
),
written AS (
    SELECT shown.video_id, text, text_embedding AS embedding, start_s,
        lead(start_s, 1, duration_s) OVER (PARTITION BY shown.video_id ORDER BY start_s) AS end_s
    FROM shown JOIN videos USING (video_id)
),
spans AS (
    SELECT video_id, text, embedding, start_s, end_s,
        CASE WHEN flags = [] THEN 1.0 ELSE $doubtful_weight END AS confidence
    FROM utterances
    UNION ALL SELECT video_id, text, embedding, start_s, end_s, 1.0 FROM written WHERE text <> ''
)
SELECT video_id, scene_index, text, embedding AS vector,
    (greatest(spans.start_s, chosen.start_s) + least(spans.end_s, chosen.end_s)) / 2 AS time_s,
    (least(spans.end_s, chosen.end_s) - greatest(spans.start_s, chosen.start_s)) * confidence AS weight
FROM chosen JOIN spans USING (video_id)
WHERE spans.start_s < chosen.end_s AND spans.end_s > chosen.start_s AND embedding IS NOT NULL
ORDER BY video_id, scene_index, spans.start_s, text
"""
_FRAMES = """
SELECT video_id, scene_index, coordinated_embedding AS vector, time_s, 1.0 AS weight,
    CASE WHEN labels[1].score >= $min_label_score THEN labels[1].label ELSE '' END AS text
FROM chosen JOIN frames USING (video_id)
WHERE time_s >= start_s AND time_s < end_s AND coordinated_embedding IS NOT NULL
ORDER BY video_id, scene_index, time_s
"""


@dataclass(frozen=True, slots=True, eq=False)
class TrainingScene:
    """A scene, and for each of its parts a query that the rest of the scene should answer."""

    video_id: str
    scene_index: int
    texts: Track
    text_queries: NDArray[np.float32]
    """(n, d): each text as a query."""
    frames: Track
    frame_queries: NDArray[np.float32]
    """(m, d): the most probable label of each frame as a query; zeros if none is probable enough."""


def read_examples(lake: Lake, encoder: QueryEncoder) -> list[TrainingScene]:
    """Read the scenes of a lake; from a large one, a random sample of 20,000.

    Args:
        lake: Any lake with a coordinated space, whatever its `fusion.method`.
        encoder: `QueryEncoder.of_lake(lake)`.

    Raises:
        LakeError: Its vision model has no coordinated space.
    """
    if encoder.spaces.coordinated == NO_ENCODER:
        raise LakeError(
            f"The lake {lake.uri} has no coordinated space: its vision.model has no labels and no text tower."
        )
    limit = {"max_scenes": _MAX_SCENES}
    texts = lake.sql(_CHOSEN + _TEXTS, limit | {"doubtful_weight": _DOUBTFUL_WEIGHT})
    frames = lake.sql(_CHOSEN + _FRAMES, limit | {"min_label_score": _MIN_LABEL_SCORE})
    known = _vectors(texts, encoder.spaces.text[1])
    spoken = encoder.coordinated_space.of_known_texts(texts["text"].to_pylist(), known)
    shown = _vectors(frames, encoder.spaces.coordinated[1])
    queries = [_queries(table["text"].to_pylist(), encoder) for table in (texts, frames)]
    rows = [_rows_by_scene(texts), _rows_by_scene(frames)]
    scenes = []
    for key in sorted({*rows[0], *rows[1]}):
        text_rows, frame_rows = (np.array(each.get(key, []), dtype=np.int64) for each in rows)
        text_track, frame_track = _track(texts, spoken, text_rows), _track(frames, shown, frame_rows)
        scenes.append(TrainingScene(*key, text_track, queries[0][text_rows], frame_track, queries[1][frame_rows]))
    return scenes


def _queries(texts: Sequence[str], encoder: QueryEncoder) -> NDArray[np.float32]:
    unique = sorted(set(texts))
    encoded = encoder.texts(unique)
    vectors = joint_queries(encoder.spaces.coordinated[0], encoded.text, encoded.coordinated)
    indices = {text: index for index, text in enumerate(unique)}
    return vectors[np.array([indices[text] for text in texts], dtype=np.int64)]


def _vectors(table: pa.Table, dimensions: int) -> NDArray[np.float32]:
    flat = table["vector"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat, dtype=np.float32).reshape(-1, dimensions)


def _rows_by_scene(table: pa.Table) -> dict[tuple[str, int], list[int]]:
    rows: dict[tuple[str, int], list[int]] = {}
    keys: Iterable[tuple[str, int]] = zip(table["video_id"].to_pylist(), table["scene_index"].to_pylist(), strict=True)
    for row, key in enumerate(keys):
        rows.setdefault(key, []).append(row)
    return rows


def _track(table: pa.Table, vectors: NDArray[np.float32], rows: NDArray[np.int64]) -> Track:
    times_s, weights = (table[name].to_numpy().astype(np.float64)[rows] for name in ("time_s", "weight"))
    return Track(vectors[rows], times_s, weights)
