"""Search a lake: text, a picture or a moment in; the moments that answer it out."""

import logging
import threading
import time
from collections.abc import Collection, Sequence
from functools import lru_cache
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.fusion import CONSE_PREFIX
from pipeline.lake import Lake, Store, find_video
from pipeline.search.duplicates import MIN_OVERLAP, find_duplicates
from pipeline.search.filters import admitted, check_topics
from pipeline.search.hits import hits_of
from pipeline.search.images import read_image
from pipeline.search.lexical import Bm25
from pipeline.search.manifest import manifest_state, read_manifest
from pipeline.search.query_encoder import QueryEncoder, QueryVectors
from pipeline.search.ranking import Candidate, FoundScene, Moment, Retriever, fuse
from pipeline.search.retrievers import by_vector, by_words, scenes_near
from pipeline.search.rows import Space, join_scenes
from pipeline.search.segment import Segment, load_content, segment_in_memory, space_models
from pipeline.search.state import Seen, State, covering
from pipeline.search.stored import open_segment
from pipeline.search.terms import parse_query
from schemas.errors import LakeError, ModelError, SearchIndexError
from schemas.search import Duplicate, Filter, Hit

logger = logging.getLogger(__name__)

_CANDIDATES = 100
"""Rows that each retriever contributes."""
_MAX_IN_MEMORY = 4
"""Segments in memory; one more, and all but the largest are read again as one."""
_MIN_MEANING = 0.25
"""Cosine under which texts have nothing to do with each other."""
_MIN_PICTURE = 0.1
"""Cosine under which a picture does not show what a text says."""
_MIN_LABELLED = 0.2
"""The same where labels stand for the picture (ConSE) and words or meaning answer too; see docs/quality.md."""

_ATTEMPTS = 3
_MANY_IN_MEMORY = 100_000
"""Moments from which an index is worth having: reading them takes seconds, comparing them does not yet."""

_COMMITS = "SELECT video_id, shard FROM lake.states WHERE is_current AND status = 'ok'"
_MADE_BY = """
SELECT revision || ' ' || count(run_id) FROM runs RIGHT JOIN (
    SELECT revision FROM lake.states ORDER BY status = 'ok' DESC, committed_at DESC LIMIT 1
) USING (revision) GROUP BY revision
"""
_VIDEOS = "SELECT video_id, uri, coalesce(headline, '') FROM videos LEFT JOIN summaries USING (video_id)"
_ALL = Filter()

Image = NDArray[np.uint8]
"""(height, width, 3) RGB."""


