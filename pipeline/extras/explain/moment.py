"""Explain why a moment matches a query."""

from functools import cached_property, partial
from typing import Any, Literal

import cv2
import duckdb
import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.fusion import cosines
from pipeline.extras.explain.erasure import Encode, image_heat, word_weights
from pipeline.lake import Lake, fetch, find_video
from pipeline.search import QueryEncoder, QueryVectors
from schemas.errors import LakeError
from schemas.explain import Explanation, FrameReason, ModalityShare, TextReason
from schemas.tables import NO_ENCODER

_VIDEO = "SELECT uri FROM videos WHERE video_id = $video"
_SCENE = """
SELECT start_s, end_s, text_embedding, coordinated_embedding, text_weight, vision_weight
FROM scenes WHERE video_id = $video AND start_s <= $time ORDER BY start_s DESC LIMIT 1
"""
_TEXTS = """
SELECT kind, start_s, end_s, text, embedding, language FROM moments
WHERE video_id = $video AND kind IN ('speech', 'screen') AND embedding IS NOT NULL AND start_s < $to AND end_s > $from
"""
_FRAME = """
SELECT frame_id, time_s, labels, thumbnail, coordinated_embedding FROM frames
WHERE video_id = $video AND coordinated_embedding IS NOT NULL ORDER BY abs(time_s - $time) LIMIT 1
"""
_AROUND_S = 5.0
_ONE = np.ones(1, np.float32)
"""For erasure by similarities, which are computed part by part, instead of vectors."""

Row = dict[str, Any]
Rows = list[Row]


class Explainer:
    """Explains moments of a lake with the models that made its vectors. Models are loaded when first needed.

    Args:
        lake: The lake.
        encoder: Of queries; None: the models that made the lake's vectors.
    """

    def __init__(self, lake: Lake, *, encoder: QueryEncoder | None = None) -> None:
        self._lake = lake
        self._given_encoder = encoder

    @cached_property
    def _encoder(self) -> QueryEncoder:
        # Asked for when the moment was read, with views that also serve here: the other way round, they are made twice.
        return self._given_encoder or QueryEncoder.of_lake(self._lake)

    def explain(self, query: str, video: str, time_s: float, *, max_texts: int = 3) -> Explanation:
        """Explain the similarity of a moment and a query.

        Args:
            query: The text of the query.
            video: Id, start of an id, file name, path or URI.
            time_s: Time in the video.
            max_texts: Maximum number of explained texts, of those within five seconds.

        Raises:
            LakeError: There is no such video, or it has no scene at that time.
            ModelError: A model that made the lake's vectors is missing.
        """
        video_id, row, scenes, texts, frames = self._lake.read(partial(_rows, video=video, time_s=time_s))
        if not scenes or time_s >= scenes[0]["end_s"] + _AROUND_S:
            raise LakeError(f"{video} has no scene at {time_s:g} s.")
        vectors = self._encoder.texts([query])
        reasons = [self._text(query, vectors, text) for text in self._nearest(texts, vectors, max_texts)]
        return Explanation(
            query=query,
            video_id=video_id,
            uri=row["uri"],
            time_s=time_s,
            scene=(scenes[0]["start_s"], scenes[0]["end_s"]),
            shares=self._shares(scenes[0], vectors),
            texts=tuple(reasons),
            frame=self._frame(frames[0], vectors) if frames else None,
        )

    def _text(self, query: str, vectors: QueryVectors, row: dict[str, Any]) -> TextReason:
        space = self._encoder.spaces.text[0]
        own, asked = np.asarray(row["embedding"], dtype=np.float32), vectors.text[0]

        def similar_to(other: NDArray[np.float32]) -> Encode:
            return lambda texts: cosines(other, self._encoder.texts(texts).text, space)[:, None].astype(np.float32)

        return TextReason(
            kind=row["kind"],
            start_s=row["start_s"],
            end_s=row["end_s"],
            similarity=float(cosines(asked, own[None], space)[0]),
            text_words=word_weights(row["text"], _ONE, similar_to(asked), row["language"]),
            query_words=word_weights(query, _ONE, similar_to(own), None),
        )

    def _nearest(self, texts: Rows, vectors: QueryVectors, max_count: int) -> Rows:
        fitting = [row for row in texts if len(row["embedding"]) == len(vectors.text[0])]
        return sorted(fitting, key=lambda row: -self._similarity("text", row["embedding"], vectors))[:max_count]

    def _shares(self, scene: Row, vectors: QueryVectors) -> tuple[ModalityShare, ...]:
        return (
            ModalityShare("text", scene["text_weight"], self._similarity("text", scene["text_embedding"], vectors)),
            ModalityShare(
                "vision",
                scene["vision_weight"],
                self._similarity("coordinated", scene["coordinated_embedding"], vectors),
            ),
        )

    def _similarity(
        self, space: Literal["text", "coordinated"], vector: list[float] | None, vectors: QueryVectors
    ) -> float:
        """Return the similarity of a stored vector and the query in a space, as search computes it."""
        (model, _), [query] = getattr(self._encoder.spaces, space), getattr(vectors, space)
        if vector is None or len(vector) != len(query):
            return 0.0
        return float(cosines(query, np.asarray([vector], np.float32), model)[0])

    def _frame(self, row: dict[str, Any], vectors: QueryVectors) -> FrameReason | None:
        space = self._encoder.spaces.coordinated[0]
        own = np.asarray(row["coordinated_embedding"], dtype=np.float32)
        if space == NO_ENCODER[0] or not vectors.coordinated[0].any() or own.shape != vectors.coordinated[0].shape:
            return None
        query = vectors.coordinated[0]

        def similar(images: Any) -> NDArray[np.float32]:  # noqa: ANN401 - a sequence of images
            return cosines(query, self._encoder.images(images).coordinated, space)[:, None].astype(np.float32)

        image = cv2.imdecode(np.frombuffer(row["thumbnail"], np.uint8), cv2.IMREAD_COLOR_RGB)
        if image is None:
            return None
        return FrameReason(
            frame_id=row["frame_id"],
            time_s=row["time_s"],
            similarity=float(cosines(query, own[None], space)[0]),
            labels=tuple((each["label"], each["score"]) for each in row["labels"]),
            thumbnail=row["thumbnail"],
            heat=image_heat(image.astype(np.uint8), _ONE, similar),
        )


def _rows(connection: duckdb.DuckDBPyConnection, video: str, time_s: float) -> tuple[str, Row, Rows, Rows, Rows]:
    """Return the id and row of a video, the scene at a time, the texts around it and the nearest keyframe."""
    video_id = find_video(connection, video)
    around = {"video": video_id, "from": time_s - _AROUND_S, "to": time_s + _AROUND_S}
    at = {"video": video_id, "time": time_s}
    [row] = fetch(connection, _VIDEO, video=video_id)
    return (
        video_id,
        row,
        fetch(connection, _SCENE, **at),
        fetch(connection, _TEXTS, **around),
        fetch(connection, _FRAME, **at),
    )
