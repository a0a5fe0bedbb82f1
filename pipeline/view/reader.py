"""Read a lake from many threads through one DuckDB connection, which is reopened when the lake changes."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar

import duckdb

from pipeline.lake import Lake
from schemas.errors import LakeError

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")
_REFRESH_EVERY_S = 2.0
_ATTEMPTS = 3
_CREATING = threading.Lock()
"""Readers of one lake share its connection and these tables."""

_CATALOGUE = """
CREATE TABLE IF NOT EXISTS lake.catalogue AS
SELECT video_id, videos.uri, parse_filename(videos.uri) AS name, status, videos.language,
    coalesce(list_transform(videos.languages, lambda each: each.language),
        list_filter([videos.language], lambda each: each IS NOT NULL)) AS languages, duration_s, has_video,
    committed_at, missing_since IS NOT NULL AS missing,
    coalesce(headline, '') AS headline,
    coalesce(list_transform(topics, lambda each: each.label), []) AS topics,
    keyframe_ids[1] AS poster, coalesce(kind, '') AS error_kind, coalesce(message, '') AS error_message,
    coalesce(stage, '') AS error_stage
FROM videos LEFT JOIN summaries USING (video_id) LEFT JOIN (
    SELECT video_id, arg_min(kind, stage) AS kind, arg_min(message, stage) AS message, min(stage) AS stage
    FROM errors GROUP BY video_id
) USING (video_id)
"""
"""The fields of each video in the grid, in memory: about 500 bytes per video."""

_FIRST_THUMBNAILS = """
CREATE TABLE IF NOT EXISTS lake.first_thumbnails AS
SELECT video_id, any_value(filename) AS file, min(file_row_number) AS first_row FROM lake.frame_rows GROUP BY video_id
"""
"""The row of the first thumbnail of each video. The others follow it."""


@dataclass(frozen=True, slots=True)
class _Opened:
    state: str
    connection: duckdb.DuckDBPyConnection


class LakeReader:
    """An open lake. As a context manager it keeps itself up to date in a thread.

    Queries see the lake as it was at most a few seconds ago, and never wait for it to be reopened.

    Args:
        lake: The lake.

    Raises:
        LakeError: The lake cannot be read.
    """

    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        self._opening = threading.Lock()
        self._ended = threading.Event()
        self._watcher: threading.Thread | None = None
        self._opened = self._open()

    @property
    def state(self) -> str:
        """The state of the lake when it was opened (see `Lake.state`)."""
        return self._opened.state

    def ask(self, question: Callable[[duckdb.DuckDBPyConnection], Answer]) -> Answer:
        """Call a function with a cursor, from any thread.

        Args:
            question: Takes the cursor. Besides the views it can read the tables `lake.catalogue` and
                `lake.first_thumbnails`.

        Raises:
            LakeError: The lake cannot be read.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            opened = self._opened
            cursor = opened.connection.cursor()
            try:
                return question(cursor)
            except duckdb.Error as error:
                # Compaction may have removed a file of this state of the lake.
                if attempt == _ATTEMPTS:
                    raise LakeError(f"Cannot read the lake {self.lake.uri}: {error}") from error
                self._replace(opened)
            finally:
                cursor.close()
        raise AssertionError("unreachable")

    def refresh(self) -> bool:
        """Reopen the lake if it has changed, and return whether it had.

        Raises:
            LakeError: The lake cannot be read.
        """
        before = self._opened
        # Another thread may be opening a state that is older than the newest by now.
        while self.lake.state != (seen := self._opened).state:
            self._replace(seen)
        return self._opened is not before

    def __enter__(self) -> Self:
        self._ended.clear()
        self._watcher = threading.Thread(target=self._watch, name="lake-watch", daemon=True)
        self._watcher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._watcher:
            self._watcher.join()

    def _watch(self) -> None:
        while not self._ended.wait(_REFRESH_EVERY_S):
            try:
                self.refresh()
            except (LakeError, OSError) as error:
                logger.warning("The lake could not be refreshed: %s", error)

    def _replace(self, seen: _Opened) -> None:
        with self._opening:
            if self._opened is seen:
                self._opened = self._open()

    def _open(self) -> _Opened:
        state = self.lake.state
        connection = self.lake.connect(comments=False)
        try:
            with _CREATING:
                connection.execute(_CATALOGUE)
                connection.execute(_FIRST_THUMBNAILS)
        except duckdb.Error as error:
            raise LakeError(f"Cannot read the lake {self.lake.uri}: {error}") from error
        return _Opened(state, connection)