class Searcher:
    """Finds moments in a lake. Long-lived; any number of threads may share it.

    Three retrievers are fused by the ranks that they give (reciprocal rank fusion): words (BM25) in what is
    said, written, captioned and labelled; meaning (cosine of text vectors) in what is said and written; and pictures
    (cosine in the space that they share with texts). A moment also counts for the rank of the scene that it is in, by
    all that is said, written and shown in it: a sentence alone seldom says what it is about.

    Args:
        lake: The lake. What is committed to it later is found too.
        encoder: Makes vectors of queries; none: the models that made those of the lake.
        refresh_s: Seconds for which the lake is taken to be unchanged after a look.
    """

    def __init__(self, lake: Lake, *, encoder: QueryEncoder | None = None, refresh_s: float = 1.0) -> None:
        self._lake = lake
        self._store = Store(lake.uri)
        self._given_encoder = encoder
        self._refresh_s = refresh_s
        self._lock = threading.Lock()
        self._state: State | None = None
        self._looked_at = 0.0
        self._encoder = encoder
        self._encode_text = lru_cache(maxsize=256)(self._encode_text_anew)
        self._notes: dict[str, str] = {}

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person who reads the answers should know, e.g. that a model is missing."""
        return tuple(dict(self._notes).values())

    @property
    def moments(self) -> int:
        """Number of moments that can be found."""
        return self._current().moments

    def search(self, query: str, filters: Filter = _ALL, limit: int = 20, *, prefix: bool = False) -> list[Hit]:
        """Find what is said, written or shown.

        Args:
            query: Any text. A "phrase in quotation marks" must be there word by word; nothing else has a meaning of
                its own.
            filters: Which moments may be found; see `pipeline.search.filters` for what names things.
            limit: Hits at most, 1 or more.
            prefix: Take the last word for the beginning of one, as while somebody types.

        Returns:
            The best first; empty where nothing answers.

        Raises:
            ConfigurationError: A filter or the limit is none.
            FilterError: A filter names what no moment of the lake has.
            LakeError: The lake cannot be read, or has no such video.
        """
        state = self._current()
        filters = admitted(filters, limit, self._lake, state.segments, state.videos)
        words = parse_query(query, prefix=prefix)
        if not words:
            return []
        bm25 = Bm25(words, [segment.lexical for segment in state.segments], state.mean_length)
        count = max(_CANDIDATES, 2 * limit)
        lists: dict[Retriever, list[Candidate]] = {"lexical": by_words(state, words, bm25, filters, count)}
        scenes: list[FoundScene] = []
        if not words.phrases:
            vectors = self._text_vectors(query)
            if vectors is not None:
                lists["semantic"] = by_vector(
                    state, "text", "semantic", vectors.text[0], filters, count, min_similarity=_MIN_MEANING
                )
                labelled = self._query_encoder().spaces.coordinated[0].startswith(CONSE_PREFIX)
                answered = any(lists.values())
                min_similarity = _MIN_LABELLED if labelled and answered else _MIN_PICTURE
                lists["visual"] = by_vector(
                    state,
                    "coordinated",
                    "visual",
                    vectors.coordinated[0],
                    filters,
                    count,
                    min_similarity=min_similarity,
                )
                scenes = scenes_near(state, join_scenes(vectors.text, vectors.coordinated)[0], filters, count)
        return _answer(state, filters, fuse(lists, limit, scenes), bm25.words)

    def by_image(self, image: Image | Path, filters: Filter = _ALL, limit: int = 20) -> list[Hit]:
        """Find pictures that look like one.

        Args:
            image: uint8 (height, width, 3) RGB, or a file that holds a picture.
            filters: Which moments may be found.
            limit: Hits at most.

        Raises:
            ConfigurationError: The file holds no picture.
            ModelError: The lake's vision model is not there.
            LakeError: The lake cannot be read.
        """
        state = self._current()
        filters = admitted(filters, limit, self._lake, state.segments, state.videos)
        picture = read_image(image) if isinstance(image, Path) else image
        vectors = self._query_encoder().pictures([picture])
        found = by_vector(state, "vision", "visual", vectors.vision[0], filters, max(_CANDIDATES, 2 * limit))
        return _answer(state, filters, fuse({"visual": found}, limit))

    def like(self, video: str, time_s: float, filters: Filter = _ALL, limit: int = 20) -> list[Hit]:
        """Find moments like one: that look so, or in which something like it is said or written.

        Args:
            video: Id, start of an id, file name, path or URI.
            time_s: Second of the video.
            filters: Which moments may be found.
            limit: Hits at most.

        Raises:
            LakeError: There is no such video, or it has nothing at that time; or the lake cannot be read.
        """
        state = self._current()
        filters = admitted(filters, limit, self._lake, state.segments, state.videos)

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
            raise LakeError(f"Nothing is known of {video} at second {time_s:g}: no picture, no speech.")
        return _answer(state, filters, fuse(lists, limit))

    def duplicates(self, video: str | None = None, *, min_overlap: float = MIN_OVERLAP) -> list[Duplicate]:
        """Find videos that show the same, at least in part; see `pipeline.search.duplicates`."""
        return find_duplicates(self._lake, video, min_overlap=min_overlap)

    def close(self) -> None:
        """Remove what the stored index needs on this machine's disk; searching again opens it anew."""
        state, self._state = self._state, None
        for segment in state.segments if state else ():
            if segment.links:
                segment.links.close()

    def refresh(self) -> None:
        """Look at the lake now."""
        self._looked_at = 0.0
        self._current()

    def _current(self) -> State:
        state = self._state
        if state is not None and time.monotonic() - self._looked_at < self._refresh_s:
            return state
        # Whoever comes while another thread reads the lake is answered from what was read before.
        if not self._lock.acquire(blocking=state is None):
            assert state is not None  # noqa: S101 - else the call above waits
            return state
        try:
            self._state = self._looked(self._state)
            self._looked_at = time.monotonic()
            return self._state
        finally:
            self._lock.release()

    def _looked(self, state: State | None) -> State:
        """Return the lake as it is now; as it was, where it cannot be read just now."""
        try:
            seen = (self._lake.state, manifest_state(self._store))
            if state is None or state.seen != seen:
                state = self._lake.read(lambda connection: self._load(connection, seen))
            self._notes.pop("lake", None)
        except (LakeError, OSError) as error:
            if state is None:
                raise LakeError(f"The lake {self._lake.uri} cannot be searched: {error}") from error
            logger.warning("The lake cannot be read just now: %s", error)
            self._notes["lake"] = f"What is new in the lake cannot be read just now: {error}"
        return state

    def _load(self, connection: duckdb.DuckDBPyConnection, seen: Seen) -> State:
        commits = dict(connection.execute(_COMMITS).fetchall())
        videos = {video_id: (uri, headline) for video_id, uri, headline in connection.execute(_VIDEOS).fetchall()}
        models = space_models(connection)
        before = self._state.segments if self._state else ()
        in_memory = [segment for segment in before if not segment.name]
        if len(in_memory) > _MAX_IN_MEMORY:
            in_memory = [max(in_memory, key=lambda segment: segment.rows.num_rows)]
        segments = covering([*self._stored(before), *in_memory], commits)
        held = {video_id for segment in segments for video_id in segment.commits if video_id not in segment.without}
        missing = {video_id: shard for video_id, shard in commits.items() if video_id not in held}
        if missing:
            segments.append(segment_in_memory(load_content(connection, missing)))
        self._note_freshness(segments)
        [made_by] = connection.execute(_MADE_BY).fetchone() or ("",)
        same = self._state is not None and (self._state.made_by, self._state.models) == (made_by, models)
        if self._given_encoder is None and not same:
            self._encoder = None
            self._encode_text.cache_clear()
        return State(seen, tuple(segments), videos, models, made_by)

    def _stored(self, before: Sequence[Segment]) -> list[Segment]:
        """Open the segments of the stored index; none where there is no index, or it is damaged."""
        opened = {segment.name: segment for segment in before if segment.name}
        self._notes.pop("index", None)
        for _ in range(_ATTEMPTS):
            try:
                manifest = read_manifest(self._store)
                return [
                    opened.get(segment.name) or open_segment(self._store, segment)
                    for segment in (manifest.segments if manifest else ())
                ]
            except FileNotFoundError:
                # A newer index has just taken its place: look again.
                continue
            except (SearchIndexError, PermissionError) as error:
                self._notes["index"] = f"Searched without the index: {error}"
                return []
        self._notes["index"] = "Searched without the index: files of it are missing; run `videolake index --rebuild`."
        return []

    def _note_freshness(self, segments: Sequence[Segment]) -> None:
        stored = sum(segment.rows.num_rows for segment in segments if segment.name)
        rest = sum(segment.rows.num_rows for segment in segments if not segment.name)
        self._notes.pop("fresh", None)
        if rest > _MANY_IN_MEMORY or (stored and rest):
            self._notes["fresh"] = (
                f"{rest:,} of {rest + stored:,} moments are not in the search index and were read from the tables; "
                "`videolake index` adds them."
            )

    def _query_encoder(self) -> QueryEncoder:
        encoder = self._encoder
        if encoder is None:
            encoder = self._encoder = QueryEncoder.of_lake(self._lake)
        return encoder

    def _text_vectors(self, query: str) -> QueryVectors | None:
        try:
            vectors = self._encode_text(" ".join(query.split()))
        except ModelError as error:
            self._notes["model"] = f"Found by words alone: {error}"
            return None
        self._notes.pop("model", None)
        return vectors

    def _encode_text_anew(self, query: str) -> QueryVectors:
        return self._query_encoder().texts([query])


def _answer(state: State, filters: Filter, moments: Sequence[Moment], words: Collection[str] = ()) -> list[Hit]:
    if not moments:
        check_topics(filters, state.segments)
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
