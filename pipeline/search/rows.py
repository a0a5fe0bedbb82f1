"""Read the moments of a lake for search: rows in Arrow, vectors in NumPy, and masks for filters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.analysis.fusion import even_parts, fuse_early_rows
from pipeline.search.context import CONTEXT, with_context
from schemas.config import FusionConfig
from schemas.search import Filter

Space = Literal["text", "coordinated", "vision", "scene"]
"""`text`: speech, subtitles and on-screen text; `coordinated`: frames, comparable with texts; `vision`: frames,
comparable with images; `scene`: text and frames of a scene joined, stored at the row of its first moment."""

SPACES: tuple[Space, ...] = ("text", "coordinated", "vision", "scene")

Mask = NDArray[np.bool_]
Row = NDArray[np.int64]

ROW_SCHEMA = pa.schema(
    [
        ("video_id", pa.dictionary(pa.int32(), pa.string())),
        ("kind", pa.dictionary(pa.int32(), pa.string())),
        ("moment_id", pa.string()),
        ("start_s", pa.float64()),
        ("end_s", pa.float64()),
        ("text", pa.string()),
        ("translation", pa.string()),
        ("frame_id", pa.string()),
        ("language", pa.dictionary(pa.int32(), pa.string())),
        ("speaker", pa.dictionary(pa.int32(), pa.string())),
        ("source", pa.dictionary(pa.int32(), pa.string())),
        ("topics", pa.list_(pa.string())),
        ("names", pa.list_(pa.string())),
        ("objects", pa.list_(pa.string())),
        ("sounds", pa.list_(pa.string())),
        ("scene_start_s", pa.float64()),
        ("scene_end_s", pa.float64()),
    ]
)

_SEARCHABLE = """
CREATE TABLE lake.searchable AS
SELECT video_id, kind, moment_id, start_s, end_s, text, translation, frame_id, language, speaker, source, topics,
    scene_index
FROM moments
"""
_ROWS = """
WITH spelled AS (
    SELECT video_id, kind, unnest(list_distinct([occurrence.id FOR occurrence IN occurrences])) AS id,
        list_distinct(list_concat(
            [lower(text), lower(normal)], [lower(occurrence.text) FOR occurrence IN occurrences],
            CASE WHEN wikidata_id IS NULL THEN [] ELSE [lower(wikidata_id)] END
        )) AS spellings
    FROM entities
),
named AS (
    SELECT video_id, id, list_distinct(flatten(list(list_concat(
        [kind || ':'], [':' || each FOR each IN spellings], [kind || ':' || each FOR each IN spellings]
    )))) AS names
    FROM spelled GROUP BY video_id, id
),
heard AS (
    SELECT m.video_id, m.kind, m.moment_id, list(DISTINCT lower(n.label)) AS sounds
    FROM lake.searchable m JOIN sounds n ON n.video_id = m.video_id AND n.start_s < m.end_s AND n.end_s > m.start_s
    WHERE least(n.end_s, m.end_s) - greatest(n.start_s, m.start_s) >= least(1.0, (m.end_s - m.start_s) / 2)
    GROUP BY ALL
),
counted AS (
    SELECT video_id, frame_id, list(lower(label) || ':' || nth) AS objects FROM (
        SELECT video_id, frame_id, label, row_number() OVER (PARTITION BY video_id, frame_id, label) AS nth FROM objects
    ) GROUP BY ALL
)
SELECT m.video_id, m.kind, m.moment_id, m.start_s, m.end_s, m.text, translation, m.frame_id, language, speaker, source,
    m.topics, n.names, o.objects, h.sounds, coalesce(s.start_s, m.start_s) AS scene_start_s,
    coalesce(s.end_s, m.end_s) AS scene_end_s
FROM lake.searchable m LEFT JOIN scenes s USING (video_id, scene_index)
LEFT JOIN heard h ON h.video_id = m.video_id AND h.kind = m.kind AND h.moment_id = m.moment_id
LEFT JOIN named n ON n.video_id = m.video_id
    AND n.id = CASE WHEN m.kind IN ('speech', 'subtitle') THEN m.moment_id ELSE m.frame_id END
