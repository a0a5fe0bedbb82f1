"""Read a lake from many threads through one DuckDB connection, which is made anew when the lake has changed."""

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
_LOOK_EVERY_S = 2.0
_ATTEMPTS = 3

_CATALOGUE = """
CREATE TABLE lake.catalogue AS
SELECT video_id, videos.uri, parse_filename(videos.uri) AS name, status, videos.language, duration_s, has_video,
    committed_at,
    coalesce(headline, '') AS headline,
    coalesce(list_transform(topics, lambda each: each.label), []) AS topics,
    keyframe_ids[1] AS poster, coalesce(kind, '') AS error_kind, coalesce(message, '') AS error_message,
    coalesce(stage, '') AS error_stage
FROM videos LEFT JOIN summaries USING (video_id) LEFT JOIN errors USING (video_id)
"""
"""What the grid shows of each video, in memory: some 500 bytes a video."""

_FIRST_PICTURES = """
CREATE TABLE lake.first_pictures AS
SELECT video_id, any_value(filename) AS file, min(file_row_number) AS first_row FROM lake.frame_rows GROUP BY video_id
"""
"""Where the first thumbnail of each video is; the others follow it."""


@dataclass(frozen=True, slots=True)
class _Opened:
    state: tuple[str, ...]
    connection: duckdb.DuckDBPyConnection


class LakeReader:
    """A lake that is open for questions; a context manager that keeps it current in a thread while it is entered.

    Questions see the lake as it was at most some seconds ago, and never wait for it to be opened anew.

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
    def state(self) -> tuple[str, ...]:
        """What the lake was when it was opened (see `Lake.state`)."""
        return self._opened.state

    def ask(self, question: Callable[[duckdb.DuckDBPyConnection], Answer]) -> Answer:
        """Answer a question from any thread.

        Args:
            question: Gets a cursor of its own; besides the views it finds the tables `lake.catalogue` and
                `lake.first_pictures`.

        Raises:
            LakeError: The lake cannot be read.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            opened = self._opened
            cursor = opened.connection.cursor()
            try:
                return question(cursor)
            except duckdb.Error as error:
                # Compaction may have removed a file that this state of the lake has.
                if attempt == _ATTEMPTS:
                    raise LakeError(f"Cannot read the lake {self.lake.uri}: {error}") from error
                self._replace(opened)
            finally:
                cursor.close()
        raise AssertionError("unreachable")

    def refresh(self) -> bool:
        """Open the lake anew if it has changed, and tell whether it had.

        Raises:
            LakeError: The lake cannot be read.
        """
        seen = self._opened
        changed = self.lake.state != seen.state
        if changed:
            self._replace(seen)
        return changed

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
        while not self._ended.wait(_LOOK_EVERY_S):
            try:
                self.refresh()
            except (LakeError, OSError) as error:
                logger.warning("The lake could not be looked at again: %s", error)

    def _replace(self, seen: _Opened) -> None:
        with self._opening:
            if self._opened is seen:
                self._opened = self._open()

    def _open(self) -> _Opened:
        state = self.lake.state
        connection = self.lake.connect()
        try:
            connection.execute(_CATALOGUE)
            connection.execute(_FIRST_PICTURES)
        except duckdb.Error as error:
            raise LakeError(f"Cannot read the lake {self.lake.uri}: {error}") from error
        return _Opened(state, connection)
