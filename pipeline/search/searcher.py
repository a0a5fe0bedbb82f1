"""`Searcher`: find the moments of a lake that match a text, an image or another moment."""

import logging
import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from pipeline.lake import Lake, find_video
from pipeline.search.duplicates import MIN_OVERLAP, find_duplicates
from pipeline.search.filters import check_entities, check_objects, check_sounds, check_topics, resolve_filter
from pipeline.search.hits import hits_of
from pipeline.search.lexical import Bm25
from pipeline.search.manifest import REMEDY, manifest_state, read_manifest
from pipeline.search.query_encoder import QueryEncoder, QueryVectors
from pipeline.search.ranking import Candidate, RankedMoment, RankedScene, Retriever, fuse
from pipeline.search.retrievers import by_text, by_vector, by_words, scenes_near
from pipeline.search.rows import Space
from pipeline.search.segment import Segment, load_content, segment_in_memory, space_models
from pipeline.search.state import LakeVersion, State, covering
from pipeline.search.stored import open_segment
from pipeline.search.terms import parse_query
from schemas.errors import LakeError, ModelError, SearchIndexError
from schemas.search import Duplicate, Filter, Hit

logger = logging.getLogger(__name__)

_CANDIDATES = 100
"""Each retriever contributes up to this many rows, or up to twice the limit if that is more."""
_MAX_IN_MEMORY = 4
"""With more segments in memory, all but the largest are read again as one."""
_MIN_IMAGE_SIMILARITY = 0.1
"""With a lower cosine, a frame does not show what a text says."""
_MIN_LABEL_SIMILARITY = 0.2
"""The same for frames placed by their labels (ConSE), if another retriever found something; see docs/quality.md."""

_ATTEMPTS = 3
_MANY_IN_MEMORY = 100_000
"""With more moments an index is worth having: reading them takes seconds, though comparing them does not yet."""

_COMMITS = "SELECT video_id, shard FROM lake.states WHERE is_current AND status = 'ok'"
_MADE_BY = """
SELECT revision || ' ' || count(run_id) FROM runs RIGHT JOIN lake.newest USING (revision) GROUP BY revision
"""
_VIDEOS = "SELECT video_id, uri, coalesce(headline, '') FROM videos LEFT JOIN summaries USING (video_id)"
_ALL = Filter()

Image = NDArray[np.uint8]
"""(height, width, 3) RGB."""