LEFT JOIN counted o ON o.video_id = m.video_id AND o.frame_id = m.frame_id
ORDER BY m.video_id, m.kind, m.start_s, m.moment_id
"""
"""A keyframe with three people has the objects `person:1`, `person:2` and `person:3`, for `Filter.objects`."""
_SCENES = """
SELECT min_by(moment_id, (m.start_s, moment_id)) AS moment_id, any_value(text_embedding) AS text,
    any_value(coordinated_embedding) AS coordinated
FROM scenes JOIN lake.searchable m USING (video_id, scene_index)
GROUP BY video_id, scene_index
"""
_SCENE_TEXT_WEIGHT = FusionConfig().text_weight
_VECTORS: dict[Space, str] = {
    "text": """
        SELECT utterance_id AS moment_id, embedding FROM utterances WHERE embedding IS NOT NULL
        UNION ALL
        SELECT subtitle_id, embedding FROM subtitles WHERE embedding IS NOT NULL
        UNION ALL
        SELECT frame_id || '-screen', text_embedding FROM frames WHERE text_embedding IS NOT NULL""",
    "coordinated": "SELECT frame_id, coordinated_embedding FROM frames WHERE coordinated_embedding IS NOT NULL",
    "vision": "SELECT frame_id, embedding FROM frames WHERE embedding IS NOT NULL",
}


@dataclass(frozen=True, slots=True, eq=False)
class Vectors:
    """Vectors of some rows in one space."""

    rows: Row
    """(n,) row numbers in the table of moments, ascending."""
    matrix: NDArray[np.float32]
    """(n, d) of unit length."""


def load_rows(connection: duckdb.DuckDBPyConnection) -> pa.Table:
    """Read all moments that the connection shows, in a fixed order.

    From now on the connection has the table `lake.searchable`, for `load_vectors`: the view `moments` takes long.
    """
    connection.execute(_SEARCHABLE)
    found: pa.Table = connection.sql(_ROWS).to_arrow_table()
    return found.cast(ROW_SCHEMA).unify_dictionaries().combine_chunks()


def load_vectors(
    connection: duckdb.DuckDBPyConnection, rows: pa.Table, space: Space, models: Mapping[Space, str]
) -> Vectors | None:
    """Read the vectors of moments in one space; None if there are none.

    Args:
        connection: The connection that `load_rows` has read from.
        rows: The result of `load_rows`.
        space: Which vectors to read.
        models: The model that made the vectors of each space.
    """
    found: pa.Table = connection.sql(_SCENES if space == "scene" else _VECTORS[space]).to_arrow_table()
    indices = pc.index_in(found.column(0).combine_chunks(), value_set=rows["moment_id"].combine_chunks())
    kept = indices.is_valid()
    found, indices = found.filter(kept), indices.filter(kept)
    if not found.num_rows:
        return None
    row_numbers = indices.to_numpy().astype(np.int64)
    if space == "scene":
        matrix = join_scenes(
            even_parts(_matrix(found["text"]), models.get("text", "")),
            even_parts(_matrix(found["coordinated"]), models.get("coordinated", "")),
        )
    else:
        matrix = even_parts(_matrix(found[1]), models.get(space, ""))
    if space == "text":
        matrix = with_context(matrix, rows.select(CONTEXT).take(indices), models.get(space, ""))
    order = np.argsort(row_numbers)
    return Vectors(row_numbers[order], matrix[order])


def join_scenes(text: NDArray[np.float32], coordinated: NDArray[np.float32]) -> NDArray[np.float32]:
    """Join the text vectors and frame vectors of scenes, or both vectors of a query (early fusion).

    Args:
        text: (n, t) in the text space; zeros for a scene without text.
        coordinated: (n, c) in the space that frames share with texts; zeros for a scene without frames.

    Returns:
        (n, t + c) of unit length.
    """
    return fuse_early_rows(text, coordinated, text_weight=_SCENE_TEXT_WEIGHT)


def _matrix(column: pa.ChunkedArray) -> NDArray[np.float32]:
    """Return vectors as (n, d), with zeros for missing ones."""
    array = column.combine_chunks()
    there = array.is_valid().to_numpy(zero_copy_only=False)
    vectors = array.drop_null().flatten().to_numpy(zero_copy_only=False)
    matrix = np.zeros((len(array), array.type.list_size), dtype=np.float32)
    matrix[there] = vectors.reshape(-1, array.type.list_size)
    return matrix


def name_keys(admitted: Filter) -> list[str]:
    """Return the values of the column `names` of which a moment must have one; none for a filter without names.

    They are `:angela merkel`, `person:` or `person:angela merkel`.
    """
    if not admitted.entities and not admitted.entity_kinds:
        return []
    return [f"{kind}:{name.lower()}" for kind in admitted.entity_kinds or ("",) for name in admitted.entities or ("",)]


class Columns:
    """The columns of moments that filters test, as NumPy arrays.

    Args:
        rows: Moments, in `ROW_SCHEMA`.
    """

    def __init__(self, rows: pa.Table) -> None:
        self._rows = rows
        self._start_s: NDArray[np.float64] = rows["start_s"].to_numpy()
        self._end_s: NDArray[np.float64] = rows["end_s"].to_numpy()

    def mask(self, admitted: Filter, superseded: Sequence[str] = ()) -> Mask | None:
        """Return which rows may be found; None for all.

        Args:
            admitted: The filter.
            superseded: Ids of videos to leave out.
        """
        parts: list[Mask] = []
        wanted = {
            "video_id": admitted.videos,
            "language": admitted.languages,
            "speaker": admitted.speakers,
            "kind": admitted.kinds,
        }
        parts += [self._is_any(column, values) for column, values in wanted.items() if values]
        if superseded:
            parts.append(~self._is_any("video_id", superseded))
        if admitted.topics:
            parts.append(self._has("topics", [topic.lower() for topic in admitted.topics]))
        if names := name_keys(admitted):
            parts.append(self._has("names", names))
        parts += [self._has("objects", [each]) for each in admitted.objects]
        if admitted.sounds:
            parts.append(self._has("sounds", [sound.lower() for sound in admitted.sounds]))
        if admitted.from_s is not None:
            parts.append(self._end_s > admitted.from_s)
        if admitted.to_s is not None:
            parts.append(self._start_s < admitted.to_s)
        return np.logical_and.reduce(parts) if parts else None

    def _is_any(self, column: str, values: Sequence[str]) -> Mask:
        chunks = [self._chunk_is_any(chunk, values) for chunk in self._rows[column].chunks]
        return np.concatenate(chunks) if chunks else np.zeros(0, np.bool_)

    @staticmethod
    def _chunk_is_any(chunk: pa.DictionaryArray, values: Sequence[str]) -> Mask:
        known = pc.is_in(chunk.dictionary, value_set=pa.array(values, pa.string()))
        admitted = np.append(known.to_numpy(zero_copy_only=False), False).astype(np.bool_)
        codes = pc.fill_null(chunk.indices, len(known)).to_numpy(zero_copy_only=False)
        chosen: Mask = admitted[codes]
        return chosen

    def _has(self, listed: str, values: Sequence[str]) -> Mask:
        """Return the rows whose list has one of some values in lower case."""
        wanted = pa.array(values, pa.string())
        column = self._rows[listed].combine_chunks()
        names = column.flatten().dictionary_encode()
        matching = pc.is_in(pc.utf8_lower(names.dictionary), value_set=wanted)
        hits = np.append(matching.to_numpy(zero_copy_only=False), False).astype(np.bool_)[names.indices.to_numpy()]
        mask = np.zeros(len(column), np.bool_)
        mask[pc.list_parent_indices(column).to_numpy()[hits]] = True
        return mask