class Searcher:
    """Finds moments in a lake. Keep one and share it between any number of threads.

    The evidence of three retrievers is fused (see `pipeline.search.ranking`). The lexical one compares words (BM25) in
    speech, on-screen text, captions and labels; the semantic one, text vectors of speech and on-screen text; the visual
    one, frames in the space that they share with texts. The scene around a moment counts too, because a sentence alone
    seldom says what it is about.

    Args:
        lake: The lake. Later commits are found too.
        encoder: Encodes queries; None uses the models that made the lake's vectors.
        refresh_s: How long to use the lake as last seen before looking for changes, in seconds.
    """

    def __init__(self, lake: Lake, *, encoder: QueryEncoder | None = None, refresh_s: float = 1.0) -> None:
        self._lake = lake
        self._given_encoder = encoder
        self._refresh_s = refresh_s
        self._lock = threading.Lock()
        self._state: State | None = None
        self._looked_at = 0.0
        self._encoder = encoder
        self._encode_text = lru_cache(maxsize=256)(self._encode_text_uncached)
        self._notes: dict[str, str] = {}

    @property
    def notes(self) -> tuple[str, ...]:
        """Warnings about the results for the user, such as a missing model."""
        return tuple(dict(self._notes).values())

    @property
    def moments(self) -> int:
        """Number of moments that can be found."""
        return self._current().moments

    def search(self, query: str, filters: Filter = _ALL, limit: int = 20, *, prefix: bool = False) -> list[Hit]:
        """Find the moments in which something is said, written or shown.

        Args:
            query: Any text. A "phrase in quotation marks" must occur word by word; there is no other syntax.
            filters: Which moments may be found; `pipeline.search.filters` resolves names.
            limit: Maximum number of hits, 1 or more.
            prefix: Treat the last word as a prefix, as while somebody types.

        Returns:
            Hits, best first; empty if nothing matches.

        Raises:
            ConfigurationError: A filter or the limit is invalid.
            FilterError: A filter names something that no moment of the lake has.
            LakeError: The lake cannot be read, or has no such video.
        """
        state = self._current()
        filters = resolve_filter(filters, limit, self._lake, state.segments, state.videos)
        words = parse_query(query, prefix=prefix)
        if not words:
            return []
        bm25 = Bm25(words, [segment.lexical for segment in state.segments], state.mean_length)
        count = max(_CANDIDATES, 2 * limit)
        lists: dict[Retriever, list[Candidate]] = {"lexical": by_words(state, words, bm25, filters, count)}
        scenes: list[RankedScene] = []
        # Only words can tell whether a phrase occurs.
        vectors = None if words.phrases else self._text_vectors(query)
        if vectors is not None:
            encoder = self._query_encoder()
            parts, image = encoder.text_parts, encoder.image_scale
            lists["semantic"] = by_text(state, vectors, parts, filters, count)
            min_similarity = _MIN_IMAGE_SIMILARITY if image is None else _MIN_LABEL_SIMILARITY
            lists["visual"] = by_vector(
                state, "coordinated", "visual", vectors.coordinated[0], filters, count,
                scale=image, min_similarity=min_similarity,
            )  # fmt: skip
            scenes = scenes_near(state, vectors, parts, image, filters, count)
        # Only a filter that admits whole scenes admits their first moments.
        whole = replace(filters, videos=(), languages=(), topics=()) == _ALL
        return _hits(state, filters, fuse(lists, limit, scenes, count=count, may_add=whole), bm25.words)

    def by_image(self, image: Image | Path, filters: Filter = _ALL, limit: int = 20) -> list[Hit]:
        """Find frames that look like an image.

        Args:
            image: uint8 (height, width, 3) RGB, or an image file.
            filters: Which moments may be found.
            limit: Maximum number of hits.

        Raises:
            ConfigurationError: The file is not an image.
            ModelError: The lake's vision model is not installed.
            LakeError: The lake cannot be read.
        """
        state = self._current()
        filters = resolve_filter(filters, limit, self._lake, state.segments, state.videos)
        if isinstance(image, Path):
            from pipeline.search.images import read_image

            pixels = read_image(image)
        else:
            pixels = image
        vectors = self._query_encoder().images([pixels])
        found = by_vector(state, "vision", "visual", vectors.vision[0], filters, max(_CANDIDATES, 2 * limit))
        return _hits(state, filters, fuse({"visual": found}, limit))

    def like(self, video: str, time_s: float, filters: Filter = _ALL, limit: int = 20) -> list[Hit]:
        """Find moments similar to one: frames that look alike, or speech and on-screen text with a similar meaning.

        Args:
            video: Id, start of an id, file name, path or URI.
            time_s: Time in the video, in seconds.
            filters: Which moments may be found.
            limit: Maximum number of hits.

        Raises:
            LakeError: There is no such video, it has neither frame nor text at that time, or the lake cannot be read.
        """
        state = self._current()
        filters = resolve_filter(filters, limit, self._lake, state.segments, state.videos)

        def vectors_at(connection: duckdb.DuckDBPyConnection) -> tuple[str, list[tuple[Space, list[float]]]]:
            video_id = find_video(connection, video)
            return video_id, connection.execute(_AT, {"video": video_id, "time": time_s}).fetchall()

        video_id, found = self._lake.read(vectors_at)
        lists: dict[Retriever, list[Candidate]] = {}
        count = max(_CANDIDATES, 2 * limit)
        for space, vector in found:
            retriever: Retriever = "visual" if space == "vision" else "semantic"
            query = np.asarray(vector, np.float32)
            near = by_vector(state, space, retriever, query, filters, count)
            lists[retriever] = [
                each
                for each in near
                if not (each.video_id == video_id and each.start_s <= time_s < max(each.end_s, each.start_s + 1e-3))
            ]
        if not lists:
            raise LakeError(
                f"{video} has no frame and no text at {time_s:g} s to compare with. Name a time within the video."
            )
        return _hits(state, filters, fuse(lists, limit))

    def duplicates(self, video: str | None = None, *, min_overlap: float = MIN_OVERLAP) -> list[Duplicate]:
        """Find videos that share footage; see `pipeline.search.duplicates`."""
        return find_duplicates(self._lake, video, min_overlap=min_overlap)

    def close(self) -> None:
        """Release the temporary files of the search index; the next search opens it again."""
        state, self._state = self._state, None
        for segment in state.segments if state else ():
            if segment.links:
                segment.links.close()

    def refresh(self) -> None:
        """Look for changes of the lake now."""
        with self._lock:  # another thread may be reading a state that is older than the newest by now
            self._state = self._refreshed(self._state)
            self._looked_at = time.monotonic()

    def _current(self) -> State:
        state = self._state
        if state is not None and time.monotonic() - self._looked_at < self._refresh_s:
            return state
        # While one thread reads the lake again, the others use what was read before.
        if not self._lock.acquire(blocking=state is None):
            assert state is not None  # noqa: S101 - else the call above waits
            return state
        try:
            self._state = self._refreshed(self._state)
            self._looked_at = time.monotonic()
            return self._state
        finally:
            self._lock.release()

    def _refreshed(self, state: State | None) -> State:
        """Return the lake as it is now, or as it was if it cannot be read at the moment."""
        try:
            version = (self._lake.state, manifest_state(self._lake.search_files))
            if state is None or state.version != version:
                state = self._lake.read(lambda connection: self._load(connection, version))
            self._notes.pop("lake", None)
        except (LakeError, OSError) as error:
            if state is None:
                raise LakeError(f"The lake {self._lake.uri} cannot be searched: {error}") from error
            logger.warning("The lake cannot be read at the moment: %s", error)
            self._notes["lake"] = f"The lake cannot be read at the moment, so the results may be out of date: {error}"
        return state

    def _load(self, connection: duckdb.DuckDBPyConnection, version: LakeVersion) -> State:
        commits = dict(connection.execute(_COMMITS).fetchall())
        videos = {video_id: (uri, headline) for video_id, uri, headline in connection.execute(_VIDEOS).fetchall()}
        models = space_models(connection)
        before = self._state.segments if self._state else ()
        in_memory = [segment for segment in before if not segment.name]
        if len(in_memory) > _MAX_IN_MEMORY:
            in_memory = [max(in_memory, key=lambda segment: segment.rows.num_rows)]
        segments = covering([*self._stored(before), *in_memory], commits)
        held = {video_id for segment in segments for video_id in segment.commits if video_id not in segment.superseded}
        missing = {video_id: shard for video_id, shard in commits.items() if video_id not in held}
        if missing:
            segments.append(segment_in_memory(load_content(connection, missing)))
        self._note_freshness(segments)
        [made_by] = connection.execute(_MADE_BY).fetchone() or ("",)
        same = self._state is not None and (self._state.made_by, self._state.models) == (made_by, models)
        if self._given_encoder is None and not same:
            self._encoder = QueryEncoder.of_connection(connection)
            self._encode_text.cache_clear()
        return State(version, tuple(segments), videos, models, made_by)

    def _stored(self, before: Sequence[Segment]) -> list[Segment]:
        """Open the segments of the search index; none if there is no index, or it is damaged."""
        opened = {segment.name: segment for segment in before if segment.name}
        self._notes.pop("index", None)
        for _ in range(_ATTEMPTS):
            try:
                manifest = read_manifest(self._lake.search_files)
                return [
                    opened.get(segment.name) or open_segment(self._lake.search_files, segment)
                    for segment in (manifest.segments if manifest else ())
                ]
            except FileNotFoundError:
                # A newer index has just replaced this one: look again.
                continue
            except (SearchIndexError, PermissionError) as error:
                self._notes["index"] = f"Searched without the index: {error}"
                return []
        self._notes["index"] = f"Searched without the index: some of its files are missing. {REMEDY}"
        return []

    def _note_freshness(self, segments: Sequence[Segment]) -> None:
        stored = sum(segment.rows.num_rows for segment in segments if segment.name)
        rest = sum(segment.rows.num_rows for segment in segments if not segment.name)
        self._notes.pop("fresh", None)
        if rest > _MANY_IN_MEMORY or (stored and rest):
            self._notes["fresh"] = (
                f"{rest:,} of {rest + stored:,} moments are not in the search index and were read from the tables. "
                "`videolake index` adds them."
            )

    def _query_encoder(self) -> QueryEncoder:
        assert self._encoder is not None  # noqa: S101 - made when the lake was read
        return self._encoder

    def _text_vectors(self, query: str) -> QueryVectors | None:
        try:
            vectors = self._encode_text(" ".join(query.split()))
        except ModelError as error:
            self._notes["model"] = f"Searched by words only: {error}"
            return None
        self._notes.pop("model", None)
        return vectors

    def _encode_text_uncached(self, query: str) -> QueryVectors:
        return self._query_encoder().texts([query])


def _hits(state: State, filters: Filter, moments: Sequence[RankedMoment], words: Collection[str] = ()) -> list[Hit]:
    if not moments:
        check_topics(filters, state.segments)
        check_entities(filters, state.segments)
        check_objects(filters, state.segments)
        check_sounds(filters, state.segments)
    return hits_of(moments, state.segments, state.videos, words)


_AT = """
SELECT 'vision' AS space, embedding::FLOAT[] FROM (
    SELECT embedding FROM frames JOIN lake.keyframes USING (video_id, frame_id)
    WHERE video_id = $video AND embedding IS NOT NULL AND start_s <= $time
        AND $time <= (SELECT any_value(duration_s) FROM videos WHERE video_id = $video)
    ORDER BY start_s DESC LIMIT 1
)
UNION ALL
SELECT 'text', embedding::FLOAT[] FROM (
    SELECT embedding FROM moments
    WHERE video_id = $video AND embedding IS NOT NULL AND start_s <= $time AND $time < end_s
    ORDER BY kind = 'speech' DESC LIMIT 1
)
"""
